//! What is told along with something else in one message.

use sluice_core::effect::Effect;
use sluice_store::rows::{OUTBOX_DELIVERED, OUTBOX_PENDING, OutboxRow};
use sluice_store::{OutboxFilter, Page, Row};

use super::audience::Reached;
use super::line::Line;
use crate::engine::Engine;
use crate::error::EngineError;

/// The most that one message speaks of beside its first.
const MOST: u32 = 99;

/// What is told along with an effect.
#[derive(Default)]
pub(super) struct Along {
    pub(super) rows: Vec<OutboxRow>,
    pub(super) effects: Vec<Effect>,
}

impl Engine {
    /// Everything else that is owed to the same people and may go into the same message.
    pub(super) async fn along(
        &self,
        line: &Line,
        row: &OutboxRow,
        effect: &Effect,
        to: &Reached,
    ) -> Result<Along, EngineError> {
        let mut along = Along::default();
        if !line.telling.gathers(effect) {
            return Ok(along);
        }
        let filter = OutboxFilter {
            link: Some(line.name.to_string()),
            state: Some(OUTBOX_PENDING.to_owned()),
            ..OutboxFilter::default()
        };
        let (readers, page) = (self.readers().clone(), Page { limit: MOST, ..Page::default() });
        let mut owed = self.blocking(move || readers.outbox(&filter, page)).await?;
        owed.sort_by_key(|other| other.id);
        for other in owed.into_iter().filter(|other| other.id != row.id) {
            let Ok(read) = serde_json::from_str::<Effect>(&other.effect.body) else { continue };
            let gathers = line.telling.gathers(&read);
            if gathers && self.reached(line, &other, &read).await? == *to {
                along.effects.push(read);
                along.rows.push(other);
            }
        }
        Ok(along)
    }

    /// Told without an attempt of its own: in another message, or because it concerns nobody.
    pub(super) fn told_along(&self, row: &OutboxRow) -> Row {
        Row::EffectOutcome {
            id: row.id,
            state: OUTBOX_DELIVERED.to_owned(),
            attempts: row.attempts.saturating_add(1),
            next_us: self.now().as_microsecond(),
            last_error: None,
        }
    }
}
