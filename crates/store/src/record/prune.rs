//! Dropping what is old, a few rows at a time: whoever waits for the writer waits for a batch and not for a table. The
//! rows are found by an index on their age.

use rusqlite::{Connection, OptionalExtension};

use super::RecordError;
use super::beside::{Recorded, cursor};
use crate::rows::{MOST_PRUNED, RowOutcome};

/// What grows old, and what names its old rows: before `?1`, at most `?2`.
#[derive(Clone, Copy)]
pub(super) enum Old {
    Idempotency,
    Inbox,
    Outbox,
    Sessions,
    Tokens,
}

impl Old {
    fn statement(self) -> &'static str {
        match self {
            Self::Idempotency => {
                "DELETE FROM idempotency WHERE (scope, key) IN
                   (SELECT scope, key FROM idempotency WHERE at_us < ?1 LIMIT ?2)"
            }
            Self::Inbox => {
                "DELETE FROM inbox WHERE id IN
                   (SELECT id FROM inbox WHERE state <> 'new' AND received_us < ?1 LIMIT ?2)"
            }
            Self::Outbox => {
                "DELETE FROM outbox WHERE id IN
                   (SELECT id FROM outbox WHERE state = 'delivered' AND created_us < ?1 LIMIT ?2)"
            }
            Self::Sessions => {
                "DELETE FROM sessions WHERE id IN
                   (SELECT id FROM sessions WHERE expires_us < ?1 LIMIT ?2)"
            }
            Self::Tokens => {
                "DELETE FROM tokens WHERE id IN
                   (SELECT id FROM tokens WHERE expires_us < ?1 LIMIT ?2)"
            }
        }
    }

    /// The table whose numbers people and effects name rows by.
    fn numbered(self) -> Option<Numbered> {
        match self {
            Self::Inbox => Some(Numbered::Inbox),
            Self::Outbox => Some(Numbered::Outbox),
            Self::Idempotency | Self::Sessions | Self::Tokens => None,
        }
    }
}

/// Removes what is older than a moment, in microseconds since the Unix epoch, or a part of it.
pub(super) fn prune(connection: &Connection, old: Old, before_us: i64) -> Recorded {
    let last = old.numbered().map(|table| last_id(connection, table)).transpose()?;
    let gone = connection
        .prepare_cached(old.statement())?
        .execute(rusqlite::params![before_us, MOST_PRUNED])?;
    if let (Some(table), Some(last)) = (old.numbered(), last)
        && gone > 0
    {
        cursor(connection, table.cursor(), last)?;
    }
    Ok(RowOutcome::Pruned { more: gone >= MOST_PRUNED as usize })
}

/// A table whose rows are named by a number.
#[derive(Clone, Copy)]
pub(super) enum Numbered {
    Inbox,
    Outbox,
}

impl Numbered {
    fn newest(self) -> &'static str {
        match self {
            Self::Inbox => "SELECT max(id) FROM inbox",
            Self::Outbox => "SELECT max(id) FROM outbox",
        }
    }

    /// Where the last number is noted when rows are pruned.
    fn cursor(self) -> &'static str {
        match self {
            Self::Inbox => "numbered/inbox",
            Self::Outbox => "numbered/outbox",
        }
    }
}

/// The number of the next row. One that was given is never given again, also when its row is gone.
pub(super) fn next_id(connection: &Connection, table: Numbered) -> Result<u64, RecordError> {
    Ok(last_id(connection, table)? + 1)
}

fn last_id(connection: &Connection, table: Numbered) -> Result<u64, RecordError> {
    let newest: Option<u64> =
        connection.prepare_cached(table.newest())?.query_row([], |row| row.get(0))?;
    let noted: Option<u64> = connection
        .prepare_cached("SELECT seq FROM cursors WHERE name = ?1")?
        .query_row([table.cursor()], |row| row.get(0))
        .optional()?;
    Ok(newest.max(noted).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection;

    #[test]
    fn what_is_old_is_found_by_an_index() {
        let connection = connection::open_memory().unwrap();
        for old in [Old::Idempotency, Old::Inbox, Old::Outbox, Old::Sessions, Old::Tokens] {
            let sql = old.statement();
            let steps: Vec<String> = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap()
                .query_map(rusqlite::params![1, 1], |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let scans = steps.iter().any(|step| step.contains("SCAN") || step.contains("TEMP"));
            assert!(!scans, "{sql}: {steps:#?}");
        }
    }
}
