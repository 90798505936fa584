//! Approvals: who counts for which rule, who could, who may not and why.

use std::collections::BTreeMap;

use sluice_core::access::event::LoginGroups;
use sluice_core::approvals::{
    RuleElectorate, Voter, VoterStanding, could_reject, heeded_by, stands,
};
use sluice_core::change::{ApprovalVerdict, Change, InvolvementRole};
use sluice_core::ids::PersonId;

use crate::web::visit::Visit;
use crate::web::{Markup, marks, w};

/// How the approvals stand.
pub(super) struct Approvals {
    pub(super) rules: Vec<RuleCard>,
    pub(super) given: Vec<Given>,
    pub(super) met: usize,
    /// Who said no to what is to be decided now: nothing goes while they do not take it back.
    pub(super) against: Vec<Markup>,
}

/// One rule.
pub(super) struct RuleCard {
    pub(super) name: String,
    pub(super) reason: String,
    pub(super) who: String,
    pub(super) mark: Markup,
    pub(super) quorum: u32,
    pub(super) counted: usize,
    pub(super) voters: Vec<VoterLine>,
    pub(super) more: usize,
}

/// One person before a rule.
pub(super) struct VoterLine {
    pub(super) who: Markup,
    pub(super) mark: Markup,
    pub(super) note: String,
}

/// One yes or no that was given.
pub(super) struct Given {
    pub(super) who: Markup,
    pub(super) on_behalf_of: Option<Markup>,
    pub(super) mark: Markup,
    pub(super) reason: String,
    pub(super) at: Markup,
    pub(super) is_past: bool,
}

pub(super) fn build(visit: &Visit, change: &Change, rules: &[RuleElectorate]) -> Approvals {
    let given = change.approvals.iter().rev().map(|approval| Given {
        who: visit.who(&approval.person),
        on_behalf_of: approval.on_behalf_of.as_ref().map(|person| visit.who(person)),
        mark: match approval.verdict {
            ApprovalVerdict::Approve => marks::pill("ok", "check", w::t("approvals.approved")),
            ApprovalVerdict::Reject => marks::pill("no", "x", w::t("approvals.rejected")),
        },
        reason: approval.reason.clone(),
        at: visit.when(approval.at),
        is_past: approval.revision != change.revision.digest,
    });
    let against: Vec<Markup> = against(change).iter().map(|person| visit.who(person)).collect();
    let is_met = |rule: &&RuleElectorate| rule.missing() == 0 && against.is_empty();
    Approvals {
        met: rules.iter().filter(is_met).count(),
        rules: rules.iter().map(|rule| card(visit, rule, !against.is_empty())).collect(),
        given: given.collect(),
        against,
    }
}

/// Who said no to the present revision, and has not taken it back.
pub(crate) fn against(change: &Change) -> Vec<PersonId> {
    let present = change.approvals.iter().filter(|it| it.revision == change.revision.digest);
    let last: BTreeMap<&PersonId, ApprovalVerdict> =
        present.map(|approval| (&approval.person, approval.verdict)).collect();
    let no = last.into_iter().filter(|(_, verdict)| *verdict == ApprovalVerdict::Reject);
    no.map(|(person, _)| person.clone()).collect()
}

fn card(visit: &Visit, rule: &RuleElectorate, rejected: bool) -> RuleCard {
    let mark = if rejected {
        marks::pill("no", "x", w::t("approvals.held_by_a_no"))
    } else if rule.missing() == 0 {
        marks::pill("ok", "check", w::t("approvals.met"))
    } else {
        marks::pill("wait", "people", &w::n("approvals.one_missing", rule.missing()))
    };
    RuleCard {
        name: rule.rule.to_string(),
        reason: rule.reason.clone(),
        who: visit.selectors(&rule.who),
        mark,
        quorum: rule.quorum,
        counted: rule.count(VoterStanding::Counted),
        voters: rule.voters.iter().map(|voter| line(visit, voter)).collect(),
        more: rule.more,
    }
}

