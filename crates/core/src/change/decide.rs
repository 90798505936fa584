//! What people may do to a change. The order of checks is part of the contract.

use jiff::{SignedDuration, Timestamp};

use super::command::{Approve, Cancel, Close, Review};
use super::{Approval, ApprovalVerdict, Change, ChangeOutcome, ChangeState, Debt, DebtKind, event};
use crate::approvals::{Hands, involvement, may_say, role_used};
use crate::event::Event;
use crate::ids::RuleName;
use crate::organisation::Organisation;
use crate::refusal::{Refusal, RefusalNature, Refused};
use crate::risk::RiskLevel;
use crate::scope::Target;

/// A change that nobody has touched for this long, and that is not being implemented, is given up: what stands open is
/// what is at work.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A person says yes or no to the revision they were shown.
///
/// Checks, in order: the change is there to be approved; the revision is the present one; a delegate
/// was named by the one they stand in for; the person may speak for at least one rule that covers the change;
/// they (and the one they stand in for) had no hand in it, unless a rule allows it at this risk (a rejection is
/// always taken); they did not say the same before, or another thing after it where it was said elsewhere.
pub fn approve(
    change: &Change,
    organisation: &Organisation,
    command: &Approve,
    now: Timestamp,
) -> Result<Vec<Event>, Refused> {
    let owes = change.owed().any(|debt| debt.kind == DebtKind::Approval);
    if change.state.is_over() && !owes {
        return Err((
            Refusal::conflict(
                "change_over",
                format!("{} is {}", change.number, change.state.as_str()),
                "nothing is to be approved any more",
            ),
            None,
        ));
    }
    if command.revision != change.revision.digest {
        return Err((
            Refusal::new(
                RefusalNature::Outdated,
                "revision_outdated",
                format!("{} has been revised since you looked at it", change.number),
                format!(
                    "look at the present revision, {}, and decide again",
                    change.revision.digest
                ),
            ),
            None,
        ));
    }
    check_delegation(organisation, command).map_err(|refusal| (refusal, None))?;
    let targets = targets_of(change, organisation);
    let (role, groups) = role_used(organisation, &command.person, command.login.as_ref(), &targets);
    let approval = Approval {
        person: command.person.clone(),
        on_behalf_of: command.on_behalf_of.clone(),
        verdict: command.verdict,
        revision: command.revision.clone(),
        reason: command.reason.clone(),
        at: command.given_at.map_or(now, |given| given.min(now)),
        auth_time: command.auth_time,
        role,
        groups,
    };
    check_entitlement(change, organisation, &approval, &targets)?;
    let same = change
        .approvals
        .iter()
        .rfind(|given| given.person == approval.person && given.revision == approval.revision);
    if same.is_some_and(|given| {
        given.verdict == approval.verdict && given.on_behalf_of == approval.on_behalf_of
    }) {
        return Err((
            Refusal::conflict(
                "already_given",
                "you have said so already for this revision",
                "nothing is left to do",
            ),
            None,
        ));
    }
    if command.given_at.is_some() && is_older(change, &approval) {
        return Err((
            Refusal::conflict(
                "older_word",
                "you have said another thing since",
                "the newest word counts; say so again to change it",
            ),
            None,
        ));
    }
    Ok(vec![match command.verdict {
        ApprovalVerdict::Approve => event::Approved { change: change.number, approval }.into(),
        ApprovalVerdict::Reject => event::Rejected { change: change.number, approval }.into(),
    }])
}

/// Whether a word was said before the person's last one, about whatever revision. Of two at the same time a no is the
/// newer one.
fn is_older(change: &Change, approval: &Approval) -> bool {
    let last = change.approvals.iter().rfind(|given| given.person == approval.person);
    last.is_some_and(|last| {
        approval.at < last.at
            || (approval.at == last.at
                && last.verdict == ApprovalVerdict::Reject
                && approval.verdict == ApprovalVerdict::Approve)
    })
}

fn check_delegation(organisation: &Organisation, command: &Approve) -> Result<(), Refusal> {
    let Some(absent) = &command.on_behalf_of else { return Ok(()) };
    let named = organisation
        .person(absent)
        .is_some_and(|absent| absent.delegates.contains(&command.person));
    if *absent == command.person || !named {
        return Err(Refusal::forbidden(
            "not_a_delegate",
            "the person you speak for has not named you as their delegate",
            "approve in your own name, or have them add you to their `delegates`",
        ));
    }
    Ok(())
}

fn check_entitlement(
    change: &Change,
    organisation: &Organisation,
    approval: &Approval,
    targets: &[Target],
) -> Result<(), Refused> {
    let risk = change.risk.as_ref().map_or(RiskLevel::Low, |risk| risk.level);
    let voices: Vec<_> =
        [Some(&approval.person), approval.on_behalf_of.as_ref()].into_iter().flatten().collect();
    let (involved, _) = involvement(organisation, &change.involved);
    let hands = Hands { involved: &involved, risk };
    let rules: Vec<_> = organisation
        .approval_rules
        .values()
        .filter(|rule| rule.kinds.is_empty() || rule.kinds.contains(&change.kind))
        .filter(|rule| may_say(organisation, rule, approval, &voices, targets, hands))
        .collect();
    let refused = |code: &str, message: String, help: &str| {
        let event = event::ApprovalRefused {
            change: change.number,
            person: approval.person.clone(),
            code: code.into(),
        };
        (Refusal::forbidden(code, message, help), Some(Box::new(Event::from(event))))
    };
    if rules.is_empty() {
        return Err(refused(
            "not_an_approver",
            format!("no approval rule of {} lets you speak for it", change.number),
            "ask for the change's open rules: each names who can meet it",
        ));
    }
    if approval.verdict == ApprovalVerdict::Reject {
        return Ok(());
    }
    let had_a_hand = voices.iter().any(|voice| involved.contains_key(*voice));
    if had_a_hand && !rules.iter().any(|rule| rule.involved_may_approve.contains(&risk)) {
        return Err(refused(
            "own_change",
            format!("you had a hand in {}, so your approval would not count", change.number),
            "somebody who did not write, commit, merge, trigger or deploy it has to approve",
        ));
    }
    Ok(())
}

