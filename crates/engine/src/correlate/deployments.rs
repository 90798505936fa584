//! Reported deployments and stages: pipelines that do not report themselves are followed by what their system tells.

use std::collections::BTreeSet;

use globset::Glob;
use sluice_core::change::{Change, ChangeOutcome, ChangeState, event};
use sluice_core::deployment::{
    self, Deployment, DeploymentReport, DeploymentState, Rollback, StartReport, Strategy,
};
use sluice_core::ids::{
    ChangeNumber, CommitId, DeploymentNumber, Digest, EnvironmentName, ServiceName,
};
use sluice_core::run::RunRef;
use sluice_core::signal::{DeploymentSignal, Outcome, Signal};

use super::Correlation;
use super::merges::production_environment;

/// How long after its end a deployment is still the one that a report without a run speaks of.
const SAME_DEPLOYMENT: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// What a report is about.
struct About<'a> {
    repository: Option<&'a str>,
    service: Option<ServiceName>,
    environment: EnvironmentName,
    run: Option<&'a RunRef>,
    commit: Option<&'a CommitId>,
    artifact: Option<&'a Digest>,
    version: Option<&'a str>,
}

impl Correlation<'_> {
    pub(super) fn deployment(&mut self, signal: &Signal) {
        let Signal::DeploymentReported {
            repository,
            service,
            environment,
            state,
            run,
            commit,
            artifact,
            version,
            ..
        } = signal
        else {
            return;
        };
        let Some(environment) = self.standing.organisation.environment_named(environment) else {
            return;
        };
        let about = About {
            repository: repository.as_deref(),
            service: service.as_deref().and_then(|name| ServiceName::parse(name).ok()),
            environment: environment.name.clone(),
            run: run.as_ref(),
            commit: commit.as_ref(),
            artifact: artifact.as_ref(),
            version: version.as_deref(),
        };
        match state {
            DeploymentSignal::Requested | DeploymentSignal::Canceled => {}
            DeploymentSignal::Running => self.start(&about),
            DeploymentSignal::Succeeded => self.end(&about, DeploymentState::Succeeded),
            DeploymentSignal::Failed => self.end(&about, DeploymentState::Failed),
            DeploymentSignal::RolledBack => self.end(&about, DeploymentState::RolledBack),
        }
    }

    pub(super) fn stage(&mut self, signal: &Signal) {
        let Signal::StageReported { run, stage, environment, outcome, commit, .. } = signal else {
            return;
        };
        let stages = self.standing.organisation.settings.stages.clone();
        let named = match environment {
            Some(name) => self.standing.organisation.environment_named(name).map(AsRef::as_ref),
            None => production_environment(&self.standing),
        };
        let Some(environment) = named.map(|environment| environment.name.clone()) else { return };
        let about = About {
            repository: None,
            service: None,
            environment,
            run: Some(run),
            commit: commit.as_ref(),
            artifact: None,
            version: None,
        };
        // Stages belong to a change that is known; they do not make one.
        if self.change(&about).is_none() {
            return;
        }
        if matches(&stages.deploy, stage) {
            match outcome {
                None => self.start(&about),
                Some(Outcome::Succeeded) => self.end(&about, DeploymentState::Succeeded),
                Some(Outcome::Failed | Outcome::Canceled) => {
                    self.end(&about, DeploymentState::Failed)
                }
                Some(Outcome::Skipped) => {}
            }
        } else if matches(&stages.verify, stage) {
            self.verified(&about, *outcome);
        }
    }

    /// The open change that a report belongs to: by run, else by commit, else by what is deployed.
    fn change(&self, about: &About<'_>) -> Option<Change> {
        let by_run = about.run.and_then(|run| self.standing.changes_of_run.get(&run.key()));
        let by_commit = about.commit.and_then(|commit| self.standing.changes_of_commit.get(commit));
        let by_artifact = about.service.as_ref().zip(about.artifact).into_iter().flat_map(
            |(service, artifact)| {
                let open = self.standing.changes_of_service.get(service).into_iter().flatten();
                open.filter(move |number| self.brings(**number, service, artifact))
            },
        );
        let numbers =
            by_run.into_iter().flatten().chain(by_commit.into_iter().flatten()).chain(by_artifact);
        let here = |change: &&std::sync::Arc<Change>| {
            change.environment == about.environment
                && !change.state.is_over()
                && about.service.as_ref().is_none_or(|service| change.services.contains(service))
        };
        numbers
            .filter_map(|number| self.standing.changes.get(number))
            .find(here)
            .map(|change| change.as_ref().clone())
    }

    /// Whether a change brings this artifact of a service.
    fn brings(&self, number: ChangeNumber, service: &ServiceName, artifact: &Digest) -> bool {
        let change = self.standing.changes.get(&number);
        let artifacts = change.and_then(|change| change.artifacts.get(service));
        artifacts.is_some_and(|artifacts| artifacts.contains(artifact))
    }

    /// The services that a report speaks of.
    fn services(&self, about: &About<'_>, change: Option<&Change>) -> BTreeSet<ServiceName> {
        if let Some(service) = &about.service {
            return self
                .standing
                .organisation
                .services
                .contains_key(service)
                .then(|| service.clone())
                .into_iter()
                .collect();
        }
        if let Some(change) = change {
            return change.services.clone();
        }
        let known =
            about.repository.map(|repository| self.standing.organisation.services_from(repository));
        let known = known.unwrap_or_default();
        known.into_iter().map(|service| service.name.clone()).collect()
    }

    /// The newest deployment of a service here by the very attempt of the run that a report names, while it is at hand and
    /// stands so.
    fn by_run(
        &self,
        service: &ServiceName,
        about: &About<'_>,
        stands: impl Fn(&Deployment) -> bool,
    ) -> Option<DeploymentNumber> {
        let told = about.run?;
        let same = |deployment: &&std::sync::Arc<Deployment>| {
            let run = deployment.run.as_ref();
            deployment.service == *service
                && deployment.environment == about.environment
                && run.is_some_and(|run| run.key() == told.key() && run.attempt == told.attempt)
                && stands(deployment)
        };
        self.standing.deployments.values().rev().find(same).map(|deployment| deployment.number)
    }

    /// The deployment here that a report is about, by its run: the one that runs, else one that ended for want of news.
    fn of_run(&self, service: &ServiceName, about: &About<'_>) -> Option<DeploymentNumber> {
        let runs = |known: &Deployment| known.state == DeploymentState::Running;
        let running = self.by_run(service, about, runs);
        running.or_else(|| self.by_run(service, about, |known| known.untold))
    }

    /// The deployment of a service here that runs, of this commit and artifact where they are known. One run may deploy for
    /// another, so that it need not be of the run that is told; but without a commit nothing else says that it is the same.
    fn running(&self, service: &ServiceName, about: &About<'_>) -> Option<DeploymentNumber> {
        let same = |deployment: &&std::sync::Arc<Deployment>| {
            let other_run = match (&deployment.run, about.run) {
                (Some(known), Some(told)) => {
                    known.system == told.system && known.key() != told.key()
                }
                _ => false,
            };
            let same_commit = match (&deployment.commit, about.commit) {
                (Some(known), Some(told)) => known == told,
                _ => !other_run,
            };
            deployment.service == *service
                && deployment.environment == about.environment
                && deployment.state == DeploymentState::Running
                && same_commit
                && (deployment.artifacts.is_empty()
                    || about.artifact.is_none_or(|told| deployment.artifacts.contains(told)))
        };
        self.standing.deployments.values().rev().find(same).map(|deployment| deployment.number)
    }

    /// The last deployment of a place, where it has ended and the report is about that very one: the same attempt of the
    /// same run or, where one of them names no run, the same commit not long ago. Two doors tell of one deployment when
    /// a pipeline reports itself and its system does too.
    fn ended(&self, service: &ServiceName, about: &About<'_>) -> Option<DeploymentNumber> {
        let number = self.last(service, about)?;
        let deployment = self.standing.deployments.get(&number)?;
        let place = self.standing.place(service, &about.environment)?;
        let same = match (&deployment.run, about.run) {
            (Some(known), Some(told)) => known.key() == told.key() && known.attempt == told.attempt,
            _ => {
                let recent = place
                    .last_ended_at
                    .is_some_and(|ended| self.now.duration_since(ended) <= SAME_DEPLOYMENT);
                recent && about.commit.is_some() && deployment.commit.as_ref() == about.commit
            }
        };
        (same && deployment.state != DeploymentState::Running).then_some(number)
    }

    fn start(&mut self, about: &About<'_>) {
        let change = self.change(about);
        for service in self.services(about, change.as_ref()) {
            let known = self.of_run(&service, about).or_else(|| self.running(&service, about));
            if known.or_else(|| self.ended(&service, about)).is_none() {
                self.start_one(about, service, change.as_ref());
            }
        }
    }

    /// A deployment is seen to run that nobody told us of before. Without a change it is on record all the same.
    fn start_one(&mut self, about: &About<'_>, service: ServiceName, change: Option<&Change>) {
        let known =
            change.and_then(|change| change.artifacts.get(&service)).cloned().unwrap_or_default();
        let artifacts = if known.is_empty() {
            about.artifact.iter().map(|digest| (*digest).clone()).collect()
        } else {
            known
        };
        let report = StartReport {
            change: change.map(|change| change.number),
            service,
            environment: about.environment.clone(),
            version: about
                .version
                .map(str::to_owned)
                .or_else(|| change.and_then(|change| change.version.clone())),
            commit: about.commit.or_else(|| change?.origin.commits.last()).cloned(),
            artifacts,
            run: about.run.cloned(),
            pass: None,
            strategy: Strategy::default(),
            at: self.now,
        };
        let (_, events) = deployment::start(&self.standing, report);
        self.extend(events);
    }

    fn end(&mut self, about: &About<'_>, state: DeploymentState) {
        let change = self.change(about);
        for service in self.services(about, change.as_ref()) {
            let known = self.of_run(&service, about);
            // What another door told already says nothing of what runs by now.
            let known = known.or_else(|| self.by_run(&service, about, |_| true));
            let known = known.or_else(|| self.running(&service, about));
            let is_known = known.or_else(|| self.ended(&service, about)).is_some();
            if !is_known && state != DeploymentState::RolledBack {
                self.start_one(about, service.clone(), change.as_ref());
            }
            let number = known.or_else(|| self.running(&service, about));
            let number = number.or_else(|| self.last(&service, about));
            let Some(number) = number else { continue };
            let known = self.standing.deployments.get(&number).cloned();
            let rollback = (state == DeploymentState::RolledBack).then(|| Rollback {
                reason: format!("reported by {}", self.link),
                to_version: about.version.map(str::to_owned),
                started_at: None,
                ended_at: Some(self.now),
                automatic: false,
            });
            let report = DeploymentReport {
                state,
                started_at: None,
                ended_at: None,
                health: None,
                note: String::new(),
                rollback,
            };
            // An end that does not fit (it ended before, in another way) changes nothing.
            if let Ok(events) =
                deployment::end(&self.standing, number, known.as_deref(), report, self.now)
            {
                self.extend(events);
            }
        }
    }

    /// The last deployment of a place: what a roll-back undoes.
    fn last(&self, service: &ServiceName, about: &About<'_>) -> Option<DeploymentNumber> {
        let place = self.standing.place(service, &about.environment)?;
        place.recent.last().map(|(number, _)| *number)
    }

    /// A stage that proves health has ended: the change closes with its outcome.
    fn verified(&mut self, about: &About<'_>, outcome: Option<Outcome>) {
        let Some(change) = self.change(about).filter(|change| change.state == ChangeState::Review)
        else {
            return;
        };
        let (outcome, note) = match outcome {
            Some(Outcome::Succeeded) => (ChangeOutcome::Successful, "health was proven"),
            Some(Outcome::Failed) => (ChangeOutcome::Unsuccessful, "the health proof failed"),
            Some(Outcome::Canceled | Outcome::Skipped) | None => return,
        };
        let lessons = deployment::models(&self.standing, &change, outcome);
        self.push(event::Closed { change: change.number, outcome, note: note.to_owned() });
        self.extend(lessons);
    }
}

fn matches(patterns: &BTreeSet<String>, name: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name)))
}
