//! Runs that wait at a rule of their forge: that one waits there is a question at the gate, asked in its name and told
//! the answer as soon as there is one.
//!
//! What waits is kept beside the journal in the transaction of the delivery that told of it, so a restart asks for it
//! again. Forges give up by themselves after 30 days, and so does this.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sluice_connectors::tell::Waits;
use sluice_core::effect::{Effect, Subject};
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::{CommitId, DecisionId, LinkName, ServiceName, TokenId};
use sluice_core::organisation::Link;
use sluice_core::permission::Permission;
use sluice_core::run::RunRef;
use sluice_core::standing::Standing;
use sluice_store::Row;
use sluice_store::rows::ExternalRefRow;
use tokio::task::JoinHandle;

use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;

/// Under which it is kept that runs wait.
const WAITING: &str = "gate_requests";
/// The most runs of a link that ask at the same time.
const MOST: usize = 2_000;
/// How long one question waits for its answer before it is asked anew.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// After so long a forge has given up by itself.
pub(super) const GIVEN_UP: SignedDuration = SignedDuration::from_hours(30 * 24);
/// So old an `allow` may be when a forge is told: nobody redeems a pass there, so that whatever happened since would
/// not be looked at.
pub(super) const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// How long it rests when nothing wakes it.
const REST: Duration = Duration::from_secs(15);

/// A run that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaitingRun {
    /// Host and path of its repository.
    pub(crate) repository: String,
    /// The forge's name of the environment.
    pub(crate) environment: String,
    /// The run.
    pub(crate) run: RunRef,
    /// What it would deploy.
    pub(crate) commit: CommitId,
    /// Since when.
    pub(crate) since: Timestamp,
    /// The decision that the forge is owed, as soon as there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answered: Option<DecisionId>,
}

impl WaitingRun {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.run.key(), self.run.attempt, self.environment)
    }

    /// That it waits.
    pub(crate) fn row(&self, link: &LinkName) -> Row {
        let value = serde_json::to_string(self)
            .unwrap_or_else(|error| unreachable!("a waiting run has a JSON form: {error}"));
        Row::ExternalRef(ExternalRefRow {
            link: link.to_string(),
            entity: WAITING.to_owned(),
            name: self.name(),
            value,
        })
    }

    /// That it waits no more.
    fn over(&self, link: &LinkName) -> Row {
        Row::ExternalRef(ExternalRefRow {
            link: link.to_string(),
            entity: WAITING.to_owned(),
            name: self.name(),
            value: String::new(),
        })
    }

    /// What it asks: for the change that its commit is under already, with what was brought for it, else for all
    /// services of its repository together. Nothing where none is declared.
    pub(super) fn question(&self, standing: &Standing) -> Option<Question> {
        let organisation = &standing.organisation;
        let environment = organisation.environment_named(&self.environment)?.name.clone();
        let known = standing.changes_of_commit.get(&self.commit).into_iter().flatten();
        let known = known
            .filter_map(|number| standing.changes.get(number))
            .find(|change| change.environment == environment && !change.state.is_over());
        let services: BTreeSet<ServiceName> = match known {
            Some(change) => change.services.clone(),
            None => organisation
                .services_from(&self.repository)
                .into_iter()
                .map(|service| service.name.clone())
                .collect(),
        };
        let service = services.first()?.clone();
        let artifacts = known.into_iter().flat_map(|change| change.artifacts.values().flatten());
        Some(Question {
            service,
            environment,
            services: if services.len() > 1 { services } else { BTreeSet::new() },
            version: known.and_then(|change| change.version.clone()),
            repository: Some(self.repository.clone()),
            commit: self.commit.clone(),
            artifacts: artifacts.cloned().collect(),
            run: self.run.clone(),
            // A change that is known has its own.
            evidence: Vec::new(),
            authors: BTreeSet::new(),
            emergency: None,
            lines_changed: None,
            paths: Vec::new(),
        })
    }
}

/// What becomes of the runs that a decision answers.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    /// Recorded when the decision was told.
    pub(crate) over: Vec<Row>,
    /// Recorded instead of telling it.
    pub(crate) anew: Vec<Row>,
    /// What waits, as the delivery told.
    pub(crate) waits: Option<Waits>,
    /// Whether the decision must not be told any more.
    pub(crate) is_too_old: bool,
}

pub(super) async fn run(engine: Engine) {
    let mut asking: BTreeMap<(LinkName, String), JoinHandle<()>> = BTreeMap::new();
    let mut owed = engine.sequencer().watch_owed();
    loop {
        owed.mark_unchanged();
        asking.retain(|_, task| !task.is_finished());
        let waiting = engine.waiting_runs().await;
        engine.went_round("rules", waiting.as_ref());
        match waiting {
            Err(_) => {}
            Ok(waiting) => {
                for (link, run) in waiting {
                    asking.entry((link.clone(), run.name())).or_insert_with(|| {
                        let engine = engine.clone();
                        tokio::spawn(async move {
                            if let Err(error) = engine.answer_run(&link, run, Some(PATIENCE)).await
                            {
                                tracing::warn!(%link, %error, "a run that waits was not answered");
                                tokio::time::sleep(REST).await;
                            }
                        })
                    });
                }
            }
        }
        let _ = tokio::time::timeout(REST, owed.changed()).await;
    }
}

