//! What is kept of runs that wait for the gate, and which of a run's questions an answer is for.
//!
//! An answer is for one question. A run that waits at one place for each of its environments in turn, as a build of Jenkins
//! does, shows nothing there of what it waits for: only the newest of its questions is answered, and an answer that was
//! given before a question was asked is none to it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_connectors::tell::Waits;
use sluice_core::effect::Effect;
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::{CommitId, DecisionId, LinkName, ServiceName};
use sluice_core::run::RunRef;
use sluice_core::signal::Signal;
use sluice_core::standing::Standing;
use sluice_store::Row;
use sluice_store::rows::ExternalRefRow;

use super::Line;
use super::rules::FRESH;
use crate::engine::Engine;
use crate::error::EngineError;

/// Under which it is kept that runs wait.
const WAITING: &str = "gate_requests";

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
    /// Which question of its run it is, from 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) turn: u64,
    /// When it came to wait, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Timestamp>,
    /// Whether it waits no more, where that is kept for a while to know what comes again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) over: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl WaitingRun {
    pub(super) fn name(&self) -> String {
        name_of(&self.run, &self.environment)
    }

    /// That it waits.
    pub(crate) fn row(&self, link: &LinkName) -> Row {
        Row::ExternalRef(self.kept(link, self.value()))
    }

    fn value(&self) -> String {
        serde_json::to_string(self)
            .unwrap_or_else(|error| unreachable!("a waiting run has a JSON form: {error}"))
    }

    fn kept(&self, link: &LinkName, value: String) -> ExternalRefRow {
        let (link, entity) = (link.to_string(), WAITING.to_owned());
        ExternalRefRow { link, entity, name: self.name(), value }
    }

    /// That it became something else, where nothing was asked in between.
    pub(super) fn becomes(&self, link: &LinkName, other: &Self) -> Row {
        Row::AlterExternalRef { row: self.kept(link, other.value()), was: self.value() }
    }

    /// That it is to be forgotten, where nothing was asked in between.
    pub(super) fn forgotten(&self, link: &LinkName) -> Row {
        Row::AlterExternalRef { row: self.kept(link, String::new()), was: self.value() }
    }

    /// That it waits no more. Where it is one question of several at a place, it is kept that it was asked.
    pub(super) fn ended(&self, line: &Line) -> Row {
        match self.place(line) {
            Some(_) => self.becomes(&line.name, &Self { over: true, ..self.clone() }),
            None => self.forgotten(&line.name),
        }
    }

    /// The same, whichever way it was noted that this decision is its answer.
    fn ended_by(&self, line: &Line, decision: &str) -> Vec<Row> {
        let mut rows = vec![self.ended(line)];
        for answered in [None, DecisionId::parse(decision).ok()] {
            let same = Self { answered, ..self.clone() };
            if same != *self {
                rows.push(same.ended(line));
            }
        }
        rows
    }

    fn place<'a>(&self, line: &'a Line) -> Option<&'a str> {
        line.telling.waits_at(&self.environment)
    }

    /// Whether another question of the run was asked since, at the same place.
    pub(super) fn is_passed(&self, others: &[Self], line: &Line) -> bool {
        let Some(place) = self.place(line) else { return false };
        let is_later = |other: &&Self| {
            (other.turn, other.since) > (self.turn, self.since) && other.place(line) == Some(place)
        };
        self.others(others).any(|other| is_later(&other))
    }

    /// The questions of the same run for other environments.
    fn others<'a>(&'a self, all: &'a [Self]) -> impl Iterator<Item = &'a Self> {
        all.iter()
            .filter(|other| is_same(&other.run, &self.run) && other.environment != self.environment)
    }

    /// Whether it came late: the run has come to wait for another environment since.
    fn is_late(&self, known: &[Self], line: &Line) -> bool {
        let Some(place) = self.place(line) else { return false };
        let others = self.others(known).filter(|other| other.place(line) == Some(place));
        let Some(newest) = others.max_by_key(|other| (other.turn, other.since)) else {
            return false;
        };
        let before = known.iter().find(|known| known.name() == self.name());
        match (self.at, newest.at) {
            (Some(at), Some(newest)) => at < newest,
            // Without times, one that was asked before the other is that one again.
            _ => before.is_some_and(|it| (it.turn, it.since) < (newest.turn, newest.since)),
        }
    }

    /// The question that a signal is.
    fn of(signal: &Signal, now: Timestamp) -> Option<Self> {
        let Signal::GateRequested { repository, environment, run, commit, at, .. } = signal else {
            return None;
        };
        Some(Self {
            repository: repository.clone(),
            environment: environment.clone(),
            run: run.clone(),
            commit: commit.clone()?,
            since: now,
            answered: None,
            turn: 0,
            at: *at,
            over: false,
        })
    }

    /// The row that a signal leaves, as the question of its run that it is; none for one that came late.
    pub(crate) fn asked(
        link: &LinkName,
        signal: &Signal,
        turns: &BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Option<Row> {
        let asked = Self::of(signal, now)?;
        let turn = *turns.get(&asked.name())?;
        Some(Self { turn, ..asked }.row(link))
    }

    fn as_told(&self) -> Waits {
        Waits {
            repository: self.repository.clone(),
            environment: self.environment.clone(),
            commit: self.commit.clone(),
            since: self.since,
        }
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

fn name_of(run: &RunRef, environment: &str) -> String {
    format!("{}/{}/{environment}", run.key(), run.attempt)
}

fn is_same(run: &RunRef, other: &RunRef) -> bool {
    run.key() == other.key() && run.attempt == other.attempt
}

/// What becomes of the run that a decision answers.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    /// Recorded when the decision was told.
    pub(crate) over: Vec<Row>,
    /// Recorded instead of telling it, where it must not be told any more.
    pub(crate) instead: Option<Vec<Row>>,
    /// What waits, as the delivery told.
    pub(crate) waits: Option<Waits>,
}

impl Engine {
    /// The runs that wait, or waited, as far as that is kept.
    pub(super) async fn kept_runs(&self, link: &LinkName) -> Result<Vec<WaitingRun>, EngineError> {
        let (readers, name) = (self.readers().clone(), link.to_string());
        let rows = self.blocking(move || readers.external_refs(&name, WAITING)).await?;
        Ok(rows.iter().filter_map(|row| serde_json::from_str(&row.value).ok()).collect())
    }

    /// Which question of its run each is that comes with these signals; nothing for one that came late.
    pub(super) async fn turns(
        &self,
        link: &LinkName,
        signals: &[Signal],
    ) -> Result<BTreeMap<String, u64>, EngineError> {
        let mut turns = BTreeMap::new();
        for signal in signals {
            let Some(asked) = WaitingRun::of(signal, self.now()) else { continue };
            let known = self.kept_runs(link).await?;
            let standing = self.standing();
            let declared = standing.organisation.links.get(link.as_str());
            let line = declared.and_then(|declared| self.line(declared).ok());
            if line.is_some_and(|line| asked.is_late(&known, &line)) {
                let run = asked.run.key();
                tracing::warn!(%link, run, asked.environment, "a question came again after the next one");
                continue;
            }
            let of_run = known.iter().filter(|known| is_same(&known.run, &asked.run));
            let newest = of_run.map(|known| known.turn).max().unwrap_or(0);
            turns.insert(asked.name(), newest + 1);
        }
        Ok(turns)
    }

    /// Rows for the run that a decision answers, where one waits at a rule: it is over when it was told, and asks anew
    /// where the answer is too old to be told.
    pub(super) async fn runs_answered_by(
        &self,
        line: &Line,
        effect: &Effect,
        now: Timestamp,
    ) -> Result<Answered, EngineError> {
        let mut answered = Answered::default();
        let Some(decision) = &effect.decision else { return Ok(answered) };
        let ours = decision.asked_by.as_ref() == Some(&line.name);
        let Some(run) = decision.run.as_ref().filter(|_| ours) else { return Ok(answered) };
        let (standing, mut anew) = (self.standing(), Vec::new());
        let mut kept = self.kept_runs(&line.name).await?;
        kept.retain(|kept| is_same(&kept.run, run));
        for waiting in kept.iter().filter(|kept| !kept.over) {
            let environment = standing.organisation.environment_named(&waiting.environment);
            if environment.map(|known| &known.name) != effect.environment.as_ref() {
                continue;
            }
            let is_final = decision.answer != Decision::Wait;
            if is_final && waiting.is_passed(&kept, line) {
                answered.instead.get_or_insert_default().push(waiting.ended(line));
                continue;
            }
            if is_final && effect.at < waiting.since {
                // It was asked again since, and has an answer of its own to come.
                answered.instead.get_or_insert_default();
                continue;
            }
            answered.waits = Some(waiting.as_told());
            if is_final {
                answered.over.extend(waiting.ended_by(line, &decision.id));
                let again = WaitingRun { answered: None, ..waiting.clone() };
                anew.push(waiting.becomes(&line.name, &again));
            }
        }
        let is_old = now.duration_since(effect.at) > FRESH || !decision.lets_go(now);
        if decision.answer == Decision::Allow && is_old && !anew.is_empty() {
            answered.instead = Some(anew);
        }
        Ok(answered)
    }

    /// Whether a question is still the one that an answer is for, with everything read that was heard by now: a run is
    /// heard before it comes to its next place.
    pub(super) async fn still_waits(
        &self,
        line: &Line,
        effect: &Effect,
        waits: &Waits,
    ) -> Result<bool, EngineError> {
        if line.telling.waits_at(&waits.environment).is_none() {
            return Ok(true);
        }
        let readers = self.readers().clone();
        let mut unread = self.blocking(move || readers.inbox_backlog()).await?;
        while unread > 0 {
            let read = self.interpret_inbox().await?;
            unread = if read == 0 { 0 } else { unread.saturating_sub(read as u64) };
        }
        let answered = self.runs_answered_by(line, effect, self.now()).await?;
        Ok(answered.instead.is_none() && answered.waits.as_ref() == Some(waits))
    }
}
