//! Shares: what a rule asks of a change of several services.
//!
//! A rule speaks only of the services in its scope, so only what a person may say of those counts. Where it asks their
//! owners and they have several, each owner team has a share of its own: one team's yes says nothing of what another
//! team answers for. Anybody else speaks for a share if they may for every service in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::PersonId;
use crate::organisation::{ApprovalRule, Organisation};
use crate::scope::{Scope, Target};

/// The word for the team that owns the service in question.
pub(super) const OWNER: &str = "@owner";

/// Services that one person can speak for before one rule.
pub(crate) struct Share<'a> {
    /// The team that owns all of them, where the rule asks for owners.
    pub(super) owner: Option<&'a str>,
    targets: Vec<&'a Target>,
}

/// The owner teams that share a rule; none where it is not shared.
pub(super) fn owners(shares: &[Share<'_>]) -> BTreeSet<String> {
    let owners = shares.iter().filter_map(|share| share.owner).map(str::to_owned);
    if shares.len() > 1 { owners.collect() } else { BTreeSet::new() }
}

/// The shares of a rule in these targets; none where it covers none of them.
pub(crate) fn shares<'a>(rule: &ApprovalRule, targets: &'a [Target]) -> Vec<Share<'a>> {
    let by_owner = rule.approvers.teams.contains(OWNER);
    let mut shares: BTreeMap<Option<&str>, Vec<&Target>> = BTreeMap::new();
    for target in targets.iter().filter(|target| rule.scope.covers(target)) {
        shares.entry(by_owner.then_some(target.team.as_str())).or_default().push(target);
    }
    shares.into_iter().map(|(owner, targets)| Share { owner, targets }).collect()
}

impl Share<'_> {
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
        let roles = organisation.roles_of(person);
        let held: Vec<&Scope> = roles
            .filter(|held| approvers.roles.contains(&held.role))
            .map(|held| &held.scope)
            .collect();
        approvers.persons.contains(person)
            || approvers.claims.iter().any(|claim| declared.claims.contains(claim))
            || approvers.teams.iter().any(|team| match team.as_str() {
                OWNER => self.owner.is_some_and(in_team),
                team => in_team(team),
            })
            || self.within(&held)
    }
}
