//! Gathering: which rules speak of a change, who may speak for them, who did, who had a hand in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::access::event::LoginGroups;
use crate::access::same_hands;
use crate::change::{Approval, ApprovalVerdict, Change, GroupVoice, Involvement};
use crate::facts::{ApprovalFacts, ApprovalRuleFact, GivenApproval};
use crate::ids::PersonId;
use crate::organisation::{ApprovalRule, GroupMapping, Organisation, RoleGrant};
use crate::risk::RiskLevel;
use crate::scope::Target;
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
    let organisation = &standing.organisation;
    let rules: Vec<&ApprovalRule> = organisation
        .approval_rules
        .values()
        .map(AsRef::as_ref)
        .filter(|rule| rule.kinds.is_empty() || rule.kinds.contains(&change.kind))
        .filter(|rule| targets.iter().any(|target| rule.scope.covers(target)))
        .collect();
    let facts = rules
        .iter()
        .map(|rule| ApprovalRuleFact {
            name: rule.name.clone(),
            reason: rule.reason.clone(),
            min_risk: rule.min_risk,
            applies: risk >= rule.min_risk,
            quorum: rule.quorum,
            who: selectors(rule, targets),
            involved_may_approve: rule.involved_may_approve.clone(),
        })
        .collect();
    let behind = standing.behind_change(change);
    let (involved, unresolved) = involvement(organisation, &behind.involved);
    let words = last_words(change);
    let given = words
        .values()
        .map(|approval| {
            let persons = [Some(&approval.person), approval.on_behalf_of.as_ref()];
            let absent = approval.on_behalf_of.as_ref();
            let absent = absent.filter(|absent| speaks_for(&words, approval, absent));
            let voices = voices(organisation, &approval.person, absent);
            GivenApproval {
                person: approval.person.clone(),
                rejected: approval.verdict == ApprovalVerdict::Reject,
                at: approval.at,
                involved: persons.into_iter().flatten().any(|person| involved.contains_key(person)),
                same_hands: hands(standing, approval, involved.keys().chain(words.keys().copied())),
                eligible: rules
                    .iter()
                    .filter_map(|rule| {
                        let stands =
                            voices.iter().any(|voice| eligible(organisation, rule, voice, targets));
                        let until = expiry(rule, approval.at);
                        let until = if stands {
                            until
                        } else {
                            until.min(by_login(organisation, rule, approval, targets)?)
                        };
                        Some((rule.name.clone(), until))
                    })
                    .collect(),
            }
        })
        .collect();
    (facts, ApprovalFacts { given, involved, unresolved, unreported: behind.unheard })
}

/// Those of `others` who could have given this word, or whose part could be that of whoever gave it. Only a word that was
/// given by way of an account here: what another system says of its people is not in the hands of ours.
fn hands<'a>(
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

/// Whether a delegate's word stands for the absent one: nobody's voice is heard twice. The absent one's own word goes
/// before every delegate's, and the first delegate's before the others'.
fn speaks_for(
    words: &BTreeMap<&PersonId, &Approval>,
    approval: &Approval,
    absent: &PersonId,
) -> bool {
    let first = words
        .values()
        .filter(|other| other.on_behalf_of.as_ref() == Some(absent))
        .min_by_key(|other| (other.at, &other.person));
    !words.contains_key(absent) && first.is_some_and(|first| first.person == approval.person)
}

/// In whose name a person speaks: their own, and that of the one they stand in for, if that one named them.
fn voices<'a>(
    organisation: &Organisation,
    person: &'a PersonId,
    on_behalf_of: Option<&'a PersonId>,
) -> Vec<&'a PersonId> {
    let absent = on_behalf_of.filter(|absent| {
        organisation.person(absent).is_some_and(|absent| absent.delegates.contains(person))
    });
    [Some(person), absent].into_iter().flatten().collect()
}

fn expiry(rule: &ApprovalRule, given: Timestamp) -> Timestamp {
    given
        .saturating_add(SignedDuration::from_hours(i64::from(rule.expires_hours)))
        .unwrap_or(Timestamp::MAX)
}

/// Until when a word counts for a rule that was given in a role which a login's groups gave, and nothing else: the
/// provider says nothing more of those groups, so that it holds for as long as a session can last.
pub(crate) fn by_login(
    organisation: &Organisation,
    rule: &ApprovalRule,
    approval: &Approval,
    targets: &[Target],
) -> Option<Timestamp> {
    organisation.acting(&approval.person)?;
    let spoken = approval.groups.iter().filter(|voice| rule.approvers.roles.contains(&voice.role));
    let mut held = spoken.flat_map(|voice| {
        // The mapping as it is now, where it still is the one that they spoke by.
        let mapping = organisation.mappings.get(&voice.mapping);
        let mapping =
            mapping.filter(|now| (&now.provider, &now.group) == (&voice.provider, &voice.group));
        let roles = mapping.into_iter().flat_map(|mapping| mapping.roles.iter());
        roles.filter(|held| held.role == voice.role)
    });
    let counts = held.any(|held| targets.iter().any(|target| held.scope.covers(target)));
    counts.then(|| approval.at.saturating_add(LOGIN_HOLDS).unwrap_or(Timestamp::MAX))
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
    let rules = organisation.approval_rules.values();
    let asked: BTreeSet<&str> = rules
        .filter(|rule| targets.iter().any(|target| rule.scope.covers(target)))
        .flat_map(|rule| rule.approvers.roles.iter().map(String::as_str))
        .collect();
    let covers = |held: &RoleGrant| {
        asked.contains(held.role.as_str()) && targets.iter().any(|target| held.scope.covers(target))
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

/// Whether a person may speak for a rule, for one of `targets`.
pub fn eligible(
    organisation: &Organisation,
    rule: &ApprovalRule,
    person: &PersonId,
    targets: &[Target],
) -> bool {
    let Some(declared) = organisation.acting(person) else { return false };
    let approvers = &rule.approvers;
    let in_team =
        |team: &str| organisation.teams.get(team).is_some_and(|team| team.members.contains(person));
    approvers.persons.contains(person)
        || approvers.claims.iter().any(|claim| declared.claims.contains(claim))
        || approvers.teams.iter().any(|team| match team.as_str() {
            "@owner" => targets.iter().any(|target| in_team(&target.team)),
            team => in_team(team),
        })
        || approvers
            .roles
            .iter()
            .any(|role| targets.iter().any(|target| organisation.holds_role(person, role, target)))
}

/// Who can meet a rule, in words that the API and people use.
pub fn selectors(rule: &ApprovalRule, targets: &[Target]) -> Vec<String> {
    let mut who: Vec<String> = rule.approvers.persons.iter().map(ToString::to_string).collect();
    for team in &rule.approvers.teams {
        if team == "@owner" {
            let owners: BTreeSet<&str> =
                targets.iter().map(|target| target.team.as_str()).collect();
            who.extend(
                owners
                    .into_iter()
                    .filter(|owner| !owner.is_empty())
                    .map(|owner| format!("team:{owner}")),
            );
        } else {
            who.push(format!("team:{team}"));
        }
    }
    who.extend(rule.approvers.roles.iter().map(|role| format!("role:{role}")));
    who.extend(rule.approvers.claims.iter().map(|claim| format!("claim:{claim}")));
    who
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
