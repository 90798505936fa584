//! What is held back on purpose, until morning or for a digest, and when it is not: what is told of one record is told in
//! its order, so that nothing stays held before something that cannot wait.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sluice_core::effect::Effect;
use sluice_store::Row;
use sluice_store::rows::{OUTBOX_PENDING, OutboxRow};

use super::attempt::Came;
use super::line::Line;
use crate::engine::Engine;
use crate::error::EngineError;

/// The most of what is owed that is looked at in one piece.
const MOST: u32 = 200;

impl Engine {
    /// Puts off what its link holds back, and passes over what was told along with something else.
    pub(super) async fn held(
        &self,
        line: &Line,
        row: &OutboxRow,
        effect: Option<&Effect>,
    ) -> Result<Option<Came>, EngineError> {
        if line.telling.gathers_any() {
            let (readers, id) = (self.readers().clone(), row.id);
            let now = self.blocking(move || readers.outbox_get(id)).await?;
            if now.is_none_or(|now| now.state != OUTBOX_PENDING) {
                return Ok(Some(Came::Told));
            }
        }
        let until = effect.and_then(|effect| line.holds(effect, self.now()));
        let Some(until) = until else { return Ok(None) };
        if self.is_pressed(line, row).await? {
            return Ok(None);
        }
        let held = put_off(row, until);
        self.record_rows(&line.name, vec![held]).await?;
        Ok(Some(Came::Waits))
    }

    /// Whether something of the same record that is owed after it cannot wait.
    async fn is_pressed(&self, line: &Line, row: &OutboxRow) -> Result<bool, EngineError> {
        let mut after = row.id;
        loop {
            let (readers, link) = (self.readers().clone(), line.name.to_string());
            let entity = row.effect.entity.clone();
            let owed =
                self.blocking(move || readers.outbox_of(&link, &entity, after, MOST)).await?;
            if owed.iter().any(|other| line.holds_row(other, self.now()).is_none()) {
                return Ok(true);
            }
            match owed.last() {
                Some(last) if owed.len() == MOST as usize => after = last.id,
                _ => return Ok(false),
            }
        }
    }

    /// What was held back of records of which something is owed by now that cannot wait: the oldest of each. What comes
    /// behind something that is held, and can wait too, is put off as well, so that it is looked at once.
    pub(super) async fn pressed(&self, line: &Line) -> Result<Vec<OutboxRow>, EngineError> {
        let (mut pressed, mut records) = (Vec::new(), BTreeSet::new());
        if !line.telling.holds_any() {
            return Ok(pressed);
        }
        let (now, mut after) = (self.now(), (i64::MIN, 0));
        loop {
            let (readers, link) = (self.readers().clone(), line.name.to_string());
            let now_us = now.as_microsecond();
            let behind =
                self.blocking(move || readers.outbox_behind(&link, now_us, after, MOST)).await?;
            let mut waits = Vec::new();
            for row in &behind {
                match line.holds_row(row, now) {
                    Some(until) => waits.push(put_off(row, until)),
                    None => drop(records.insert(row.effect.entity.clone())),
                }
            }
            if !waits.is_empty() {
                self.record_rows(&line.name, waits).await?;
            }
            match behind.last() {
                Some(last) if behind.len() == MOST as usize => {
                    after = (last.effect.next_us, last.id);
                }
                _ => break,
            }
        }
        for record in records {
            let (readers, link) = (self.readers().clone(), line.name.to_string());
            let first = self.blocking(move || readers.outbox_of(&link, &record, 0, 1)).await?;
            pressed.extend(first.into_iter().filter(|row| line.is_held(row, now)));
        }
        Ok(pressed)
    }
}

fn put_off(row: &OutboxRow, until: Timestamp) -> Row {
    Row::EffectOutcome {
        id: row.id,
        state: OUTBOX_PENDING.to_owned(),
        attempts: row.attempts,
        next_us: until.as_microsecond(),
        last_error: row.last_error.clone(),
    }
}

impl Line {
    /// Until when an effect is held back.
    fn holds(&self, effect: &Effect, now: Timestamp) -> Option<Timestamp> {
        self.telling.held_until(effect, now).filter(|until| *until > now)
    }

    pub(super) fn holds_row(&self, row: &OutboxRow, now: Timestamp) -> Option<Timestamp> {
        let effect = serde_json::from_str::<Effect>(&row.effect.body).ok()?;
        self.holds(&effect, now)
    }

    /// Whether it was put off, and does not wait after a failure: to the very end of the time for which it is held.
    fn is_held(&self, row: &OutboxRow, now: Timestamp) -> bool {
        let next_us = row.effect.next_us;
        let until = self.holds_row(row, now).filter(|_| next_us > now.as_microsecond());
        until.is_some_and(|until| row.attempts == 0 || until.as_microsecond() == next_us)
    }
}
