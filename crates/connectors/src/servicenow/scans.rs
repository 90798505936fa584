//! Which conflicts the readings back read.
//!
//! A scan of the instance alters the record that it looks at. So what it has found is asked of each record that was
//! altered since the last reading and was not carried out yet: some of them at a time, in the order of their times.

use jiff::Timestamp;
use serde_json::Value;
use sluice_core::change::ChangeState;
use sluice_core::signal::{Signal, TheirRecord};

use super::config::Config;
use super::conflicts::{self, Scan};
use super::cursor::{Cursor, LAST};
use super::poll::{Read, of, updated};
use super::wire::{state_of, text};
use crate::tell::{Exchange, Polling, Step};

/// The most records whose conflicts are read at once.
const CONFLICTS: usize = 8;
/// So long after a time nothing more is shown of it, in seconds.
const OVER_S: i64 = 60;

/// Conflicts that were read.
#[derive(Default)]
pub(super) struct Conflicts {
    pub(super) signals: Vec<Signal>,
    /// Behind which record of which time the next reading goes on.
    pub(super) scanned: Option<(Timestamp, String)>,
    /// Whether there are more.
    pub(super) is_cut: bool,
}

/// What the instance has found for the records that were altered since, some of them at a time.
pub(super) fn conflicts(
    config: &Config,
    polling: &Polling<'_>,
    cursor: &Cursor,
    rows: &[Value],
) -> Read<Conflicts> {
    let mut found = Conflicts::default();
    if !config.read_conflicts {
        return Ok(found);
    }
    let before = cursor.scanned.clone();
    found.scanned = at_the_end(before.clone(), rows, polling.now);
    let mut scanned: Vec<Scanned> = rows.iter().filter_map(|row| scanned(config, row)).collect();
    scanned.sort_by(|a, b| (a.at, &a.of.id).cmp(&(b.at, &b.of.id)));
    scanned.dedup_by(|a, b| a.of.id == b.of.id);
    if let Some((at, behind)) = &before {
        scanned.retain(|one| (one.at, one.of.id.as_str()) > (*at, behind.as_str()));
    }
    if scanned.len() > CONFLICTS {
        scanned.truncate(CONFLICTS);
        let last = scanned.last();
        found.scanned = last.map(|last| (last.at, last.of.id.clone()));
        found.is_cut = true;
    }
    let read: Vec<&Exchange> =
        polling.so_far.iter().filter(|exchange| exchange.step == "conflicts").collect();
    for (index, Scanned { at: _, entity, of }) in scanned.into_iter().enumerate() {
        let Some(read) = read.get(index) else {
            return Err(Step::Send(conflicts::look(config, &of.id).by(polling.session)));
        };
        if let Scan::Ended(value) = conflicts::found(read)? {
            let name = "conflicts".to_owned();
            found.signals.push(Signal::ReferenceReported { entity, of, name, value });
        }
    }
    Ok(found)
}

/// Behind the newest record. Of its time there may be more, unless that is over since long.
fn at_the_end(
    before: Option<(Timestamp, String)>,
    rows: &[Value],
    now: Timestamp,
) -> Option<(Timestamp, String)> {
    let newest = rows.iter().filter_map(updated).max();
    let at = newest.max(before.map(|(at, _)| at))?;
    let is_over = now.duration_since(at).as_secs() > OVER_S;
    Some((at, if is_over { LAST.to_owned() } else { String::new() }))
}

/// A record that is scanned for conflicts before it is implemented.
struct Scanned {
    at: Timestamp,
    entity: String,
    of: TheirRecord,
}

fn scanned(config: &Config, row: &Value) -> Option<Scanned> {
    let state = state_of(text(row, "state")?.trim().parse().ok()?)?;
    let has_run = text(row, "conflict_last_run").is_some_and(|at| !at.trim().is_empty());
    let entity = config.entity(&text(row, "correlation_id")?)?.to_owned();
    let is_ahead = state < ChangeState::Implement && has_run;
    is_ahead.then_some(Scanned { at: updated(row)?, entity, of: of(row, "sys_id")? })
}
