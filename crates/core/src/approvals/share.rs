//! Shares: what a rule asks of a change of several services.
//!
//! A rule speaks only of the services in its scope, so only what a person may say of those counts. Where it asks their
//! owners and they have several, each owner team has a share of its own: one team's yes says nothing of what another
//! team answers for. Anybody else speaks for a share if they may for every service in it. Where roles are held service by
//! service, so that nobody who could be asked may for all of a share, it falls into parts that somebody can speak for.
//! Whoever may for all of it after all, by the groups of a login, speaks for each of its parts at once.
//!
//! That is of a yes. A no is heard of everybody who may speak for any service of the rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::InvolvementRole;
use crate::ids::PersonId;
use crate::organisation::{ApprovalRule, Organisation, PROVISIONED, RoleGrant};
use crate::risk::RiskLevel;
use crate::scope::{Scope, Target};

/// The word for the team that owns the service in question.
pub(super) const OWNER: &str = "@owner";

/// What the name of a share begins with that is no team's: the names of its services follow.
const SERVICES: &str = "service:";

/// Services that one person can speak for before one rule.
#[derive(Clone)]
pub(crate) struct Share<'a> {
    /// The team that owns all of them, where the rule asks for owners.
    pub(super) owner: Option<&'a str>,
    /// Whether it is a part of what would be one share, if somebody held a role for all of it.
    is_part: bool,
    targets: Vec<&'a Target>,
}

/// The names of the shares of a rule; none where it is not shared.
pub(super) fn names(shares: &[Share<'_>]) -> BTreeSet<String> {
    if shares.len() > 1 { shares.iter().map(Share::name).collect() } else { BTreeSet::new() }
}

/// Which of them are parts of what would be one share: whoever may speak for each of those fills a place in each.
pub(super) fn divided(shares: &[Share<'_>]) -> Vec<BTreeSet<String>> {
    let mut of_owner: BTreeMap<Option<&str>, BTreeSet<String>> = BTreeMap::new();
    for part in shares.iter().filter(|share| share.is_part) {
        of_owner.entry(part.owner).or_default().insert(part.name());
    }
    of_owner.into_values().collect()
}

/// For what of a rule these shares are, in words.
pub(crate) fn told(names: &BTreeSet<String>) -> String {
    let one = |name: &String| match name.strip_prefix(SERVICES) {
        Some(services) => format!("`{}`", services.replace(',', "`, `")),
        None if name.is_empty() => "services that nobody owns".to_owned(),
        None => format!("the services of `{name}`"),
    };
    names.iter().map(one).collect::<Vec<_>>().join(", and ")
}

/// Who had a hand in a change, of which risk: before a rule nothing can be asked of them, unless it lets them.
#[derive(Clone, Copy)]
pub(crate) struct Hands<'a> {
    pub(crate) involved: &'a BTreeMap<PersonId, BTreeSet<InvolvementRole>>,
    pub(crate) risk: RiskLevel,
}

impl Hands<'_> {
    fn are_off(&self, rule: &ApprovalRule, person: &PersonId) -> bool {
        rule.involved_may_approve.contains(&self.risk) || !self.involved.contains_key(person)
    }
}

/// The shares of a rule in these targets; none where it covers none of them. They cost a look at everybody whom the rule
/// names, so that a question asks for them once.
pub(crate) fn shares<'a>(
    organisation: &Organisation,
    rule: &ApprovalRule,
    targets: &'a [Target],
    hands: Hands<'_>,
) -> Vec<Share<'a>> {
    let by_owner = rule.approvers.teams.contains(OWNER);
    let mut shares: BTreeMap<Option<&str>, Vec<&Target>> = BTreeMap::new();
    for target in targets.iter().filter(|target| rule.scope.covers(target)) {
        shares.entry(by_owner.then_some(target.team.as_str())).or_default().push(target);
    }
    let divisible =
        !rule.approvers.roles.is_empty() && shares.values().any(|targets| targets.len() > 1);
    let named = if divisible { organisation.named_by(&rule.approvers) } else { BTreeSet::new() };
    let asked: Vec<&PersonId> = named.iter().filter(|it| hands.are_off(rule, it)).collect();
    let whole = |(owner, targets)| Share { owner, is_part: false, targets };
    let shares = shares.into_iter().map(whole);
    shares
        .flat_map(|share| match divisible && share.targets.len() > 1 {
            true => parts(organisation, rule, share, &asked, hands),
            false => vec![share],
        })
        .collect()
}

