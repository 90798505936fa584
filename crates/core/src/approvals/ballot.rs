//! Gathering: which rules speak of a change, who may speak for them, who did, who had a hand in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::share::{Hands, OWNER, Share, divided, names, scopes_of, shares, singly};
use crate::access::event::LoginGroups;
use crate::access::same_hands;
use crate::change::{Approval, ApprovalVerdict, Change, GroupVoice, Involvement};
use crate::facts::{ApprovalFacts, ApprovalRuleFact, GivenApproval};
use crate::ids::PersonId;
use crate::organisation::{ApprovalRule, GroupMapping, Organisation, RoleGrant};
use crate::risk::RiskLevel;
use crate::scope::{Scope, Target};
use crate::standing::Standing;

/// The longest life of a session.
const LOGIN_HOLDS: SignedDuration = SignedDuration::from_hours(12);

/// The rules that cover any of `targets` and the change's type, and what was said for this revision.
pub fn gather(
    standing: &Standing,
    change: &Change,
    targets: &[Target],
    risk: RiskLevel,
) -> (Vec<ApprovalRuleFact>, ApprovalFacts) {
    let (shared, facts) = gather_shared(standing, change, targets, risk);
    (shared.into_iter().map(|shared| shared.fact).collect(), facts)
}

/// A rule with what it asks in a question.
pub(super) struct Shared<'a> {
    pub(super) rule: &'a ApprovalRule,
    pub(super) shares: Vec<Share<'a>>,
    pub(super) fact: ApprovalRuleFact,
}

/// The same with the shares, which are found once for each rule and question.
pub(super) fn gather_shared<'a>(
    standing: &'a Standing,
    change: &Change,
    targets: &'a [Target],
    risk: RiskLevel,
) -> (Vec<Shared<'a>>, ApprovalFacts) {
    let organisation = &standing.organisation;
    let behind = standing.behind_change(change);
    let (involved, unresolved) = involvement(organisation, &behind.involved);
    let hands = Hands { involved: &involved, risk };
    let rules: Vec<Shared<'_>> = organisation
        .approval_rules
        .values()
        .map(AsRef::as_ref)
        .filter(|rule| rule.kinds.is_empty() || rule.kinds.contains(&change.kind))
        .filter(|rule| targets.iter().any(|target| rule.scope.covers(target)))
        .map(|rule| {
            let shares = shares(organisation, rule, targets, hands);
            Shared { rule, fact: rule_fact(rule, &shares, risk), shares }
        })
        .collect();
    let words = last_words(change);
    let given = words
        .values()
        .map(|approval| {
            let persons = [Some(&approval.person), approval.on_behalf_of.as_ref()];
            let voices = voices(organisation, &words, approval);
            let mut given = GivenApproval {
                person: approval.person.clone(),
                rejected: approval.verdict == ApprovalVerdict::Reject,
                at: approval.at,
                involved: persons.into_iter().flatten().any(|person| involved.contains_key(person)),
                same_hands: same_hands_as(
                    standing,
                    approval,
                    involved.keys().chain(words.keys().copied()),
                ),
                eligible: BTreeMap::new(),
                shares: BTreeMap::new(),
                shares_until: BTreeMap::new(),
            };
            for Shared { rule, shares, .. } in &rules {
                let singly = given.rejected.then(|| singly(rule, targets));
                let spoken_of = singly.as_ref().unwrap_or(shares);
                hear(organisation, rule, spoken_of, approval, &voices, &mut given);
            }
            given
        })
        .collect();
    (rules, ApprovalFacts { given, involved, unresolved, unreported: behind.unheard })
}

