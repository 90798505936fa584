//! One attempt to tell one effect.
//!
//! That it begins is recorded before anything is sent, with a time before which nobody begins it again: should the
//! program end in between, the next one knows that something may have arrived, and the neighbour had time to show it.

use std::collections::BTreeMap;
use std::time::Duration;

use sluice_connectors::tell::{Addressee, Because, Receipt, Talk, Trouble, Waits};
use sluice_core::effect::{Effect, entry_of};
use sluice_core::event::Event;
use sluice_core::ids::LinkName;
use sluice_core::link::EffectGivenUp;
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::{
    LinkHealthRow, OUTBOX_DELIVERED, OUTBOX_GIVEN_UP, OUTBOX_PENDING, OutboxRow,
};

use super::along::Along;
use super::audience::Reached;
use super::later::{is_about_one, is_later, not_taken, record_of};
use super::line::{Conversation, Line, Sent, Turn};
use super::news::TOLD;
use super::noted::{reference, seen_row, sent_row, told_row};
use super::outage::Disturbs;
use super::{pace, repeats};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::owe::incident_of;
use crate::sequencer::{Commit, Step};
use crate::tasks::Answered;

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Told,
    Waits,
    GivenUp,
}

/// What is to be recorded of an attempt.
struct Outcome {
    row: Row,
    events: Vec<Event>,
    rows: Vec<Row>,
    /// What it means for the incident that stands for the link.
    disturbs: Option<Disturbs>,
    came: Came,
}

/// What is told, and to whom.
#[derive(Clone, Copy)]
struct Told<'a> {
    effect: &'a Effect,
    people: &'a [Addressee],
    along: &'a [Effect],
    waits: Option<&'a Waits>,
    /// What the neighbour was known to have for the record before this attempt.
    known: &'a BTreeMap<String, String>,
}

impl Engine {
    /// Tells one effect, or records why it could not be told.
    pub(super) async fn attempt(&self, line: &Line, row: OutboxRow) -> Result<Came, EngineError> {
        let mut effect = serde_json::from_str::<Effect>(&row.effect.body).ok();
        if let Some(decision) = effect.as_mut().and_then(|effect| effect.decision.as_mut()) {
            // What waits at one forge is not answered by another.
            decision.asked_by.take_if(|link| *link != line.name);
        }
        if let Some(came) = self.held(line, &row, effect.as_ref()).await? {
            return Ok(came);
        }
        let runs = match &effect {
            Some(effect) => self.runs_answered_by(line, effect, self.now()).await?,
            None => Answered::default(),
        };
        if let Some(instead) = runs.instead {
            let rows = std::iter::once(self.told_along(&row)).chain(instead);
            self.record_rows(&line.name, rows.collect()).await?;
            self.sequencer().wake_tellers();
            return Ok(Came::Told);
        }
        if let Some(more) = self.needless(line, &row, effect.as_ref()).await? {
            let rows = std::iter::once(self.told_along(&row)).chain(more);
            self.record_rows(&line.name, rows.collect()).await?;
            return Ok(Came::Told);
        }
        let Some((reached, along)) = self.whom(line, &row, effect.as_ref()).await? else {
            self.record_rows(&line.name, vec![self.told_along(&row)]).await?;
            return Ok(Came::Told);
        };
        let attempts = row.attempts.saturating_add(1);
        let known = self.known(&line.name, &row.effect.entity).await?;
        let mut rows = vec![begun(self, line, &row, attempts)];
        rows.extend(effect.as_ref().and_then(|effect| sent_row(line, effect, &known)));
        self.record_rows(&line.name, rows).await?;
        let told = match &effect {
            Some(effect) => {
                let (people, along) = (&reached.people[..], &along.effects[..]);
                let told =
                    Told { effect, people, along, waits: runs.waits.as_ref(), known: &known };
                self.told(line, told, attempts).await?
            }
            None => {
                let detail = "what is owed cannot be read by this version of the program";
                (Err((Trouble::new(Because::Client, detail), true)), Sent::default())
            }
        };
        let told = (not_taken(&row, &reached, told.0), told.1);
        let was_told = told.0.is_ok();
        let outcome = match told {
            (Ok(receipt), sent) => {
                let told = std::iter::once(&row).chain(&along.rows);
                let later = self.owed_later(line, told, &reached, (&receipt.later, sent));
                let told = (effect.as_ref(), attempts);
                let mut outcome = self.went_well(line, &row, told, receipt, sent).await?;
                outcome.rows.extend(later);
                outcome
            }
            (Err((trouble, for_good)), sent) => {
                self.went_wrong(line, &row, attempts, &trouble, for_good, sent)
            }
        };
        let came = outcome.came;
        let mut rows = vec![outcome.row];
        rows.extend(outcome.rows);
        if was_told {
            rows.extend(along.rows.iter().map(|row| self.told_along(row)));
            rows.extend(self.answered(line, effect.as_ref(), runs).await?);
        }
        self.record(&line.name, outcome.events, rows, outcome.disturbs).await?;
        Ok(came)
    }