impl Engine {
    /// Asks the gate once for every run that waits at a rule of its forge; gives how many were answered for good.
    pub async fn answer_waiting_runs(&self) -> Result<usize, EngineError> {
        let mut answered = 0;
        for (link, run) in self.waiting_runs().await? {
            answered += usize::from(self.answer_run(&link, run, None).await?);
        }
        Ok(answered)
    }

    async fn waiting_runs(&self) -> Result<Vec<(LinkName, WaitingRun)>, EngineError> {
        let standing = self.standing();
        let told = |link: &&std::sync::Arc<Link>| {
            link.tell.as_ref().is_some_and(|tell| tell.about.contains(&Subject::Decision))
        };
        let links: Vec<LinkName> = standing
            .organisation
            .links
            .values()
            .filter(told)
            .map(|link| link.name.clone())
            .collect();
        let (mut waiting, now) = (Vec::new(), self.now());
        for link in links {
            let (readers, name) = (self.readers().clone(), link.to_string());
            let rows = self.blocking(move || readers.external_refs(&name, WAITING)).await?;
            let runs =
                rows.iter().filter_map(|row| serde_json::from_str::<WaitingRun>(&row.value).ok());
            let gave_up = |run: &WaitingRun| now.duration_since(run.since) >= GIVEN_UP;
            let (over, waits): (Vec<_>, Vec<_>) = runs.partition(gave_up);
            if !over.is_empty() {
                let over = over.iter().map(|run| run.over(&link)).collect();
                self.record_rows(&link, over).await?;
            }
            let waits = waits.into_iter().filter(|run| run.answered.is_none());
            waiting.extend(waits.take(MOST).map(|run| (link.clone(), run)));
        }
        Ok(waiting)
    }

    /// Asks in the name of a run; gives whether it has its answer.
    async fn answer_run(
        &self,
        link: &LinkName,
        run: WaitingRun,
        wait: Option<Duration>,
    ) -> Result<bool, EngineError> {
        let standing = self.standing();
        let (Some(question), Some(caller)) = (run.question(&standing), caller(&standing, link))
        else {
            return Ok(false);
        };
        // Where the link is told of nothing, it asks for nothing either: somebody else may answer there.
        let target = standing.organisation.target(&question.service, &question.environment);
        if !caller.covers(Permission::GateEvaluate, &target) {
            return Ok(false);
        }
        let key = format!("{}/{}", run.name(), standing.size);
        let hash = Sha256::digest(key.as_bytes()).into();
        let answer = self.ask(&caller, &key, hash, question.clone(), wait).await?;
        if answer.decision == Decision::Wait {
            return Ok(false);
        }
        let row = WaitingRun { answered: answer.id.clone(), ..run }.row(link);
        self.record_rows(link, vec![row]).await?;
        self.sequencer().wake_tellers();
        Ok(true)
    }

    /// Rows for the run that a decision answers, where one waits at a rule: it is over when it was told, and asks anew
    /// where the answer is too old to be told.
    pub(crate) async fn runs_answered_by(
        &self,
        link: &LinkName,
        effect: &Effect,
        now: Timestamp,
    ) -> Result<Answered, EngineError> {
        let mut answered = Answered::default();
        let Some(decision) = &effect.decision else { return Ok(answered) };
        let ours = decision.asked_by.as_ref() == Some(link);
        let Some(run) = decision.run.as_ref().filter(|_| ours) else { return Ok(answered) };
        let begins = format!("{}/{}/", run.key(), run.attempt);
        let standing = self.standing();
        for (name, value) in self.known(link, WAITING).await? {
            if !name.starts_with(&begins) {
                continue;
            }
            let Ok(waiting) = serde_json::from_str::<WaitingRun>(&value) else { continue };
            let environment = standing.organisation.environment_named(&waiting.environment);
            if environment.map(|known| &known.name) == effect.environment.as_ref() {
                answered.waits = Some(Waits {
                    repository: waiting.repository.clone(),
                    environment: waiting.environment.clone(),
                    commit: waiting.commit.clone(),
                    since: waiting.since,
                });
                if decision.answer == Decision::Wait {
                    continue;
                }
                answered.over.push(waiting.over(link));
                answered.anew.push(WaitingRun { answered: None, ..waiting }.row(link));
            }
        }
        let is_old = now.duration_since(effect.at) > FRESH || !decision.lets_go(now);
        answered.is_too_old =
            decision.answer == Decision::Allow && is_old && !answered.anew.is_empty();
        Ok(answered)
    }
}

/// The link itself asks: its delivery was verified, and what it is told of is where it may ask.
pub(super) fn caller(standing: &Standing, link: &LinkName) -> Option<Caller> {
    let declared = standing.organisation.links.get(link.as_str())?;
    let scope = declared.tell.as_ref()?.scope.clone();
    let token = TokenId::parse("forge-rule").ok()?;
    let machine = Caller::machine(token, [Permission::GateEvaluate].into(), scope);
    Some(Caller { link: Some(link.clone()), ..machine })
}