fn rule_fact(rule: &ApprovalRule, shares: &[Share<'_>], risk: RiskLevel) -> ApprovalRuleFact {
    let parts = u32::try_from(shares.len()).unwrap_or(u32::MAX);
    ApprovalRuleFact {
        name: rule.name.clone(),
        reason: rule.reason.clone(),
        min_risk: rule.min_risk,
        applies: risk >= rule.min_risk,
        quorum: rule.quorum.saturating_mul(parts),
        shares: names(shares).into_iter().map(|name| (name, rule.quorum)).collect(),
        divided: divided(shares),
        who: selectors(rule, shares),
        owners: owners_only(rule, shares),
        involved_may_approve: rule.involved_may_approve.clone(),
    }
}

/// Notes whether and until when a word counts for a rule, and for which shares of it.
fn hear(
    organisation: &Organisation,
    rule: &ApprovalRule,
    shares: &[Share<'_>],
    approval: &Approval,
    voices: &[&PersonId],
    given: &mut GivenApproval,
) {
    for share in shares {
        let mut until = expiry(rule, approval.at);
        if !voices.iter().any(|voice| share.heeds(organisation, rule, voice)) {
            let Some(by_login) = by_login(organisation, rule, approval, share) else { continue };
            until = until.min(by_login);
        }
        let known = given.eligible.entry(rule.name.clone()).or_insert(until);
        *known = until.max(*known);
        if shares.len() > 1 && !given.rejected {
            let shares = given.shares_until.entry(rule.name.clone()).or_default();
            shares.insert(share.name(), until);
        }
    }
}

/// Those of `others` who could have given this word, or whose part could be that of whoever gave it. Only a word that was
/// given by way of an account here: what another system says of its people is not in the hands of ours.
fn same_hands_as<'a>(
    standing: &Standing,
    approval: &Approval,
    others: impl Iterator<Item = &'a PersonId>,
) -> BTreeSet<PersonId> {
    let by_account = approval.auth_time.is_some();
    let same = |it: &&PersonId| same_hands(standing, &approval.person, it, approval.at);
    others.filter(|it| by_account && same(it)).cloned().collect()
}

/// Each person's last word on the present revision.
fn last_words(change: &Change) -> BTreeMap<&PersonId, &Approval> {
    change
        .approvals
        .iter()
        .filter(|approval| approval.revision == change.revision.digest)
        .map(|approval| (&approval.person, approval))
        .collect()
}

/// In whose name a word is said: of whoever said it, and of the one they stand in for.
fn voices<'a>(
    organisation: &Organisation,
    words: &BTreeMap<&PersonId, &Approval>,
    approval: &'a Approval,
) -> Vec<&'a PersonId> {
    let absent = approval.on_behalf_of.as_ref().filter(|absent| match approval.verdict {
        ApprovalVerdict::Approve => speaks_for(organisation, words, approval, absent),
        // A no takes nobody's place, and so gives way to nobody's word.
        ApprovalVerdict::Reject => is_delegate(organisation, &approval.person, absent),
    });
    [Some(&approval.person), absent].into_iter().flatten().collect()
}

/// Whether a delegate's yes stands for the absent one: nobody's voice is heard twice. The absent one's own word goes
/// before every delegate's, and the first delegate's before the others'.
fn speaks_for(
    organisation: &Organisation,
    words: &BTreeMap<&PersonId, &Approval>,
    approval: &Approval,
    absent: &PersonId,
) -> bool {
    let first = words
        .values()
        .filter(|other| other.verdict == ApprovalVerdict::Approve)
        .filter(|other| other.on_behalf_of.as_ref() == Some(absent))
        .filter(|other| is_delegate(organisation, &other.person, absent))
        .min_by_key(|other| (other.at, &other.person));
    !words.contains_key(absent) && first.is_some_and(|first| first.person == approval.person)
}

/// Whether somebody who may act is named as a delegate.
fn is_delegate(organisation: &Organisation, person: &PersonId, absent: &PersonId) -> bool {
    let named = organisation.person(absent);
    organisation.acting(person).is_some()
        && named.is_some_and(|absent| absent.delegates.contains(person))
}

fn expiry(rule: &ApprovalRule, given: Timestamp) -> Timestamp {
    given
        .saturating_add(SignedDuration::from_hours(i64::from(rule.expires_hours)))
        .unwrap_or(Timestamp::MAX)
}

/// Until when a word counts for a rule that was given in a role which a login's groups gave, with or without roles that
/// its person has beside: the provider says nothing more of those groups, so that it holds for as long as a session can
/// last.
fn by_login(
    organisation: &Organisation,
    rule: &ApprovalRule,
    approval: &Approval,
    share: &Share<'_>,
) -> Option<Timestamp> {
    organisation.acting(&approval.person)?;
    let spoken = approval.groups.iter().filter(|voice| rule.approvers.roles.contains(&voice.role));
    let held = spoken.flat_map(|voice| {
        // The mapping as it is now, where it still is the one that they spoke by.
        let mapping = organisation.mappings.get(&voice.mapping);
        let mapping =
            mapping.filter(|now| (&now.provider, &now.group) == (&voice.provider, &voice.group));
        let roles = mapping.into_iter().flat_map(|mapping| mapping.roles.iter());
        roles.filter(|held| held.role == voice.role)
    });
    let mut scopes: Vec<&Scope> = held.map(|held| &held.scope).collect();
    if !scopes.is_empty() {
        scopes.extend(scopes_of(rule, organisation.roles_of(&approval.person)));
    }
    share.within(&scopes).then(|| approval.at.saturating_add(LOGIN_HOLDS).unwrap_or(Timestamp::MAX))
}

