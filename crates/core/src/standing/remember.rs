//! What is remembered of what is over, and how much: memory is bounded by what is declared and open, not by history.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use imbl::OrdMap;

use super::{DeniedDigest, KeptSecret, ModelRecord, Standing, TokenInForce, Topic};
use crate::access::RoleState;
use crate::access::event::RoleProposed;
use crate::change::{self, ChangeOutcome};
use crate::deployment::event::{Corrected, DigestDenied, Ended};
use crate::deployment::{Deployment, DeploymentReport, DeploymentState, Place, Ran};
use crate::housekeeping::{PushSeen, RunSeen, SecretSet, SourceSeen, TokenCreated, TokenExchanged};
use crate::ids::{ChangeNumber, DeploymentNumber, PersonId};
use crate::organisation::{Item, ItemKind, Person, RoleGrant};
use crate::pass::{GivenPass, PassClaims};
use crate::signal::Listed;
use crate::stop::Exception;

/// Passes are remembered for this long after their end, so that a late redeem hears the right reason.
const PASSES_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Deployments remembered of each place.
const RECENT: usize = 20;

/// Commits remembered that ran at each place.
const RAN: usize = 8;

/// Commits remembered; those of one push share what is known of them.
const COMMITS: usize = 50_000;

/// Pushes remembered of one commit.
const PUSHES: usize = 8;

/// Runs remembered.
const SEEN: usize = 10_000;

/// Outcomes remembered of each change model.
const OUTCOMES: usize = 10;

/// Digests refused at the same time. The one that was refused longest ago leaves first; by then this many others have
/// failed after it.
const DENIED: usize = 50_000;

impl Standing {
    pub(super) fn token_created(&mut self, token: &TokenCreated, at: Timestamp) {
        self.forget_tokens(at);
        let permissions = token.permissions.iter().cloned().collect();
        let known = TokenInForce { token: token.clone(), permissions, run: None, maker: None };
        self.tokens.insert(token.id.clone(), Arc::new(known));
    }

    pub(super) fn token_exchanged(&mut self, event: &TokenExchanged, at: Timestamp) {
        self.forget_tokens(at);
        let over: Vec<_> = self
            .shown_once
            .iter()
            .filter(|(_, until)| **until <= at)
            .map(|(once, _)| once.clone())
            .collect();
        for once in over {
            self.shown_once.remove(&once);
        }
        self.shown_once.insert(event.once.clone(), event.once_until);
        let token = TokenCreated {
            id: event.token.clone(),
            label: format!("{} by {}", event.run.key(), event.rule),
            kind: "pipeline".to_owned(),
            person: None,
            permissions: event.permissions.clone(),
            scope: event.scope.clone(),
            expires_at: event.expires_at,
        };
        let permissions = event.permissions.iter().cloned().collect();
        let known = TokenInForce { token, permissions, run: Some(event.run.clone()), maker: None };
        self.tokens.insert(event.token.clone(), Arc::new(known));
    }

    pub(super) fn secret_set(&mut self, event: &SecretSet, at: Timestamp) {
        let kept = KeptSecret { version: event.version, key: event.key.clone(), at };
        self.secrets.insert(event.name.clone(), kept);
    }

    pub(super) fn secrets_rewrapped(&mut self, key: &str) {
        let names: Vec<_> = self.secrets.keys().cloned().collect();
        for name in names {
            if let Some(kept) = self.secrets.get_mut(&name) {
                key.clone_into(&mut kept.key);
            }
        }
    }

