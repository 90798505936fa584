//! What is kept of runs that wait for the gate, and which of a run's questions an answer is for.
//!
//! An answer is for one question. A run that waits at one place for each of its environments in turn, as a build of Jenkins
//! does, shows nothing there of what it waits for: only the newest of its questions is answered, and an answer that was
//! given before a question was asked is none to it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_connectors::tell::{Because, Trouble, Waits};
use sluice_core::effect::Effect;
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::{CommitId, DecisionId, LinkName, ServiceName};
use sluice_core::run::RunRef;
use sluice_core::signal::Signal;
use sluice_core::standing::Standing;
use sluice_store::Row;
use sluice_store::rows::ExternalRefRow;

use super::Line;
use super::of_run::InTurn;
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
    /// Since when it may have been let on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) let_on: Option<Timestamp>,
    /// Whether its run waited for this environment before, and was let on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) again: bool,
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

    /// The same, of something that nobody is told an answer to, from this turn on.
    pub(super) fn unread(&self, turn: u64, at: Option<Timestamp>, since: Timestamp) -> Self {
        let (environment, over, answered) = (String::new(), true, None);
        let (let_on, again) = (None, false);
        Self { environment, since, answered, turn, at, over, let_on, again, ..self.clone() }
    }

    /// Whether it is not known for what it waits, or nobody is told the answer.
    pub(super) fn is_unread(&self) -> bool {
        self.environment.is_empty()
    }

    /// The same, with this decision as its answer.
    pub(super) fn answered_by(&self, decision: &str) -> Self {
        Self { answered: DecisionId::parse(decision).ok(), ..self.clone() }
    }

    /// The question that a signal is.
    pub(super) fn of(signal: &Signal, now: Timestamp) -> Option<Self> {
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
            let_on: None,
            again: false,
        })
    }

    /// The row that a signal leaves, as the question of its run that it is; none for one that came late.
    pub(crate) fn asked(
        link: &LinkName,
        signal: &Signal,
        turns: &BTreeMap<String, InTurn>,
        now: Timestamp,
    ) -> Option<Row> {
        let asked = Self::of(signal, now)?;
        let turn = turns.get(&asked.name())?;
        Some(Self { turn: turn.number, again: turn.again, ..asked }.row(link))
    }

    fn as_told(&self) -> Waits {
        Waits {
            repository: self.repository.clone(),
            environment: self.environment.clone(),
            commit: self.commit.clone(),
            since: self.since,
            let_on: self.let_on,
            again: self.again,
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

pub(super) fn is_same(run: &RunRef, other: &RunRef) -> bool {
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
        let (standing, is_final) = (self.standing(), decision.answer != Decision::Wait);
        let mut kept = self.kept_runs(&line.name).await?;
        kept.retain(|kept| is_same(&kept.run, run));
        let questions = self.questions_beside(line, &kept).await?;
        let is_for = |kept: &WaitingRun| {
            let environment = standing.organisation.environment_named(&kept.environment);
            environment.map(|known| &known.name) == effect.environment.as_ref()
        };
        kept.retain(|kept| !kept.over && is_for(kept));
        let is_its = |kept: &WaitingRun| {
            kept.answered.as_ref().is_some_and(|answer| answer.as_str() == decision.id)
        };
        if kept.iter().any(is_its) {
            kept.retain(is_its);
        }
        let (mut its, mut others) = (None, None::<Vec<Row>>);
        for waiting in &kept {
            if is_final && questions.is_passed(waiting, line) {
                others.get_or_insert_default().push(waiting.ended(line));
            } else if is_final && effect.at < waiting.since {
                // It was asked again since, and has an answer of its own to come.
                others.get_or_insert_default();
            } else {
                // Of two names of one environment each is a question with its own answer.
                its.get_or_insert(waiting);
            }
        }
        let Some(its) = its else {
            answered.instead = others;
            return Ok(answered);
        };
        answered.waits = Some(its.as_told());
        if is_final {
            answered.over = its.ended_by(line, &decision.id);
            answered.over.extend(others.into_iter().flatten());
        }
        let is_old = now.duration_since(effect.at) > FRESH || !decision.lets_go(now);
        // What was let on is only looked at.
        if decision.answer == Decision::Allow && is_old && its.let_on.is_none() {
            let again = WaitingRun { answered: None, ..its.clone() };
            answered.instead = Some(vec![its.becomes(&line.name, &again)]);
        }
        Ok(answered)
    }

    /// Whether the run may be answered now: nothing else waits at its place, and that it is let on is noted before.
    pub(super) async fn why_not_answered(
        &self,
        line: &Line,
        effect: &Effect,
        waits: &Waits,
    ) -> Result<Option<Trouble>, EngineError> {
        if line.telling.waits_at(&waits.environment).is_none() {
            return Ok(None);
        }
        let lets_on = effect.decision.as_ref().is_some_and(|it| it.answer == Decision::Allow);
        let may = self.still_waits(line, effect, waits).await?
            && (!lets_on || self.note_let_on(line, effect, &waits.environment).await?);
        Ok((!may).then(|| Trouble::new(Because::NotYet, "the run waits for something else")))
    }

    /// Whether a question is still the one that an answer is for, with everything read that was heard by now: a run is
    /// heard before it comes to its next place.
    async fn still_waits(
        &self,
        line: &Line,
        effect: &Effect,
        waits: &Waits,
    ) -> Result<bool, EngineError> {
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
