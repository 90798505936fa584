//! What is held back on purpose, until morning or for a digest, and when it is not: what is told of one record is told in
//! its order, so that nothing stays held before something that cannot wait.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sluice_core::effect::Effect;
use sluice_store::rows::{OUTBOX_PENDING, OutboxRow};
use sluice_store::{OutboxFilter, Page, Row};

use super::attempt::Came;
use super::line::Line;
use crate::engine::Engine;
use crate::error::EngineError;

/// The most of what is owed that is looked through for what cannot wait.
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
        let of_record = self.owed(line, Some(&row.effect.entity)).await?;
        if of_record.iter().any(|other| other.id > row.id && !line.holds_row(other, self.now())) {
            return Ok(None);
        }
        let held = Row::EffectOutcome {
            id: row.id,
            state: OUTBOX_PENDING.to_owned(),
            attempts: row.attempts,
            next_us: until.as_microsecond(),
            last_error: row.last_error.clone(),
        };
        self.record_rows(&line.name, vec![held]).await?;
        Ok(Some(Came::Waits))
    }

    /// What was held back of records of which something is owed by now that cannot wait: the oldest of each.
    pub(super) async fn pressed(&self, line: &Line) -> Result<Vec<OutboxRow>, EngineError> {
        if !line.telling.holds_any() {
            return Ok(Vec::new());
        }
        let (now, mut records) = (self.now(), BTreeMap::<String, Vec<OutboxRow>>::new());
        for row in self.owed(line, None).await? {
            records.entry(row.effect.entity.clone()).or_default().push(row);
        }
        let mut pressed = Vec::new();
        for (entity, owed) in records {
            if entity.is_empty() || owed.iter().all(|row| line.holds_row(row, now)) {
                continue;
            }
            // Not what waits after a failure.
            let is_held = |row: &OutboxRow| {
                row.attempts == 0
                    && row.effect.next_us > now.as_microsecond()
                    && line.holds_row(row, now)
            };
            pressed.extend(owed.into_iter().min_by_key(|row| row.id).filter(is_held));
        }
        Ok(pressed)
    }

    /// What is owed, of a record or of all.
    async fn owed(&self, line: &Line, entity: Option<&str>) -> Result<Vec<OutboxRow>, EngineError> {
        let filter = OutboxFilter {
            link: Some(line.name.to_string()),
            entity: entity.map(str::to_owned),
            state: Some(OUTBOX_PENDING.to_owned()),
        };
        let (readers, page) = (self.readers().clone(), Page { limit: MOST, ..Page::default() });
        self.blocking(move || readers.outbox(&filter, page)).await
    }
}

impl Line {
    /// Until when an effect is held back.
    fn holds(&self, effect: &Effect, now: Timestamp) -> Option<Timestamp> {
        self.telling.held_until(effect, now).filter(|until| *until > now)
    }

    fn holds_row(&self, row: &OutboxRow, now: Timestamp) -> bool {
        let effect = serde_json::from_str::<Effect>(&row.effect.body).ok();
        effect.is_some_and(|effect| self.holds(&effect, now).is_some())
    }
}