/// In which role a person may speak for a rule, where it is a role by which they may, and the groups of their login
/// that give such roles.
pub fn role_used(
    organisation: &Organisation,
    person: &PersonId,
    login: Option<&LoginGroups>,
    targets: &[Target],
) -> (Option<String>, BTreeSet<GroupVoice>) {
    let by_login = login.into_iter().flat_map(|groups| {
        organisation.mapped(&groups.provider, groups.names()).collect::<Vec<_>>()
    });
    let by_login: Vec<(&GroupMapping, &RoleGrant)> = by_login.collect();
    let covers = |held: &RoleGrant| {
        organisation.approval_rules.values().any(|rule| {
            let mut spoken_of = targets.iter().filter(|target| rule.scope.covers(target));
            rule.approvers.roles.contains(&held.role)
                && spoken_of.any(|target| held.scope.covers(target))
        })
    };
    let standing = organisation.roles_of(person).find(|held| covers(held));
    let used =
        standing.or_else(|| by_login.iter().map(|(_, role)| *role).find(|held| covers(held)));
    let voices =
        by_login.iter().filter(|(_, held)| covers(held)).map(|(mapping, held)| GroupVoice {
            mapping: mapping.name.clone(),
            provider: mapping.provider.clone(),
            group: mapping.group.clone(),
            role: held.role.clone(),
        });
    (used.map(|held| held.role.clone()), voices.collect())
}

/// Whether a word may be said for a rule: by the voice of one of these persons, or by groups of the login it was said in.
/// A yes is for a whole share, a no for any service.
pub(crate) fn may_say(
    organisation: &Organisation,
    rule: &ApprovalRule,
    approval: &Approval,
    voices: &[&PersonId],
    targets: &[Target],
    hands: Hands<'_>,
) -> bool {
    let spoken_of = match approval.verdict {
        ApprovalVerdict::Approve => shares(organisation, rule, targets, hands),
        ApprovalVerdict::Reject => singly(rule, targets),
    };
    spoken_of.iter().any(|share| {
        voices.iter().any(|voice| share.heeds(organisation, rule, voice))
            || by_login(organisation, rule, approval, share).is_some()
    })
}

/// Who can meet a rule, in words that the API and people use.
fn selectors(rule: &ApprovalRule, shares: &[Share<'_>]) -> Vec<String> {
    let mut who: Vec<String> = rule.approvers.persons.iter().map(ToString::to_string).collect();
    let teams = rule.approvers.teams.iter().filter(|team| *team != OWNER).map(String::as_str);
    let owners = shares.iter().filter_map(|share| share.owner).filter(|owner| !owner.is_empty());
    let teams: BTreeSet<&str> = teams.chain(owners).collect();
    who.extend(teams.into_iter().map(|team| format!("team:{team}")));
    who.extend(rule.approvers.roles.iter().map(|role| format!("role:{role}")));
    who.extend(rule.approvers.claims.iter().map(|claim| format!("claim:{claim}")));
    who
}

/// Of those who can meet a rule, the teams that only own services and are not named beside: what another team answers for
/// is not theirs to say.
fn owners_only(rule: &ApprovalRule, shares: &[Share<'_>]) -> BTreeSet<String> {
    let owners = shares.iter().filter_map(|share| share.owner);
    owners.filter(|owner| !rule.approvers.teams.contains(*owner)).map(str::to_owned).collect()
}

/// Persons who had a hand in it over all their identities, and identities that are nobody's.
pub fn involvement(
    organisation: &Organisation,
    involved: &BTreeSet<Involvement>,
) -> (BTreeMap<PersonId, BTreeSet<crate::change::InvolvementRole>>, BTreeSet<crate::ids::IdentityKey>)
{
    let mut persons: BTreeMap<PersonId, BTreeSet<_>> = BTreeMap::new();
    let mut unresolved = BTreeSet::new();
    for involvement in involved {
        match organisation.person_of(&involvement.identity) {
            Some(person) => {
                persons.entry(person.clone()).or_default().insert(involvement.role);
            }
            None => {
                unresolved.insert(involvement.identity.clone());
            }
        }
    }
    (persons, unresolved)
}