    /// Who is spoken to, and what they are told along with it; none where it concerns nobody.
    async fn whom(
        &self,
        line: &Line,
        row: &OutboxRow,
        effect: Option<&Effect>,
    ) -> Result<Option<(Reached, Along)>, EngineError> {
        let Some(effect) = effect.filter(|effect| line.speaks_to_people(effect)) else {
            return Ok(Some(Default::default()));
        };
        let reached = self.reached(line, row, effect).await?;
        if reached.concerns_nobody() {
            return Ok(None);
        }
        let along = self.along(line, row, effect, &reached).await?;
        Ok(Some((reached, along)))
    }

    /// Whether nobody has to be told: the check is about another head by now, or the answer was said before. Gives what
    /// else is to be recorded then.
    async fn needless(
        &self,
        line: &Line,
        row: &OutboxRow,
        effect: Option<&Effect>,
    ) -> Result<Option<Vec<Row>>, EngineError> {
        // What was said was not said to these.
        let Some(effect) = effect.filter(|_| !is_later(row)) else { return Ok(None) };
        if let Some(outdated) = self.outdated_check(line, effect) {
            return Ok(Some(vec![outdated]));
        }
        if effect.decision.is_none() {
            return Ok(None);
        }
        let known = self.known(&line.name, &effect.entity).await?;
        Ok(repeats::is_said(line, effect, &known).then(Vec::new))
    }

    async fn told(
        &self,
        line: &Line,
        Told { effect, people, along, waits, known }: Told<'_>,
        attempt: u32,
    ) -> Result<(Result<Receipt, (Trouble, bool)>, Sent), EngineError> {
        let linked = self.linked(line, effect).await?;
        let session = match self.session(line).await {
            Ok(session) => session,
            Err(trouble) => return Ok((Err((trouble, false)), Sent::default())),
        };
        let (now, public_url) = (self.now(), self.public_url());
        let newest = known.get(TOLD).and_then(|entry| entry.parse::<u64>().ok());
        let late = entry_of(&effect.key).zip(newest).is_some_and(|(entry, newest)| entry < newest);
        let (mut conversation, mut noted) = (Conversation::default(), None);
        let mut lets_on = None;
        loop {
            let turn = self.turn(line, &mut conversation, |so_far| {
                line.telling.tell(&Talk {
                    effect,
                    so_far,
                    session: &session,
                    credentials: &line.credentials,
                    known,
                    linked: &linked,
                    attempt,
                    now,
                    public_url,
                    late,
                    comparing: false,
                    people,
                    along,
                    waits,
                })
            });
            match turn.await {
                Turn::Over(result) => {
                    if let Some((at, waits)) = lets_on
                        && conversation.was_not_heard(at)
                    {
                        self.note_not_let_on(line, effect, waits).await?;
                    }
                    return Ok((result, conversation.sent));
                }
                Turn::Knows(receipt) => {
                    if noted.as_ref() != Some(&receipt) {
                        self.note(line, effect, receipt.clone()).await?;
                        noted = Some(receipt);
                    }
                    let Some(waits) = waits else { continue };
                    if let Some(trouble) = self.why_not_answered(line, effect, waits).await? {
                        return Ok((Err((trouble, false)), conversation.sent));
                    }
                    lets_on = Some((conversation.exchanges(), waits.environment.as_str()));
                }
            }
        }
    }

    /// Records what is so in the middle of telling. People over there may act upon it before the telling is done, and
    /// it may never be.
    async fn note(
        &self,
        line: &Line,
        effect: &Effect,
        receipt: Receipt,
    ) -> Result<(), EngineError> {
        let (events, rows) = self.learned(line, &effect.entity, Some(effect), receipt).await?;
        if events.is_empty() && rows.is_empty() {
            return Ok(());
        }
        self.record(&line.name, events, rows, None).await
    }