    fn forget_tokens(&mut self, at: Timestamp) {
        let over: Vec<_> = self
            .tokens
            .iter()
            .filter(|(_, known)| known.token.expires_at <= at)
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            self.tokens.remove(&id);
        }
    }

    /// Whoever's roles, claims or delegates change comes in anew: a session holds what was true when it began.
    pub(super) fn person_declared(&mut self, item: &Item) {
        let Item::Person(new) = item else { return };
        let same = |old: &Person| {
            (&old.roles, &old.claims, &old.delegates) == (&new.roles, &new.claims, &new.delegates)
        };
        if self.organisation.people.get(&new.id).is_some_and(|old| !same(old)) {
            self.access.end_sessions(&new.id);
        }
    }

    /// Whoever is not declared any more has nothing to come in for.
    pub(super) fn person_withdrawn(&mut self, kind: ItemKind, name: &str) {
        if kind == ItemKind::Person
            && let Ok(person) = PersonId::parse(name)
        {
            self.let_go(&person);
        }
    }

    /// Ends what somebody has who may not act any more: should they come again, they begin anew.
    pub(super) fn let_go(&mut self, person: &PersonId) {
        self.access.end_sessions(person);
        let speaks = |known: &TokenInForce| known.token.person.as_ref() == Some(person);
        let theirs = self.tokens.iter().filter(|(_, known)| speaks(known));
        let theirs: Vec<_> = theirs.map(|(id, _)| id.clone()).collect();
        for id in theirs {
            self.tokens.remove(&id);
        }
    }

    /// The roles that two people granted, where approval rules look for them.
    pub(super) fn roles_changed(&mut self) {
        let mut granted: OrdMap<PersonId, Vec<RoleGrant>> = OrdMap::new();
        for role in self.access.roles.values() {
            if matches!(role.state, RoleState::Granted { .. }) {
                let RoleProposed { person, role, scope, .. } = role.proposed.clone();
                granted.entry(person).or_default().push(RoleGrant { role, scope });
            }
        }
        self.organisation.granted = granted;
    }

    pub(super) fn source_seen(&mut self, data: &SourceSeen) {
        let seen = Arc::new(data.clone());
        for commit in data.every_commit() {
            // What was said of a commit as a tip says more than what is said of the push that it comes with.
            let known = self.sources.get_mut(commit);
            let tip = known.filter(|known| known.commit == *commit && data.commit != *commit);
            if let Some(tip) = tip {
                came_to(Arc::make_mut(tip), data);
                continue;
            }
            if self.sources.insert(commit.clone(), Arc::clone(&seen)).is_none() {
                self.source_order.push_back(commit.clone());
            }
        }
        while self.source_order.len() > COMMITS {
            let Some(oldest) = self.source_order.pop_front() else { break };
            self.sources.remove(&oldest);
            self.touched.remove(&Topic::Source(oldest));
        }
    }

    pub(super) fn run_seen(&mut self, data: &RunSeen) {
        let key = data.run.key();
        if self.runs.insert(key.clone(), Arc::new(data.clone())).is_none() {
            self.run_order.push_back(key);
        }
        if self.run_order.len() > SEEN
            && let Some(oldest) = self.run_order.pop_front()
        {
            self.runs.remove(&oldest);
            self.touched.remove(&Topic::Run(oldest));
        }
    }

    pub(super) fn digests_denied(&mut self, data: &DigestDenied) {
        for digest in &data.digests {
            let denied = DeniedDigest {
                service: data.service.clone(),
                deployment: data.deployment,
                reason: data.reason.clone(),
            };
            if self.denied_digests.insert(digest.clone(), Arc::new(denied)).is_none() {
                self.denied_order.push_back(digest.clone());
            }
        }
        while self.denied_order.len() > DENIED {
            let Some(oldest) = self.denied_order.pop_front() else { break };
            self.denied_digests.remove(&oldest);
            self.touched.remove(&Topic::Digest(oldest));
        }
    }

    pub(super) fn exception_granted(&mut self, exception: &Exception, at: Timestamp) {
        let over = self.exceptions.values().filter(|exception| exception.until <= at);
        let over: Vec<_> = over.map(|exception| exception.id.clone()).collect();
        for id in over {
            self.exceptions.remove(&id);
        }
        self.exceptions.insert(exception.id.clone(), Arc::new(exception.clone()));
    }

    pub(super) fn pass_given(&mut self, claims: &PassClaims, at: Timestamp) {
        if let Some(number) = claims.change {
            self.passes_of.insert(number, claims.expires_at);
        }
        let given = GivenPass { claims: claims.clone(), redeemed_at: None };
        self.passes.insert(claims.pass.clone(), Arc::new(given));
        self.forget_passes(at);
    }

    pub(super) fn deployment_ended(&mut self, data: &Ended, at: Timestamp) {
        let known = self.deployments.get(&data.deployment).cloned();
        let key = (data.service.clone(), data.environment.clone());
        let mut place =
            self.places.get(&key).map(|place| place.as_ref().clone()).unwrap_or_default();
        let older: Vec<DeploymentNumber> = place.recent.iter().map(|(number, _)| *number).collect();
        remember(&mut place, known.as_deref(), data, at);
        self.places.insert(key, Arc::new(place));
        if let Some(mut deployment) = known {
            let ended = Arc::make_mut(&mut deployment);
            ended.state = data.report.state;
            ended.report = Some(data.report.clone());
            ended.untold = data.untold;
            self.deployments.insert(data.deployment, deployment);
        }
        // One that ends late is itself not the last.
        for over in older.into_iter().chain([data.deployment]) {
            self.forget_without_change(over);
        }
    }

    /// Forgets a deployment that has ended, unless its change is at hand, with which it goes.
    fn forget_without_change(&mut self, over: DeploymentNumber) {
        let change = self.deployments.get(&over).and_then(|deployment| deployment.change);
        if change.is_none_or(|number| !self.changes.contains_key(&number)) {
            self.forget_deployment(over);
        }
    }

    pub(super) fn deployment_corrected(&mut self, data: &Corrected, at: Timestamp) {
        let deployment = &data.deployment;
        let key = (deployment.service.clone(), deployment.environment.clone());
        if let Some(known) = self.places.get_mut(&key) {
            let place = Arc::make_mut(known);
            let known = place.recent.iter_mut().find(|(number, _)| *number == deployment.number);
            if let Some((_, state)) = known {
                *state = deployment.state;
            }
            if data.place_follows {
                place.last_ended_at = Some(at);
                let report = deployment.report.iter();
                let told = (deployment.number, Some(deployment));
                report.for_each(|report| come_to_run(place, told, report, at));
            }
        }
        if let Some(known) = self.deployments.get_mut(&deployment.number) {
            *known = Arc::new(deployment.clone());
            self.forget_without_change(deployment.number);
        }
    }

    /// What the outcome of a change teaches about the models whose scope it lies in.
    pub(super) fn learn(&mut self, number: ChangeNumber, outcome: ChangeOutcome) {
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

/// A commit that was the tip of one branch came to others with a later push.
fn came_to(tip: &mut SourceSeen, data: &SourceSeen) {
    let whole = data.pushes.iter().filter(|push| push.listed == Listed::All);
    for PushSeen { branch, .. } in whole.cloned() {
        if tip.pushes.len() < PUSHES && tip.pushes.iter().all(|push| push.branch != branch) {
            // Nothing follows from it for who wrote the commit: those of the later push are not taken over.
            let push = PushSeen { branch, listed: Listed::None, before: None, created: false };
            tip.pushes.push(push);
        }
    }
}

fn remember(place: &mut Place, known: Option<&Deployment>, data: &Ended, at: Timestamp) {
    let state = data.report.state;
    // What ends for want of news ends at no time of its own: what began after it and has ended is newer all the same.
    let newer = place.recent.iter().position(|(number, _)| *number > data.deployment);
    let newer = newer.filter(|_| data.untold);
    match place.recent.iter_mut().find(|(number, _)| *number == data.deployment) {
        Some(entry) => entry.1 = state,
        None => {
            place.recent.insert(newer.unwrap_or(place.recent.len()), (data.deployment, state));
        }
    }
    let surplus = place.recent.len().saturating_sub(RECENT);
    place.recent.drain(..surplus);
    if newer.is_none() {
        // By when it was recorded and not by what was told: soak times rest on it.
        place.last_ended_at = Some(at);
        come_to_run(place, (data.deployment, known), &data.report, at);
    }
}

/// What runs at a place when a deployment ended there, as far as it is known.
fn come_to_run(
    place: &mut Place,
    (number, known): (DeploymentNumber, Option<&Deployment>),
    report: &DeploymentReport,
    at: Timestamp,
) {
    match (report.state, known) {
        (DeploymentState::Succeeded, Some(deployment)) => succeeded(place, deployment, at),
        (DeploymentState::RolledBack, _) => {
            let to = report.rollback.as_ref().and_then(|rollback| rollback.to_version.clone());
            rolled_back(place, number, to);
        }
        (DeploymentState::Succeeded | DeploymentState::Failed | DeploymentState::Running, _) => {}
    }
}

fn succeeded(place: &mut Place, deployment: &Deployment, at: Timestamp) {
    place.version = deployment.version.clone();
    place.commit = deployment.commit.clone();
    place.artifacts = deployment.artifacts.clone();
    place.since = place.last_ended_at;
    for ran in &mut place.ran {
        ran.until.get_or_insert(at);
    }
    let Some(commit) = deployment.commit.clone() else { return };
    let ran = Ran {
        deployment: deployment.number,
        version: deployment.version.clone(),
        commit: commit.clone(),
        artifacts: deployment.artifacts.clone(),
        since: at,
        until: None,
    };
    // Where it ran before, what came after it was undone.
    if let Some(again) = place.ran.iter().position(|ran| ran.commit == commit) {
        place.ran.truncate(again);
    }
    place.ran.push(ran);
    let surplus = place.ran.len().saturating_sub(RAN);
    place.ran.drain(..surplus);
}

/// What runs again after a deployment was undone. Where that cannot be told, it may be the oldest that is remembered.
fn rolled_back(place: &mut Place, deployment: DeploymentNumber, to: Option<String>) {
    let undone = place.ran.iter().position(|ran| ran.deployment == deployment);
    if to.is_none() && undone.is_none() {
        // It never came to run: what ran before does so still.
        return;
    }
    let before = &place.ran[..undone.unwrap_or(place.ran.len())];
    let again = match &to {
        Some(to) => before.iter().rposition(|ran| ran.version.as_ref() == Some(to)),
        None => before.len().checked_sub(1),
    };
    let version = again.and_then(|again| place.ran[again].version.clone());
    place.version = to.or(version);
    place.commit = again.map(|again| place.ran[again].commit.clone());
    place.artifacts = again.map(|again| place.ran[again].artifacts.clone()).unwrap_or_default();
    place.since = place.last_ended_at;
    let oldest = usize::from(undone != Some(0));
    place.ran.truncate(again.map_or(oldest, |again| again + 1));
}
