//! What is new of what a neighbour said of our records. Both ways in, a delivery and a reading back, say the same
//! things; what was taken in before is known by the neighbour's own id of it and its own time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sluice_connectors::tell::Shown;
use sluice_core::change::ApprovalVerdict;
use sluice_core::ids::{Digest, LinkName};
use sluice_core::signal::{Signal, TheirRecord};
use sluice_organisation::Keys as _;
use sluice_store::Row;
use sluice_store::rows::ExternalRefRow;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::keys::Keys;

/// Under this name stands which revision a record shows, and since when. Names with a dot are for the machinery.
const SHOWN: &str = "shown.revision";

/// What others said, and what is known about their records that it was said of.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) signals: Vec<Signal>,
    /// Which revision their record of one of ours shows, and since when by their clock.
    shown: BTreeMap<String, (Digest, Timestamp)>,
}

impl News {
    /// Whether an approver could see a revision at a time.
    pub(crate) fn showed(&self, entity: &str, revision: &Digest, at: Timestamp) -> bool {
        self.shown.get(entity).is_some_and(|(shown, since)| shown == revision && at >= *since)
    }
}

impl Engine {
    /// What is new of what a neighbour said, and the rows by which it is known the next time.
    ///
    /// Only the record that was recorded as the one of a change speaks for it: others may bear its number.
    pub(crate) async fn news(
        &self,
        link: &LinkName,
        mut said: Vec<Signal>,
    ) -> Result<(News, Vec<Row>), EngineError> {
        said.sort_by_key(order);
        let (mut news, mut rows) = (News::default(), Vec::new());
        let mut known: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for signal in said {
            if let Some((entity, of)) = record_of(&signal) {
                if !known.contains_key(entity) {
                    let there = self.known(link, entity).await?;
                    let shown = there.get(SHOWN).and_then(|value| read_shown(value));
                    news.shown.extend(shown.map(|shown| (entity.clone(), shown)));
                    known.insert(entity.clone(), there);
                }
                let there = known.entry(entity.clone()).or_default();
                if there.get(&of.name) != Some(&of.id) {
                    tracing::debug!(%link, entity, "another record than the one that is known bears its number");
                    continue;
                }
                if let Some((name, value)) = identity(self.signing(), &signal) {
                    if there.get(&name) == Some(&value) {
                        continue;
                    }
                    there.insert(name.clone(), value.clone());
                    let (link, entity) = (link.to_string(), entity.clone());
                    rows.push(Row::ExternalRef(ExternalRefRow { link, entity, name, value }));
                }
            }
            news.signals.push(signal);
        }
        Ok((news, rows))
    }
}

/// Words of approvers in the order in which they were given, before where the record stands. Of two at the same time a
/// no comes last, and counts.
fn order(signal: &Signal) -> (bool, Timestamp, bool) {
    match signal {
        Signal::ApprovalReported { at, verdict, .. } => {
            (false, *at, *verdict == ApprovalVerdict::Reject)
        }
        _ => (true, Timestamp::MIN, false),
    }
}

fn record_of(signal: &Signal) -> Option<(&String, &TheirRecord)> {
    match signal {
        Signal::RecordReported { entity, of, .. } | Signal::ApprovalReported { entity, of, .. } => {
            Some((entity, of))
        }
        _ => None,
    }
}

/// The name under which a signal is known, and what stands for what it says.
fn identity(keys: &Keys, signal: &Signal) -> Option<(String, String)> {
    match signal {
        Signal::RecordReported { of, state, .. } => {
            Some((format!("state.{}", of.id), state.clone()))
        }
        Signal::ApprovalReported { approval, verdict, at, .. } => {
            // Keyed, as everything about people is that stands where nothing is erased.
            let id = keys.identity("approval", approval);
            let word = match verdict {
                ApprovalVerdict::Approve => "yes",
                ApprovalVerdict::Reject => "no",
            };
            Some((format!("approval.{id}"), format!("{word} {at}")))
        }
        _ => None,
    }
}

/// The row that says what a record shows, where that is another thing than what is known.
pub(super) fn shown_row(
    known: &BTreeMap<String, String>,
    shown: &Shown,
    now: Timestamp,
) -> Option<(&'static str, String)> {
    let before = known.get(SHOWN).and_then(|value| read_shown(value));
    let is_known = before.is_some_and(|(revision, _)| revision == shown.revision);
    if is_known && !shown.written {
        return None;
    }
    Some((SHOWN, format!("{} {}", shown.revision, shown.since.unwrap_or(now))))
}

fn read_shown(value: &str) -> Option<(Digest, Timestamp)> {
    let (revision, since) = value.split_once(' ')?;
    Some((revision.parse().ok()?, since.parse().ok()?))
}