/// Each service of a rule by itself: whoever may speak for one of them is heard when they say no.
pub(crate) fn singly<'a>(rule: &ApprovalRule, targets: &'a [Target]) -> Vec<Share<'a>> {
    let by_owner = rule.approvers.teams.contains(OWNER);
    let covered = targets.iter().filter(|target| rule.scope.covers(target));
    let single = |target: &'a Target| Share {
        owner: by_owner.then_some(target.team.as_str()),
        is_part: false,
        targets: vec![target],
    };
    covered.map(single).collect()
}

/// A share as it is, where anybody could speak for all of it. Else the parts that single people or groups hold a role for,
/// the largest first, and what nobody does.
fn parts<'a>(
    organisation: &Organisation,
    rule: &ApprovalRule,
    share: Share<'a>,
    asked: &[&PersonId],
    hands: Hands<'_>,
) -> Vec<Share<'a>> {
    let owners = share.owners(organisation).filter(|it| hands.are_off(rule, it));
    if asked.iter().copied().chain(owners).any(|it| share.heeds(organisation, rule, it)) {
        return vec![share];
    }
    let by_person = asked.iter().map(|person| scopes_of(rule, organisation.roles_of(person)));
    // Whose login says a group is not known before they speak. Who is in one that is provisioned is.
    let by_login = organisation.mappings.values().filter(|one| one.provider != PROVISIONED);
    let by_login = by_login.map(|group| scopes_of(rule, group.roles.iter()));
    let covered = |scopes: Vec<&Scope>| -> Vec<usize> {
        let covers = |target: &Target| scopes.iter().any(|scope| scope.covers(target));
        let numbered = share.targets.iter().enumerate();
        numbered.filter(|(_, target)| covers(target)).map(|(index, _)| index).collect()
    };
    let holders: BTreeSet<Vec<usize>> = by_person.chain(by_login).map(covered).collect();
    let mut left: BTreeSet<usize> = (0..share.targets.len()).collect();
    let mut parts = Vec::new();
    while !left.is_empty() {
        let of_left = |held: &Vec<usize>| -> Vec<usize> {
            held.iter().copied().filter(|index| left.contains(index)).collect()
        };
        // Of those that are as large the first by name.
        let most = holders.iter().rev().map(of_left).max_by_key(Vec::len).unwrap_or_default();
        let part = if most.is_empty() { left.iter().copied().collect() } else { most };
        left.retain(|index| !part.contains(index));
        let targets = part.into_iter().map(|index| share.targets[index]).collect();
        parts.push(Share { owner: share.owner, is_part: true, targets });
    }
    if parts.len() > 1 { parts } else { vec![share] }
}

/// The scopes of those roles that a rule names.
pub(super) fn scopes_of<'a>(
    rule: &ApprovalRule,
    roles: impl Iterator<Item = &'a RoleGrant>,
) -> Vec<&'a Scope> {
    roles.filter(|held| rule.approvers.roles.contains(&held.role)).map(|held| &held.scope).collect()
}

impl Share<'_> {
    /// What it is called among the shares of its rule: as its team, or by its services.
    pub(super) fn name(&self) -> String {
        match self.owner {
            Some(owner) if !self.is_part => owner.to_owned(),
            _ => {
                let services = self.targets.iter().map(|target| target.service.as_str());
                format!("{SERVICES}{}", services.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// The members of the team that owns it, where the rule asks for owners.
    pub(super) fn owners<'o>(
        &self,
        organisation: &'o Organisation,
    ) -> impl Iterator<Item = &'o PersonId> + use<'o> {
        let team = self.owner.and_then(|team| organisation.teams.get(team));
        team.into_iter().flat_map(|team| team.members.iter())
    }

    /// Whether these scopes cover every service of it.
    pub(super) fn within(&self, scopes: &[&Scope]) -> bool {
        self.targets.iter().all(|target| scopes.iter().any(|scope| scope.covers(target)))
    }

    /// Whether a person may speak for it.
    pub(super) fn heeds(
        &self,
        organisation: &Organisation,
        rule: &ApprovalRule,
        person: &PersonId,
    ) -> bool {
        let Some(declared) = organisation.acting(person) else { return false };
        let approvers = &rule.approvers;
        let in_team = |team: &str| {
            organisation.teams.get(team).is_some_and(|team| team.members.contains(person))
        };
        approvers.persons.contains(person)
            || approvers.claims.iter().any(|claim| declared.claims.contains(claim))
            || approvers.teams.iter().any(|team| match team.as_str() {
                OWNER => self.owner.is_some_and(in_team),
                team => in_team(team),
            })
            || self.within(&scopes_of(rule, organisation.roles_of(person)))
    }
}