    /// What a neighbour is known to have for a record.
    pub(crate) async fn known(
        &self,
        link: &LinkName,
        entity: &str,
    ) -> Result<BTreeMap<String, String>, EngineError> {
        let (readers, link, entity) = (self.readers().clone(), link.to_string(), entity.to_owned());
        let known = self.blocking(move || readers.external_refs(&link, &entity)).await?;
        Ok(known.into_iter().map(|known| (known.name, known.value)).collect())
    }

    /// What a neighbour that keeps records is known to have for those that an effect hangs together with.
    pub(crate) async fn linked(
        &self,
        line: &Line,
        effect: &Effect,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, EngineError> {
        let mut linked = BTreeMap::new();
        if line.telling.keeps_records() {
            for entity in effect.related() {
                let known = self.known(&line.name, &entity).await?;
                linked.insert(entity, known);
            }
        }
        Ok(linked)
    }

    async fn went_well(
        &self,
        line: &Line,
        row: &OutboxRow,
        (effect, attempts): (Option<&Effect>, u32),
        receipt: Receipt,
        sent: Sent,
    ) -> Result<Outcome, EngineError> {
        let now = self.now();
        let entity = record_of(row);
        let known = self.known(&line.name, entity).await?;
        let (events, mut rows) = self.learned(line, entity, effect, receipt).await?;
        rows.extend(seen_row(&line.name, entity, &known));
        if !is_later(row) {
            rows.extend(told_row(&line.name, row, &known));
            let said = effect.and_then(|effect| repeats::said(line, effect));
            rows.extend(said.map(|said| reference(&line.name, entity, repeats::SAID, said)));
        }
        let now_us = now.as_microsecond();
        // Where there was nothing to say, nobody has answered.
        if sent.requests > 0 {
            let mut fares = line.state.fares.lock();
            fares.breaker.went_well();
            let health = fares.health.get_or_insert_default();
            health.last_good_us = Some(now_us);
            health.last_told_us = Some(now_us);
            health.failures = 0;
            rows.push(Row::LinkHealth(LinkHealthRow {
                link: line.name.to_string(),
                ..health.clone()
            }));
        }
        let disturbs = self.outage_ends(line, row.id, sent).await?;
        let (state, next_us) = (OUTBOX_DELIVERED.to_owned(), now_us);
        let row = Row::EffectOutcome { id: row.id, state, attempts, next_us, last_error: None };
        Ok(Outcome { row, events, rows, disturbs, came: Came::Told })
    }

    fn went_wrong(
        &self,
        line: &Line,
        row: &OutboxRow,
        attempts: u32,
        trouble: &Trouble,
        for_good: bool,
        sent: Sent,
    ) -> Outcome {
        let now = self.now();
        let age = now.duration_since(created(row, now));
        let too_old =
            age.unsigned_abs() >= pace::GIVE_UP && age.is_positive() && attempts >= pace::LEAST;
        let error = format!("{}: {}", trouble.reason.as_str(), line.said(trouble));
        // Where nothing has failed, the line fares as before.
        let reason = trouble.reason.as_str();
        let is_early =
            (trouble.reason == Because::NotYet || is_about_one(is_later(row), reason)) && !for_good;
        let rows = match is_early {
            true => Vec::new(),
            false => vec![self.fails(line, trouble, for_good, &error)],
        };
        let (state, came) = if for_good || too_old {
            (OUTBOX_GIVEN_UP, Came::GivenUp)
        } else {
            (OUTBOX_PENDING, Came::Waits)
        };
        let next = match came {
            // Since then nobody tries it.
            Came::GivenUp => Duration::ZERO,
            Came::Told | Came::Waits => self.next_attempt(line, attempts, trouble, sent),
        };
        let next_us = now.as_microsecond().saturating_add(micros(next));
        let failed = line.failing(row, reason, attempts, now);
        let (events, disturbs) = match came {
            Came::GivenUp => {
                let title = format!("`{}` could not be told of {}", line.name, record_of(row));
                let begins = failed.begins_given_up().then_some(Disturbs::Begins(title));
                (vec![given_up(&line.name, row, trouble)], begins)
            }
            Came::Waits if self.is_outage(line, &failed) => {
                let title =
                    format!("`{}` cannot be told anything: {}", line.name, line.said(trouble));
                (Vec::new(), Some(Disturbs::Begins(title)))
            }
            Came::Told | Came::Waits => (Vec::new(), None),
        };
        tracing::warn!(link = %line.name, entity = row.effect.entity, kind = row.effect.kind, attempts,
            reason = trouble.reason.as_str(), detail = trouble.detail, given_up = came == Came::GivenUp,
            "a neighbour was not told");
        let last_error = Some(error);
        let row = Row::EffectOutcome {
            id: row.id,
            state: state.to_owned(),
            attempts,
            next_us,
            last_error,
        };
        Outcome { row, events, rows, disturbs, came }
    }

    /// Notes a failure of the line itself, for its breaker and its budget.
    pub(super) fn fails(&self, line: &Line, trouble: &Trouble, for_good: bool, error: &str) -> Row {
        let mono = self.monotonic();
        let mut fares = line.state.fares.lock();
        match trouble.reason {
            // They answered, and would answer others.
            Because::Client if for_good => {}
            Because::NotYet => {}
            Because::RateLimited => {
                let hold = trouble.after_s.unwrap_or(30);
                fares.budget.hold(mono + Duration::from_secs(u64::from(hold)));
            }
            Because::Client
            | Because::Auth
            | Because::Server
            | Because::Timeout
            | Because::Unreachable => fares.breaker.failed(mono),
        }
        let failures = fares.breaker.failures();
        let health = fares.health.get_or_insert_default();
        health.last_error_us = Some(self.now().as_microsecond());
        health.last_error = Some(error.to_owned());
        health.failures = failures;
        Row::LinkHealth(LinkHealthRow { link: line.name.to_string(), ..health.clone() })
    }

    pub(super) fn next_attempt(
        &self,
        line: &Line,
        attempts: u32,
        trouble: &Trouble,
        sent: Sent,
    ) -> Duration {
        let mut chance = [0; 8];
        self.rng().fill(&mut chance);
        // Nobody waits for hours for what has not failed.
        let most = if trouble.reason == Because::NotYet { 5 } else { attempts };
        let waits = pace::wait(attempts.min(most), u64::from_le_bytes(chance));
        let asked = Duration::from_secs(u64::from(trouble.after_s.unwrap_or(0)));
        // Something may have been made that a search would not find yet.
        let settles = if sent.altering { line.settle() } else { Duration::ZERO };
        waits.max(asked).max(settles)
    }

    /// Records rows that no event tells of.
    pub(crate) async fn record_rows(
        &self,
        link: &LinkName,
        rows: Vec<Row>,
    ) -> Result<(), EngineError> {
        self.record(link, Vec::new(), rows, None).await
    }

    async fn record(
        &self,
        link: &LinkName,
        mut events: Vec<Event>,
        rows: Vec<Row>,
        disturbs: Option<Disturbs>,
    ) -> Result<(), EngineError> {
        let (actor, source) = (Actor::Link(link.clone()), incident_of(link.as_str()));
        let decide = move |standing: &Standing, _: jiff::Timestamp| {
            events.extend(disturbs.and_then(|disturbs| disturbs.event(standing, &source)));
            let mut commit = Commit::of(events, actor);
            commit.rows = rows;
            Step::Record((), commit)
        };
        self.sequencer().submit(decide).await.map(|_| ())
    }
}

/// That nobody tries again by themselves.
pub(super) fn given_up(link: &LinkName, row: &OutboxRow, trouble: &Trouble) -> Event {
    let given_up = EffectGivenUp {
        link: link.clone(),
        entity: record_of(row).to_owned(),
        key: row.effect.effect_key.clone(),
        reason: trouble.reason.as_str().to_owned(),
        detail: trouble.detail.to_owned(),
    };
    given_up.into()
}

fn begun(engine: &Engine, line: &Line, row: &OutboxRow, attempts: u32) -> Row {
    let until = engine.now().as_microsecond().saturating_add(micros(line.settle()));
    Row::EffectOutcome {
        id: row.id,
        state: OUTBOX_PENDING.to_owned(),
        attempts,
        next_us: until,
        last_error: row.last_error.clone(),
    }
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn created(row: &OutboxRow, otherwise: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(row.effect.created_us).unwrap_or(otherwise)
}
