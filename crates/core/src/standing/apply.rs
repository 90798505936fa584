//! The fold: what each event makes of the standing. Never fails, never judges, never looks at a clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdSet;
use jiff::{SignedDuration, Timestamp};

use super::{
    DeniedDigest, ModelRecord, OpenIncident, PolicyInForce, Recorded, Standing, TokenInForce,
    Topic, topics_of,
};
use crate::change::{self, Change, ChangeOutcome};
use crate::deployment::{Deployment, DeploymentState, Place};
use crate::event::Event;
use crate::ids::{ChangeNumber, DeploymentNumber};
use crate::pass::GivenPass;

/// Passes are remembered for this long after their end, so that a late redeem hears the right reason.
const PASSES_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Deployments remembered of each place.
const RECENT: usize = 20;

/// Commits and runs remembered.
const SEEN: usize = 10_000;

/// Outcomes remembered of each change model.
const OUTCOMES: usize = 10;

impl Standing {
    /// Takes over the next entry and says what it touched. `recorded.index` is the present size.
    pub fn apply(&mut self, recorded: &Recorded) -> BTreeSet<Topic> {
        let event = &recorded.event;
        let before = topics_of(event, self);
        let resolved = self.incident_topic(event);
        self.fold(event, recorded.at);
        self.size = recorded.index + 1;
        self.last_time = Some(recorded.at);
        let topics: BTreeSet<Topic> =
            before.into_iter().chain(topics_of(event, self)).chain(resolved).collect();
        for topic in &topics {
            self.touch(topic.clone());
        }
        topics
    }

    /// Takes over an entry that this build cannot read: it counts, nothing else.
    pub fn skip(&mut self, index: u64, at: Timestamp) {
        self.size = index + 1;
        self.last_time = Some(at);
    }

    /// A change that has left needs no topic of its own: its services are touched as it leaves.
    fn touch(&mut self, topic: Topic) {
        match &topic {
            Topic::Change(number) if !self.changes.contains_key(number) => {
                self.touched.remove(&topic);
            }
            _ => {
                self.touched.insert(topic, self.size);
            }
        }
    }

    fn incident_topic(&self, event: &Event) -> Option<Topic> {
        let Event::IncidentResolved(event) = event else { return None };
        self.incidents.get(&event.id).map(|open| Topic::Service(open.incident.service.clone()))
    }

