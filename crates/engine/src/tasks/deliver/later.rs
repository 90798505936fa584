//! Those whom a message was not taken for just now, while others got it: they are owed it by themselves, so that it
//! reaches them, comes to nobody twice, and holds up nothing that is told of its record.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use sluice_connectors::tell::{Because, Receipt, Trouble};
use sluice_core::effect::Effect;
use sluice_store::Row;
use sluice_store::rows::{EffectRow, OutboxRow};

use super::attempt::micros;
use super::audience::Reached;
use super::line::{Line, Sent};
use crate::engine::Engine;
use crate::error::EngineError;

/// Before the record of what is owed to single people stands this, with the row that it is left of.
const LATER: &str = "later/";

/// Whom it is for, by opaque ids; for everybody where nobody is named.
#[derive(Default, Deserialize)]
struct Only {
    #[serde(default)]
    only: BTreeSet<String>,
}

/// Whether it is owed to single people, while the others got it.
pub(super) fn is_later(row: &OutboxRow) -> bool {
    row.effect.entity.starts_with(LATER)
}

/// The record that a row of the outbox is about.
pub(super) fn record_of(row: &OutboxRow) -> &str {
    record_owed(&row.effect.entity)
}

/// The record that something is owed about, by what it is owed under.
pub fn record_owed(entity: &str) -> &str {
    let of = entity.strip_prefix(LATER).and_then(|rest| rest.split_once('/'));
    of.map_or(entity, |(_, record)| record)
}

/// Whether somebody's mailbox failed, and not the neighbour: others got the same message.
pub(super) fn is_about_one(to_one: bool, reason: &str) -> bool {
    to_one && [Because::RateLimited, Because::Server].iter().any(|of_one| of_one.as_str() == reason)
}

/// What came of telling, where the message will never be taken for those to whom it was left to tell it: others got it.
pub(super) fn not_taken(
    row: &OutboxRow,
    reached: &Reached,
    told: Result<Receipt, (Trouble, bool)>,
) -> Result<Receipt, (Trouble, bool)> {
    match told {
        Err((trouble, true)) if is_later(row) && trouble.reason == Because::Client => {
            let count = reached.people.len().to_string();
            let theirs = format!("{count} are not taken");
            Ok(Receipt { differs: Some(("recipients", count, theirs)), ..Receipt::plain() })
        }
        told => told,
    }
}

impl Engine {
    /// Where those are reached whom a row of the outbox is for.
    pub(super) async fn reached(
        &self,
        line: &Line,
        row: &OutboxRow,
        effect: &Effect,
    ) -> Result<Reached, EngineError> {
        let mut reached = self.addressees(&line.telling, effect).await?;
        let Only { only } = serde_json::from_str(&row.effect.body).unwrap_or_default();
        if !only.is_empty() {
            reached.people.retain(|person| only.contains(&person.id));
            reached.misses = false;
        }
        Ok(reached)
    }

    /// What is owed to those for whom a message was not taken now, who stand at these places among the people of it.
    pub(super) fn owed_later<'a>(
        &self,
        line: &Line,
        told: impl Iterator<Item = &'a OutboxRow>,
        reached: &Reached,
        (places, sent): (&[usize], Sent),
    ) -> Vec<Row> {
        let people = places.iter().filter_map(|place| reached.people.get(*place));
        let only: BTreeSet<&str> = people.map(|person| person.id.as_str()).collect();
        if only.is_empty() {
            return Vec::new();
        }
        let trouble = Trouble::new(Because::RateLimited, "some are not taken now");
        let wait = micros(self.next_attempt(line, 1, &trouble, sent));
        let next_us = self.now().as_microsecond().saturating_add(wait);
        let later = told.filter_map(|row| {
            let mut body: Value = serde_json::from_str(&row.effect.body).ok()?;
            body.as_object_mut()?.insert("only".to_owned(), only.iter().copied().collect());
            Some(Row::Effect(EffectRow {
                entity: format!("{LATER}{}/{}", row.id, record_of(row)),
                effect_key: format!("{}/{LATER}{}", row.effect.effect_key, row.id),
                body: body.to_string(),
                next_us,
                ..row.effect.clone()
            }))
        });
        later.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::record_owed;

    #[test]
    fn what_is_owed_to_single_people_is_about_its_record() {
        for (entity, record) in [
            ("CHG0000042", "CHG0000042"),
            ("later/7/CHG0000042", "CHG0000042"),
            ("later/7/service/payments", "service/payments"),
            ("later/7", "later/7"),
            ("service/later/7", "service/later/7"),
        ] {
            assert_eq!(record_owed(entity), record);
        }
    }
}
