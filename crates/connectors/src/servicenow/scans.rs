//! How far the readings back came, and which conflicts they read.
//!
//! A scan of the instance alters the record that it looks at. So what it has found is asked of each record that was
//! altered since the last reading and was not carried out yet: some of them at a time, in the order of their times.

use jiff::Timestamp;
use serde_json::Value;
use sluice_core::change::ChangeState;
use sluice_core::signal::{Signal, TheirRecord};

use super::config::Config;
use super::conflicts::{self, Scan};
use super::poll::{Read, back, of, updated};
use super::wire::{stamp, state_of, text, time};
use crate::tell::{Exchange, Polling, Step};

/// The first reading looks back so far, in seconds.
const FIRST_S: i64 = 3_600;
/// The most records whose conflicts are read at once.
const CONFLICTS: usize = 8;
/// So long after a time nothing more is shown of it, in seconds.
const OVER_S: i64 = 60;
/// Behind every `sys_id`.
const LAST: &str = "~";

/// How far the readings came: to a time and, where conflicts are read, behind a record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) at: Timestamp,
    behind: String,
}

impl Cursor {
    pub(super) fn read(polling: &Polling<'_>) -> Self {
        let parsed = polling.cursor.and_then(|text| {
            let (at, behind) = text.split_once('#').unwrap_or((text, ""));
            Some(Self { at: time(at)?, behind: behind.to_owned() })
        });
        parsed.unwrap_or_else(|| Self::to(back(polling.now, FIRST_S)))
    }

    /// To a time, of which there may be more.
    pub(super) fn to(at: Timestamp) -> Self {
        Self { at, behind: String::new() }
    }

    /// To a time, of which there is no more when it is over since long.
    pub(super) fn at_the_end(config: &Config, at: Timestamp, now: Timestamp) -> Self {
        let is_over = config.read_conflicts && now.duration_since(at).as_secs() > OVER_S;
        Self { at, behind: if is_over { LAST.to_owned() } else { String::new() } }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = stamp(self.at);
        match self.behind.as_str() {
            "" => f.write_str(&at),
            behind => write!(f, "{at}#{behind}"),
        }
    }
}

/// Conflicts that were read.
#[derive(Default)]
pub(super) struct Conflicts {
    pub(super) signals: Vec<Signal>,
    /// Where the next reading goes on, where there are more.
    pub(super) cut: Option<Cursor>,
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
    let mut scanned: Vec<Scanned> = rows.iter().filter_map(|row| scanned(config, row)).collect();
    scanned.sort_by(|a, b| (a.at, &a.of.id).cmp(&(b.at, &b.of.id)));
    scanned.dedup_by(|a, b| a.of.id == b.of.id);
    scanned.retain(|one| (one.at, one.of.id.as_str()) > (cursor.at, cursor.behind.as_str()));
    if scanned.len() > CONFLICTS {
        scanned.truncate(CONFLICTS);
        let last = scanned.last();
        found.cut = last.map(|last| Cursor { at: last.at, behind: last.of.id.clone() });
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
