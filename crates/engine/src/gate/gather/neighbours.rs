//! What goes on around the service: whom it touches, who is on the way there, what is broken.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sluice_core::change::{Change, ChangeState};
use sluice_core::deployment::{self, DeploymentState, Place};
use sluice_core::facts::{
    ConflictFact, DependencyFact, IncidentFact, OrderFacts, PreviousFact, Relation,
};
use sluice_core::ids::{EnvironmentName, ServiceName};
use sluice_core::organisation::Service;

use super::{Gathering, RELATED};

impl Gathering<'_> {
    /// The service itself, those it needs and those that need it.
    pub(super) fn related(&self, service: Option<&Service>) -> Vec<(ServiceName, Relation)> {
        let own = std::iter::once((self.question.service.clone(), Relation::Same));
        let others = self.placement.into_iter().flat_map(|placement| &placement.change.services);
        let others = others
            .filter(|name| **name != self.question.service)
            .map(|name| (name.clone(), Relation::Same));
        let needed = service.into_iter().flat_map(|service| &service.depends_on);
        let needed = needed.map(|name| (name.clone(), Relation::Dependency));
        let needing = self.standing.organisation.dependents_of(&self.question.service);
        let needing = needing.map(|name| (name.clone(), Relation::Dependent));
        own.chain(others).chain(needed).chain(needing).take(RELATED).collect()
    }

    pub(super) fn conflicts(
        &self,
        related: &[(ServiceName, Relation)],
        environment: &EnvironmentName,
    ) -> Vec<ConflictFact> {
        let organisation = &self.standing.organisation;
        let own = self.placement.map(|placement| placement.change.number);
        let mut seen = BTreeSet::new();
        let mut conflicts = Vec::new();
        for (service, relation) in related {
            for change in self.standing.open_changes(service, environment) {
                if Some(change.number) == own
                    && self.placement.is_some_and(|placement| !placement.is_new)
                {
                    continue;
                }
                let running = change.state == ChangeState::Implement;
                let until =
                    if running { self.outcome_until(change) } else { self.pass_until(change) };
                if (running || until.is_some()) && seen.insert(change.number) {
                    conflicts.push(ConflictFact {
                        change: change.number,
                        service: service.clone(),
                        relation: *relation,
                        state: change.state,
                        running,
                        until,
                        deployments: change.running.iter().copied().collect(),
                        owner: organisation.services.get(service).map(|it| it.owner.clone()),
                    });
                }
            }
        }
        conflicts
    }

    /// When the pass of a change that is about to go ends; none where it has none, or it has ended.
    fn pass_until(&self, change: &Change) -> Option<Timestamp> {
        let until = self.standing.passes_of.get(&change.number).copied();
        until.filter(|until| change.state == ChangeState::Scheduled && *until > self.now)
    }

    /// Until when the outcome of what runs of a change is waited for.
    fn outcome_until(&self, change: &Change) -> Option<Timestamp> {
        let running = change.running.iter().filter_map(|one| self.standing.deployments.get(one));
        let until = running.map(|one| deployment::waited_for(one, &self.standing.organisation));
        until.max().filter(|until| *until > self.now)
    }

    pub(super) fn incidents(&self, related: &[(ServiceName, Relation)]) -> Vec<IncidentFact> {
        // Of several services that suffer the nearest is named: the own ones come first.
        let nearest = |suffer: &BTreeSet<ServiceName>| {
            let near = related.iter().filter(|(_, relation)| *relation != Relation::Dependent);
            near.into_iter().find(|(name, _)| suffer.contains(name))
        };
        self.standing
            .incidents
            .values()
            // What failed or was undone at its place counts by itself, and is not counted twice.
            .filter(|open| !open.is_of_deployment())
            .filter_map(|open| {
                let (service, relation) = nearest(&open.services)?;
                Some(IncidentFact {
                    relation: *relation,
                    id: open.number.to_string(),
                    service: service.clone(),
                    severity: open.severity.clone(),
                    since: open.opened_at,
                })
            })
            .collect()
    }

    pub(super) fn order(
        &self,
        service: Option<&Service>,
        environment: &EnvironmentName,
    ) -> OrderFacts {
        let change = self.placement.map(|placement| &placement.change);
        let dependencies =
            service.into_iter().flat_map(|service| &service.depends_on).take(RELATED).map(
                |needed| {
                    let place = self.standing.place(needed, environment);
                    let part_of_change = change.is_some_and(|change| {
                        change.services.contains(needed) && !change.deployed.contains(needed)
                    });
                    DependencyFact {
                        service: needed.clone(),
                        version: place.and_then(|place| place.version.clone()),
                        broken: place.is_some_and(|place| is_broken(place)),
                        goes_first: part_of_change,
                    }
                },
            );
        OrderFacts { dependencies: dependencies.collect(), previous: self.previous() }
    }

    fn previous(&self) -> Option<PreviousFact> {
        let environment = self.environment?;
        let before = environment.after.as_ref()?;
        let soak = SignedDuration::from_mins(i64::from(environment.soak_minutes));
        let place = self.standing.place(&self.question.service, before);
        let proven = place
            .and_then(|place| place.proven(&self.question.artifacts, &self.question.commit, soak));
        Some(PreviousFact {
            environment: before.to_string(),
            passed: proven.is_some(),
            since: proven.and_then(|proven| proven.since),
            soak_minutes: environment.soak_minutes,
            soaked_at: proven.and_then(|proven| proven.soaked_at),
        })
    }
}

/// Whether the last deployment failed and was not made good.
fn is_broken(place: &Place) -> bool {
    place.recent.last().is_some_and(|(_, state)| *state == DeploymentState::Failed)
}