    #[expect(clippy::too_many_lines, reason = "the table of contents: one arm for each event")]
    fn fold(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::LedgerOpened(_)
            | Event::DeliveryHeard(_)
            | Event::OrganisationApplied(_)
            | Event::PassRefused(_) => {}
            Event::TokenCreated(token) => {
                let permissions = token.permissions.iter().cloned().collect();
                self.tokens.insert(
                    token.id.clone(),
                    Arc::new(TokenInForce { token: token.clone(), permissions }),
                );
            }
            Event::TokenRevoked(event) => drop(self.tokens.remove(&event.id)),
            Event::SourceSeen(data) => {
                if self.sources.insert(data.commit.clone(), Arc::new(data.clone())).is_none() {
                    self.source_order.push_back(data.commit.clone());
                }
                if self.source_order.len() > SEEN
                    && let Some(oldest) = self.source_order.pop_front()
                {
                    self.sources.remove(&oldest);
                }
            }
            Event::RunSeen(data) => {
                let key = data.run.key();
                if self.runs.insert(key.clone(), Arc::new(data.clone())).is_none() {
                    self.run_order.push_back(key);
                }
                if self.run_order.len() > SEEN
                    && let Some(oldest) = self.run_order.pop_front()
                {
                    self.runs.remove(&oldest);
                }
            }
            Event::IncidentOpened(incident) => {
                let open = OpenIncident { incident: incident.clone(), since: at };
                self.incidents.insert(incident.id.clone(), Arc::new(open));
            }
            Event::IncidentResolved(event) => drop(self.incidents.remove(&event.id)),
            Event::ItemDeclared(event) => self.organisation.declare(event),
            Event::ItemWithdrawn(event) => self.organisation.withdraw(event),
            Event::PolicyActivated(event) => {
                let (bundle, modules) = (event.bundle.clone(), event.modules.clone());
                self.policy = Some(Arc::new(PolicyInForce { bundle, modules, since: at }));
            }
            Event::ModelEarned(event) => {
                self.models.entry(event.model.clone()).or_default().earned = true
            }
            Event::ModelLost(event) => {
                self.models.entry(event.model.clone()).or_default().earned = false
            }
            Event::ChangeProposed(event) => {
                self.changes_counted = self.changes_counted.max(event.change.0);
                self.alter(event.change, event_of(event), at);
            }
            Event::ChangeRevised(data) => self.alter(data.change, event, at),
            Event::ChangeJoined(data) => self.alter(data.change, event, at),
            Event::ChangeKindSet(data) => self.alter(data.change, event, at),
            Event::ChangeInvolved(data) => self.alter(data.change, event, at),
            Event::ChangeEvidenceAdded(data) => self.alter(data.change, event, at),
            Event::ChangeAssessed(data) => self.alter(data.change, event, at),
            Event::ChangeAuthorizationRequested(data) => self.alter(data.change, event, at),
            Event::ChangeApproved(data) => self.alter(data.change, event, at),
            Event::ChangeRejected(data) => self.alter(data.change, event, at),
            Event::ChangeApprovalRefused(data) => self.alter(data.change, event, at),
            Event::ChangeAuthorized(data) => self.alter(data.change, event, at),
            Event::ChangeScheduled(data) => self.alter(data.change, event, at),
            Event::ChangeImplementationStarted(data) => self.alter(data.change, event, at),
            Event::ChangeImplementationEnded(data) => self.alter(data.change, event, at),
            Event::ChangeDebtIncurred(data) => self.alter(data.change, event, at),
            Event::ChangeDebtSettled(data) => self.alter(data.change, event, at),
            Event::ChangeReminded(data) => self.alter(data.change, event, at),
            Event::ChangeClosed(data) => {
                self.learn(data.change, data.outcome);
                self.alter(data.change, event, at);
            }
            Event::ChangeCanceled(data) => self.alter(data.change, event, at),
            Event::GateDecided(data) => {
                if let Some(claims) = &data.pass {
                    if let Some(number) = claims.change {
                        self.passes_of.insert(number, claims.expires_at);
                    }
                    let given = GivenPass { claims: claims.clone(), redeemed_at: None };
                    self.passes.insert(claims.pass.clone(), Arc::new(given));
                    self.forget_passes(at);
                }
                if let Some(number) = data.change {
                    self.alter(number, event, at);
                }
            }
            Event::PassRedeemed(data) => {
                if let Some(given) = self.passes.get_mut(&data.pass) {
                    Arc::make_mut(given).redeemed_at = Some(at);
                }
            }
            Event::DeploymentStarted(data) => {
                self.deployments_counted = self.deployments_counted.max(data.deployment.number.0);
                self.deployments.insert(data.deployment.number, Arc::new(data.deployment.clone()));
                if let Some(number) = data.deployment.change {
                    self.alter(number, event, at);
                }
            }
            Event::DeploymentEnded(data) => {
                self.deployment_ended(data, at);
                if let Some(number) = data.change {
                    self.alter(number, event, at);
                }
            }
            Event::DigestDenied(data) => {
                for digest in &data.digests {
                    let denied = DeniedDigest {
                        service: data.service.clone(),
                        deployment: data.deployment,
                        reason: data.reason.clone(),
                    };
                    self.denied_digests.insert(digest.clone(), Arc::new(denied));
                }
            }
            Event::StopPulled(data) => {
                drop(self.stops.insert(data.stop.id.clone(), Arc::new(data.stop.clone())))
            }
            Event::StopLifted(data) => drop(self.stops.remove(&data.stop)),
            Event::ExceptionGranted(data) => {
                let over = self.exceptions.values().filter(|exception| exception.until <= at);
                let over: Vec<_> = over.map(|exception| exception.id.clone()).collect();
                for id in over {
                    self.exceptions.remove(&id);
                }
                self.exceptions.insert(data.exception.id.clone(), Arc::new(data.exception.clone()));
            }
            Event::ExceptionRevoked(data) => drop(self.exceptions.remove(&data.exception)),
        }
    }

    /// Changes an open change and keeps the look-ups true; a change that is over and owes nothing leaves.
    fn alter(
        &mut self,
        number: ChangeNumber,
        event: impl std::borrow::Borrow<Event>,
        at: Timestamp,
    ) {
        let before = self.changes.get(&number).cloned();
        let Some(after) = change::apply(before.as_deref(), event.borrow(), at) else { return };
        if let Some(before) = &before {
            self.unlist(before, &after);
        }
        if after.state.is_over() {
            self.passes_of.remove(&number);
        }
        if after.is_open() {
            self.list(&after);
            self.changes.insert(number, Arc::new(after));
        } else {
            self.changes.remove(&number);
            for deployment in after.deployments.difference(&after.running) {
                self.forget_deployment(*deployment);
            }
        }
    }

    /// Forgets a deployment, unless it is the last of its place: that one may still be undone.
    fn forget_deployment(&mut self, number: DeploymentNumber) {
        let Some(deployment) = self.deployments.get(&number) else { return };
        let key = (deployment.service.clone(), deployment.environment.clone());
        let last = self.places.get(&key).and_then(|place| place.recent.last());
        if last.is_none_or(|(last, _)| *last != number) {
            self.deployments.remove(&number);
        }
    }

    fn list(&mut self, change: &Change) {
        for service in &change.services {
            self.changes_of_service.entry(service.clone()).or_default().insert(change.number);
        }
        for commit in &change.origin.commits {
            self.changes_of_commit.entry(commit.clone()).or_default().insert(change.number);
        }
        for run in &change.runs {
            self.changes_of_run.entry(run.key()).or_default().insert(change.number);
        }
        if change.owed().next().is_some() {
            for owner in self.owners(change) {
                self.owing.entry(owner).or_default().insert(change.number);
            }
        }
    }

    /// Takes the change out of every look-up it is not in any more after it has become `after`.
    fn unlist(&mut self, before: &Change, after: &Change) {
        let gone = !after.is_open();
        let number = before.number;
        for service in before.services.iter().filter(|_| gone) {
            remove(&mut self.changes_of_service, service, number);
        }
        for commit in before
            .origin
            .commits
            .iter()
            .filter(|commit| gone || !after.origin.commits.contains(commit))
        {
            remove(&mut self.changes_of_commit, commit, number);
        }
        for run in before.runs.iter().filter(|_| gone) {
            remove(&mut self.changes_of_run, &run.key(), number);
        }
        if after.owed().next().is_none() && before.owed().next().is_some() {
            for owner in self.owners(before) {
                remove(&mut self.owing, &owner, number);
            }
        }
    }

    fn owners(&self, change: &Change) -> Vec<crate::ids::TeamName> {
        let services = &self.organisation.services;
        change
            .services
            .iter()
            .filter_map(|name| services.get(name))
            .map(|service| service.owner.clone())
            .collect()
    }

    fn deployment_ended(&mut self, data: &crate::deployment::event::Ended, at: Timestamp) {
        let known = self.deployments.get(&data.deployment).cloned();
        let key = (data.service.clone(), data.environment.clone());
        let mut place =
            self.places.get(&key).map(|place| place.as_ref().clone()).unwrap_or_default();
        let older = place
            .recent
            .last()
            .map(|(number, _)| *number)
            .filter(|number| *number != data.deployment);
        remember(&mut place, known.as_deref(), data, at);
        self.places.insert(key, Arc::new(place));
        if let Some(mut deployment) = known {
            let ended = Arc::make_mut(&mut deployment);
            ended.state = data.report.state;
            ended.report = Some(data.report.clone());
            self.deployments.insert(data.deployment, deployment);
        }
        let over = older.filter(|older| {
            let change = self.deployments.get(older).and_then(|deployment| deployment.change);
            change.is_none_or(|number| !self.changes.contains_key(&number))
        });
        if let Some(older) = over {
            self.forget_deployment(older);
        }
    }

    /// What the outcome of a change teaches about the models whose scope it lies in.
    fn learn(&mut self, number: ChangeNumber, outcome: ChangeOutcome) {
        let Some(change) = self.changes.get(&number).cloned() else { return };
        let good =
            matches!(outcome, ChangeOutcome::Successful | ChangeOutcome::SuccessfulWithIssues);
        let targets = change::targets_of(&change, &self.organisation);
        let covering: Vec<_> = self
            .organisation
            .models
            .values()
            .filter(|model| targets.iter().all(|target| model.scope.covers(target)))
            .cloned()
            .collect();
        for model in covering {
            let fresh = ModelRecord { earned: model.earned_after == 0, recent: Vec::new() };
            let record = self.models.entry(model.name.clone()).or_insert(fresh);
            record.recent.push(good);
            let surplus = record.recent.len().saturating_sub(OUTCOMES);
            record.recent.drain(..surplus);
        }
    }

    /// Passes that ended more than an hour before `at` are forgotten.
    fn forget_passes(&mut self, at: Timestamp) {
        if self.size.is_multiple_of(256) {
            let over =
                |given: &GivenPass| at.duration_since(given.claims.expires_at) >= PASSES_KEPT;
            let over: Vec<_> = self
                .passes
                .iter()
                .filter(|(_, given)| over(given))
                .map(|(id, _)| id.clone())
                .collect();
            for id in over {
                self.passes.remove(&id);
            }
        }
    }
}

