//! The outbox, and what is known of links.

use rusqlite::types::ValueRef::{Integer, Null, Text};
use rusqlite::{Connection, OptionalExtension, params};

use super::beside::Recorded;
use super::prune::{Numbered, next_id};
use super::{RecordError, int};
use crate::rows::{
    EffectRow, ExternalRefRow, LinkHealthRow, OUTBOX_GIVEN_UP, OUTBOX_PENDING, RowOutcome,
};
use crate::seal;

pub(super) fn effect(connection: &Connection, row: &EffectRow) -> Recorded {
    let known = connection
        .prepare_cached("SELECT id FROM outbox WHERE link = ?1 AND effect_key = ?2")?
        .query_row(params![row.link, row.effect_key], |found| found.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(RowOutcome::AlreadyOwed { id });
    }
    let id = next_id(connection, Numbered::Outbox)?;
    seal::insert(
        connection,
        "INSERT INTO outbox VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        &[
            Integer(int(id)),
            Text(row.link.as_bytes()),
            Text(row.entity.as_bytes()),
            Text(row.effect_key.as_bytes()),
            Text(row.kind.as_bytes()),
            Text(row.body.as_bytes()),
            Text(OUTBOX_PENDING.as_bytes()),
            Integer(0),
            Integer(row.next_us),
            Null,
            Integer(row.created_us),
        ],
    )?;
    Ok(RowOutcome::Owed { id })
}

pub(super) fn effect_outcome(
    connection: &Connection,
    id: u64,
    state: &str,
    attempts: u32,
    next_us: i64,
    last_error: Option<&str>,
) -> Recorded {
    let written = connection
        .prepare_cached(
            "UPDATE outbox SET state = ?2, attempts = ?3, next_us = ?4, last_error = ?5
             WHERE id = ?1",
        )?
        .execute(params![id, state, attempts, next_us, last_error])?;
    if written == 0 {
        return Err(RecordError::Conflict(format!("no effect has the id {id}")));
    }
    seal::renew(connection, "outbox", "id = ?1", &[&id])?;
    Ok(RowOutcome::Done)
}

pub(super) fn effect_anew(connection: &Connection, id: u64, next_us: i64) -> Recorded {
    let altered = connection
        .prepare_cached(
            "UPDATE outbox SET state = ?2, attempts = min(attempts, 1), next_us = ?3
             WHERE id = ?1 AND state = ?4",
        )?
        .execute(params![id, OUTBOX_PENDING, next_us, OUTBOX_GIVEN_UP])?;
    if altered > 0 {
        seal::renew(connection, "outbox", "id = ?1", &[&id])?;
    }
    Ok(RowOutcome::Done)
}

pub(super) fn health(connection: &Connection, row: &LinkHealthRow) -> Recorded {
    let number = |value: Option<i64>| value.map_or(Null, Integer);
    let text = |value: &'_ Option<String>| value.as_ref().map(|text| text.as_bytes().to_vec());
    let (error, cursor) = (text(&row.last_error), text(&row.cursor));
    seal::insert(
        connection,
        "INSERT INTO link_health VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (link) DO UPDATE SET last_good_us = excluded.last_good_us,
           last_error_us = excluded.last_error_us, last_error = excluded.last_error,
           failures = excluded.failures, polled_us = excluded.polled_us,
           cursor = excluded.cursor, last_told_us = excluded.last_told_us, seal = excluded.seal",
        &[
            Text(row.link.as_bytes()),
            number(row.last_good_us),
            number(row.last_error_us),
            error.as_deref().map_or(Null, Text),
            Integer(i64::from(row.failures)),
            number(row.polled_us),
            cursor.as_deref().map_or(Null, Text),
            number(row.last_told_us),
        ],
    )?;
    Ok(RowOutcome::Done)
}

/// What a neighbour has for a record; an empty value takes it away.
pub(super) fn external_ref(connection: &Connection, row: &ExternalRefRow) -> Recorded {
    if row.value.is_empty() {
        connection
            .prepare_cached(
                "DELETE FROM external_refs WHERE link = ?1 AND entity = ?2 AND name = ?3",
            )?
            .execute(params![row.link, row.entity, row.name])?;
        return Ok(RowOutcome::Done);
    }
    seal::insert(
        connection,
        "INSERT INTO external_refs VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (link, entity, name) DO UPDATE SET value = excluded.value,
           seal = excluded.seal",
        &[
            Text(row.link.as_bytes()),
            Text(row.entity.as_bytes()),
            Text(row.name.as_bytes()),
            Text(row.value.as_bytes()),
        ],
    )?;
    Ok(RowOutcome::Done)
}

/// The same, where its value still is what it was.
pub(super) fn alter_external_ref(
    connection: &Connection,
    row: &ExternalRefRow,
    was: &str,
) -> Recorded {
    let found = connection
        .prepare_cached(
            "SELECT 1 FROM external_refs
             WHERE link = ?1 AND entity = ?2 AND name = ?3 AND value = ?4",
        )?
        .exists(params![row.link, row.entity, row.name, was])?;
    if found { external_ref(connection, row) } else { Ok(RowOutcome::Done) }
}