/// What scopes see of a change: one target a service.
pub(crate) fn targets_of(change: &Change, organisation: &Organisation) -> Vec<Target> {
    change
        .services
        .iter()
        .map(|service| organisation.target(service, &change.environment))
        .collect()
}

/// A person gives a change up before it is implemented.
pub fn cancel(change: &Change, command: &Cancel) -> Result<Vec<Event>, Refusal> {
    match change.state {
        ChangeState::New
        | ChangeState::Assess
        | ChangeState::Authorize
        | ChangeState::Scheduled => Ok(vec![
            event::Canceled { change: change.number, because: command.because.clone() }.into(),
        ]),
        ChangeState::Implement
        | ChangeState::Review
        | ChangeState::Closed
        | ChangeState::Canceled => Err(Refusal::conflict(
            "not_cancelable",
            format!("{} is in {}", change.number, change.state.as_str()),
            "only a change that is not being implemented can be canceled; close it instead",
        )),
    }
}

/// A person closes a change that is in review.
pub fn close(change: &Change, command: &Close) -> Result<Vec<Event>, Refusal> {
    if change.state != ChangeState::Review {
        return Err(Refusal::conflict(
            "not_in_review",
            format!("{} is in {}", change.number, change.state.as_str()),
            "only a change in review can be closed",
        ));
    }
    let note = command.note.clone();
    Ok(vec![event::Closed { change: change.number, outcome: command.outcome, note }.into()])
}

/// A person gives the review that is owed.
pub fn review(
    change: &Change,
    organisation: &Organisation,
    command: &Review,
) -> Result<Vec<Event>, Refusal> {
    let (involved, _) = involvement(organisation, &change.involved);
    // Nobody can give an approval for a rule that is gone.
    let is_gone = |debt: &&Debt| {
        debt.kind == DebtKind::Approval
            && !organisation.approval_rules.keys().any(|rule| rule.as_str() == debt.of)
    };
    let owed: Vec<_> =
        change.owed().filter(|debt| debt.kind == DebtKind::Review || is_gone(debt)).collect();
    if owed.is_empty() {
        return Err(Refusal::conflict(
            "nothing_owed",
            format!("no review of {} is owed", change.number),
            "nothing is left to do",
        ));
    }
    if involved.contains_key(&command.person) {
        return Err(Refusal::forbidden(
            "own_change",
            format!("you had a hand in {}", change.number),
            "somebody who had no hand in it has to review it",
        ));
    }
    if command.finding.trim().is_empty() {
        return Err(Refusal::invalid(
            "finding_missing",
            "a review says what was found",
            "give `finding`",
        ));
    }
    Ok(owed
        .into_iter()
        .map(|debt| {
            event::DebtSettled {
                change: change.number,
                kind: debt.kind,
                of: debt.of.clone(),
                by: Some(command.person.clone()),
                finding: command.finding.clone(),
            }
            .into()
        })
        .collect())
}

/// What time alone makes of a change: approvers who are reminded, a review that ends, a proposal that is given up.
pub fn overdue(
    change: &Change,
    organisation: &Organisation,
    unmet: &[RuleName],
    now: Timestamp,
) -> Vec<Event> {
    let mut events = Vec::new();
    let hours = |since: Timestamp| now.duration_since(since).as_hours();
    if change.waiting && !unmet.is_empty() {
        let due: std::collections::BTreeSet<RuleName> = unmet
            .iter()
            .filter(|name| {
                organisation.approval_rules.get(*name).is_some_and(|rule| {
                    let since = change.reminded_at.unwrap_or(change.updated_at);
                    rule.remind_hours > 0 && hours(since) >= i64::from(rule.remind_hours)
                })
            })
            .cloned()
            .collect();
        if !due.is_empty() {
            events.push(event::Reminded { change: change.number, rules: due }.into());
        }
    }
    if change.state == ChangeState::Review && change.running.is_empty() {
        let wait = i64::from(organisation.settings.review_hours);
        if now.duration_since(change.updated_at) >= SignedDuration::from_hours(wait) {
            let all = change.services.iter().all(|service| change.deployed.contains(service));
            let outcome = if all { ChangeOutcome::Successful } else { ChangeOutcome::Unsuccessful };
            let note = format!("no health proof within {wait} hours");
            events.push(event::Closed { change: change.number, outcome, note }.into());
        }
    }
    let may_be_given_up = matches!(
        change.state,
        ChangeState::New | ChangeState::Assess | ChangeState::Authorize | ChangeState::Scheduled
    );
    if may_be_given_up && now.duration_since(change.updated_at) >= GIVEN_UP {
        let because = format!("nothing has happened for {} days", GIVEN_UP.as_hours() / 24);
        events.push(event::Canceled { change: change.number, because }.into());
    }
    events
}