fn line(visit: &Visit, voter: &Voter) -> VoterLine {
    let (mark, note) = match voter.standing {
        VoterStanding::Counted => {
            (marks::pill("ok", "check", w::t("approvals.counts")), String::new())
        }
        VoterStanding::Rejected => {
            (marks::pill("no", "x", w::t("approvals.said_no")), String::new())
        }
        VoterStanding::Elsewhere => (
            marks::pill("calm", "check", w::t("approvals.said_yes")),
            w::t("approvals.counted_for_another_rule").to_owned(),
        ),
        VoterStanding::Expired => (
            marks::pill("wait", "clock", w::t("approvals.expired")),
            w::t("approvals.said_yes_too_long_ago").to_owned(),
        ),
        VoterStanding::Unreported => (
            marks::pill("wait", "check", w::t("approvals.said_yes")),
            w::t("approvals.not_counted_while_authors").to_owned(),
        ),
        VoterStanding::Could => {
            (marks::pill("calm", "user", w::t("approvals.could_approve")), String::new())
        }
        VoterStanding::Involved => {
            (marks::pill("no", "ban", w::t("approvals.may_not")), parts(voter))
        }
        VoterStanding::Hands => (
            marks::pill("no", "ban", w::t("approvals.may_not")),
            w::t("approvals.account_went_through_hands").to_owned(),
        ),
    };
    VoterLine { who: visit.who(&voter.person), mark, note }
}

/// In which parts somebody had a hand in the change.
fn parts(voter: &Voter) -> String {
    let parts: Vec<&str> = voter
        .involved
        .iter()
        .map(|role| match role {
            InvolvementRole::Author => w::t("approvals.wrote_a_commit"),
            InvolvementRole::StatedAuthor => w::t("approvals.is_stated_as_author"),
            InvolvementRole::Committer => w::t("approvals.committed"),
            InvolvementRole::CoAuthor => w::t("approvals.is_named_as_co_author"),
            InvolvementRole::Proposer => w::t("approvals.proposed_the_merge"),
            InvolvementRole::Merger => w::t("approvals.merged_it"),
            InvolvementRole::Pusher => w::t("approvals.pushed_it"),
            InvolvementRole::Trigger => w::t("approvals.started_the_pipeline"),
            InvolvementRole::Deployer => w::t("approvals.asked_at_the_gate"),
            InvolvementRole::Editor => w::t("approvals.edited_the_record"),
        })
        .collect();
    parts.join(", ")
}

/// What the word of the person who looks is worth, before each rule.
pub(super) fn own(visit: &Visit, change: &Change) -> Vec<Voter> {
    let person = visit.caller.person.as_ref();
    person.map_or_else(Vec::new, |it| stands(&visit.standing, change, it, visit.now))
}

/// Whether the person who looks may say no, although their yes would not count. Nobody says it twice.
pub(super) fn may_reject(visit: &Visit, change: &Change, own: &[Voter]) -> bool {
    let person = visit.caller.person.as_ref();
    let (organisation, login) = (&visit.standing.organisation, login(visit));
    person.is_some_and(|person| could_reject(organisation, change, person, login))
        && own.iter().all(|voter| voter.standing != VoterStanding::Rejected)
}

/// Whether the groups of the login of the person who looks let them say yes, where nothing else does.
fn heeded_by_login(visit: &Visit, change: &Change, own: &[Voter]) -> bool {
    let person = visit.caller.person.as_ref().filter(|_| own.is_empty());
    let login = login(visit).filter(|_| person.is_some());
    let by_login = |person| heeded_by(&visit.standing, change, person, login);
    login.is_some() && person.is_some_and(|person| !by_login(person).is_empty())
}

fn login(visit: &Visit) -> Option<&LoginGroups> {
    visit.standing.access.sessions.get(&visit.caller.token)?.opened.groups.as_ref()
}

/// Why a yes of the person who looks would not count; `None` where it would.
pub(super) fn why_not(
    visit: &Visit,
    change: &Change,
    rules: &[RuleElectorate],
    own: &[Voter],
) -> Option<String> {
    if visit.caller.person.is_none() {
        return Some(w::t("approvals.a_machine_s_token_cannot").to_owned());
    }
    if rules.is_empty() {
        return Some(w::t("approvals.no_rule_asks_for_an").to_owned());
    }
    if heeded_by_login(visit, change, own) {
        return None;
    }
    let mut found = None;
    for voter in own {
        match voter.standing {
            VoterStanding::Rejected if !voter.may_say_yes => {
                found = Some(w::t("approvals.your_no_stands").to_owned());
            }
            VoterStanding::Involved => {
                found = Some(w::f("approvals.your_approval_would_not_count", parts(voter)));
            }
            VoterStanding::Hands => {
                found = Some(w::t("approvals.your_account_went_through_hands").to_owned());
            }
            VoterStanding::Counted
            | VoterStanding::Rejected
            | VoterStanding::Elsewhere
            | VoterStanding::Expired
            | VoterStanding::Unreported
            | VoterStanding::Could => return None,
        }
    }
    found.or_else(|| Some(w::t("approvals.none_of_the_rules_that").to_owned()))
}
