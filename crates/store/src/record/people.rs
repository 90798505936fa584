//! Persons, their identities and sessions, API tokens, and secrets of links.

use rusqlite::types::ValueRef::{self, Blob, Integer, Null, Text};
use rusqlite::{Connection, params};

use super::RecordError;
use crate::rows::{
    CredentialsRow, IdentityRow, PersonRow, PreferenceRow, ProvisionedRow, RowOutcome, SecretRow,
    SessionRow, TokenRow,
};
use crate::seal;

type Recorded = Result<RowOutcome, RecordError>;

pub(super) fn person(connection: &Connection, row: &PersonRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT INTO persons VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (person_id) DO UPDATE SET handle = excluded.handle, name = excluded.name,
           seal = excluded.seal",
        &[text(&row.person_id), text(&row.handle), text(&row.name)],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn identity(connection: &Connection, row: &IdentityRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT INTO identities VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (identity_key) DO UPDATE SET kind = excluded.kind, value = excluded.value,
           person_id = excluded.person_id, seal = excluded.seal",
        &[text(&row.identity_key), text(&row.kind), text(&row.value), option(&row.person_id)],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn keep_identities(
    connection: &Connection,
    person_id: &str,
    kind: &str,
    keys: &[String],
) -> Recorded {
    let has = connection
        .prepare_cached("SELECT identity_key FROM identities WHERE person_id = ?1 AND kind = ?2")?
        .query_map([person_id, kind], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    for key in has.iter().filter(|key| !keys.contains(key)) {
        connection
            .prepare_cached("DELETE FROM identities WHERE identity_key = ?1")?
            .execute([key])?;
    }
    Ok(RowOutcome::Done)
}

pub(super) fn erase_person(connection: &Connection, person_id: &str) -> Recorded {
    connection
        .prepare_cached("DELETE FROM identities WHERE person_id = ?1")?
        .execute([person_id])?;
    for table in ["persons", "credentials", "sessions", "provisioned", "preferences"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE person_id = ?1"))?
            .execute([person_id])?;
    }
    Ok(RowOutcome::Done)
}

pub(super) fn provisioned(connection: &Connection, row: &ProvisionedRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT OR REPLACE INTO provisioned VALUES (?1, ?2, ?3, ?4)",
        &[text(&row.id), text(&row.person_id), text(&row.body)],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn preference(connection: &Connection, row: &PreferenceRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT INTO preferences VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (person_id, name) DO UPDATE SET value = excluded.value, seal = excluded.seal",
        &[text(&row.person_id), text(&row.name), text(&row.value)],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn remove_provisioned(connection: &Connection, id: &str) -> Recorded {
    connection.prepare_cached("DELETE FROM provisioned WHERE id = ?1")?.execute([id])?;
    Ok(RowOutcome::Done)
}

pub(super) fn secret(connection: &Connection, row: &SecretRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT OR REPLACE INTO secrets VALUES (?1, ?2, ?3)",
        &[text(&row.name), Blob(&row.sealed)],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn remove_secret(connection: &Connection, name: &str) -> Recorded {
    connection.prepare_cached("DELETE FROM secrets WHERE name = ?1")?.execute([name])?;
    Ok(RowOutcome::Done)
}

pub(super) fn token(connection: &Connection, row: &TokenRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        &[
            text(&row.id),
            Blob(&row.secret_hash),
            text(&row.label),
            option(&row.person_id),
            text(&row.kind),
            text(&row.permissions),
            text(&row.scope),
            Integer(row.created_us),
            row.expires_us.map_or(Null, Integer),
            row.revoked_us.map_or(Null, Integer),
            row.last_used_us.map_or(Null, Integer),
        ],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn revoke_token(connection: &Connection, id: &str, at_us: i64) -> Recorded {
    let written = connection
        .prepare_cached(
            "UPDATE tokens SET revoked_us = min(coalesce(revoked_us, ?2), ?2) WHERE id = ?1",
        )?
        .execute(params![id, at_us])?;
    if written == 0 {
        return Err(RecordError::Conflict(format!("no token has the id `{id}`")));
    }
    seal::renew(connection, "tokens", "id = ?1", &[&id])?;
    Ok(RowOutcome::Done)
}

pub(super) fn touch_token(connection: &Connection, id: &str, at_us: i64) -> Recorded {
    let written = connection
        .prepare_cached("UPDATE tokens SET last_used_us = ?2 WHERE id = ?1")?
        .execute(params![id, at_us])?;
    if written > 0 {
        seal::renew(connection, "tokens", "id = ?1", &[&id])?;
    }
    Ok(RowOutcome::Done)
}

pub(super) fn credentials(connection: &Connection, row: &CredentialsRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT OR REPLACE INTO credentials VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        &[
            text(&row.person_id),
            option(&row.password),
            option(&row.totp),
            Integer(row.totp_ready.into()),
            Integer(row.totp_step),
            text(&row.recovery),
            row.enrol_hash.as_ref().map_or(Null, |hash| Blob(hash)),
            row.enrol_until_us.map_or(Null, Integer),
            Integer(row.changed_us),
        ],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn session(connection: &Connection, row: &SessionRow) -> Recorded {
    seal::insert(
        connection,
        "INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[
            text(&row.id),
            Blob(&row.secret_hash),
            text(&row.person_id),
            Integer(row.seen_us),
            Integer(row.expires_us),
        ],
    )?;
    Ok(RowOutcome::Done)
}

pub(super) fn touch_session(connection: &Connection, id: &str, at_us: i64) -> Recorded {
    let written = connection
        .prepare_cached("UPDATE sessions SET seen_us = max(seen_us, ?2) WHERE id = ?1")?
        .execute(params![id, at_us])?;
    if written > 0 {
        seal::renew(connection, "sessions", "id = ?1", &[&id])?;
    }
    Ok(RowOutcome::Done)
}

fn text(value: &str) -> ValueRef<'_> {
    Text(value.as_bytes())
}

fn option(value: &Option<String>) -> ValueRef<'_> {
    value.as_deref().map_or(Null, text)
}
