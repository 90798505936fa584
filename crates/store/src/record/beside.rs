//! Idempotency keys, inbox, outbox, blobs, snapshots, cursors and cosigned heads.

use rusqlite::types::ValueRef::{Blob, Integer, Null, Text};
use rusqlite::{Connection, OptionalExtension, params};

use super::prune::{Numbered, next_id};
use super::{RecordError, int};
use crate::rows::{
    BlobRow, CosignedRow, DeliveryRow, DuplicateBy, INBOX_NEW, IdempotencyRow, KEEP_SNAPSHOTS,
    KEEP_US, RowOutcome, SnapshotRow,
};
use crate::seal;

pub(super) type Recorded = Result<RowOutcome, RecordError>;

pub(super) fn idempotency(connection: &Connection, row: &IdempotencyRow) -> Recorded {
    let written = seal::insert(
        connection,
        "INSERT INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (scope, key) DO UPDATE SET body_hash = excluded.body_hash,
           seq = excluded.seq, at_us = excluded.at_us, seal = excluded.seal
         WHERE idempotency.at_us < excluded.at_us - 2592000000000",
        &[
            Text(row.scope.as_bytes()),
            Text(row.key.as_bytes()),
            Blob(&row.body_hash),
            row.seq.map_or(Null, |seq| Integer(int(seq))),
            Integer(row.at_us),
        ],
    )?;
    if written == 0 {
        return Err(RecordError::Conflict(format!(
            "idempotency key `{}` of `{}` is taken",
            row.key, row.scope
        )));
    }
    Ok(RowOutcome::Done)
}

pub(super) fn delivery(connection: &Connection, row: &DeliveryRow) -> Recorded {
    let by_id = connection
        .prepare_cached("SELECT id FROM inbox WHERE link = ?1 AND delivery_id = ?2")?
        .query_row(params![row.link, row.delivery_id], |found| found.get(0))
        .optional()?;
    if let Some(id) = by_id {
        return Ok(RowOutcome::Duplicate { by: DuplicateBy::DeliveryId, id });
    }
    let by_body = connection
        .prepare_cached(
            "SELECT id FROM inbox WHERE link = ?1 AND body_hash = ?2 AND received_us > ?3
             ORDER BY received_us LIMIT 1",
        )?
        .query_row(params![row.link, row.body_hash, row.received_us - KEEP_US], |found| {
            found.get(0)
        })
        .optional()?;
    if let Some(id) = by_body {
        return Ok(RowOutcome::Duplicate { by: DuplicateBy::Body, id });
    }
    let id = next_id(connection, Numbered::Inbox)?;
    seal::insert(
        connection,
        "INSERT INTO inbox VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        &[
            Integer(int(id)),
            Text(row.link.as_bytes()),
            Text(row.delivery_id.as_bytes()),
            Blob(&row.body_hash),
            Text(row.kind.as_bytes()),
            Text(row.headers.as_bytes()),
            Blob(&row.body),
            Integer(row.received_us),
            Text(INBOX_NEW.as_bytes()),
            Null,
            Integer(0),
        ],
    )?;
    Ok(RowOutcome::Delivered { id })
}

pub(super) fn delivery_outcome(
    connection: &Connection,
    id: u64,
    state: &str,
    outcome: Option<&str>,
    attempts: u32,
) -> Recorded {
    let written = connection
        .prepare_cached("UPDATE inbox SET state = ?2, outcome = ?3, attempts = ?4 WHERE id = ?1")?
        .execute(params![id, state, outcome, attempts])?;
    if written == 0 {
        return Err(RecordError::Conflict(format!("no delivery has the id {id}")));
    }
    seal::renew(connection, "inbox", "id = ?1", &[&id])?;
    Ok(RowOutcome::Done)
}

pub(super) fn delivery_anew(connection: &Connection, id: u64) -> Recorded {
    let altered = connection
        .prepare_cached(
            "UPDATE inbox SET state = ?2, outcome = NULL
             WHERE id = ?1 AND state IN ('quarantined', 'ignored')",
        )?
        .execute(params![id, INBOX_NEW])?;
    // It may have been pruned since it was looked at.
    if altered > 0 {
        seal::renew(connection, "inbox", "id = ?1", &[&id])?;
    }
    Ok(RowOutcome::Done)
}

pub(super) fn blob(connection: &Connection, row: &BlobRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT INTO blobs VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (digest) DO NOTHING",
        &[
            Text(row.digest.as_bytes()),
            Text(row.media_type.as_bytes()),
            Blob(&row.bytes),
            Integer(row.created_us),
        ],
    )?;
    Ok(RowOutcome::Done)
}

/// What is of more entries than the newest is of no history that goes on.
pub(super) fn snapshot(connection: &Connection, row: &SnapshotRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name, size) DO UPDATE SET bytes = excluded.bytes, note = excluded.note,
           seal = excluded.seal",
        &[
            Text(row.name.as_bytes()),
            Integer(int(row.size)),
            Blob(&row.bytes),
            Text(row.note.as_bytes()),
        ],
    )?;
    connection
        .prepare_cached(
            "DELETE FROM snapshots WHERE name = ?1 AND (size > ?2 OR size NOT IN
               (SELECT size FROM snapshots WHERE name = ?1 AND size <= ?2
                ORDER BY size DESC LIMIT ?3))",
        )?
        .execute(params![row.name, row.size, KEEP_SNAPSHOTS])?;
    Ok(RowOutcome::Done)
}

pub(super) fn cursor(connection: &Connection, name: &str, seq: u64) -> Recorded {
    seal::insert(
        connection,
        "INSERT INTO cursors VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, seal = excluded.seal",
        &[Text(name.as_bytes()), Integer(int(seq))],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn cosigned(connection: &Connection, row: &CosignedRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT INTO cosigned VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET size = excluded.size, at_us = excluded.at_us,
           note = excluded.note, seal = excluded.seal
         WHERE cosigned.size <= excluded.size",
        &[
            Text(row.name.as_bytes()),
            Integer(int(row.size)),
            Integer(row.at_us),
            Text(row.note.as_bytes()),
        ],
    )?;
    Ok(RowOutcome::Done)
}