fn event_of(data: &change::event::Proposed) -> Event {
    Event::ChangeProposed(data.clone())
}

fn remove<K: Ord + Clone>(
    map: &mut imbl::OrdMap<K, OrdSet<ChangeNumber>>,
    key: &K,
    number: ChangeNumber,
) {
    let empty = match map.get_mut(key) {
        Some(numbers) => {
            numbers.remove(&number);
            numbers.is_empty()
        }
        None => false,
    };
    if empty {
        map.remove(key);
    }
}

fn remember(
    place: &mut Place,
    known: Option<&Deployment>,
    data: &crate::deployment::event::Ended,
    at: Timestamp,
) {
    let state = data.report.state;
    match place.recent.iter_mut().find(|(number, _)| *number == data.deployment) {
        Some(entry) => entry.1 = state,
        None => place.recent.push((data.deployment, state)),
    }
    let surplus = place.recent.len().saturating_sub(RECENT);
    place.recent.drain(..surplus);
    place.last_ended_at = Some(data.report.ended_at.unwrap_or(at));
    match (state, known) {
        (DeploymentState::Succeeded, Some(deployment)) => {
            place.version = deployment.version.clone();
            place.commit = deployment.commit.clone();
            place.artifacts = deployment.artifacts.clone();
            place.since = place.last_ended_at;
        }
        (DeploymentState::RolledBack, _) => {
            if let Some(version) =
                data.report.rollback.as_ref().and_then(|rollback| rollback.to_version.clone())
            {
                place.version = Some(version);
                place.commit = None;
                place.artifacts.clear();
                place.since = place.last_ended_at;
            }
        }
        (DeploymentState::Succeeded | DeploymentState::Failed | DeploymentState::Running, _) => {}
    }
}
