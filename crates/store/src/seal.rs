//! Checksums of the rows that are not covered by the Merkle tree.
//!
//! A seal finds a flipped bit, not an attacker: it has no key. What an attacker must not
//! change is in the entries.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};
use sha2::{Digest, Sha256};

/// The tables whose rows end in a `seal` column, with the columns of their key.
pub(crate) const SEALED: [(&str, &[&str]); 17] = [
    ("idempotency", &["scope", "key"]),
    ("inbox", &["id"]),
    ("outbox", &["id"]),
    ("link_health", &["link"]),
    ("external_refs", &["link", "entity", "name"]),
    ("blobs", &["digest"]),
    ("persons", &["person_id"]),
    ("identities", &["identity_key"]),
    ("tokens", &["id"]),
    ("credentials", &["person_id"]),
    ("sessions", &["id"]),
    ("preferences", &["person_id", "name"]),
    ("secrets", &["name"]),
    ("provisioned", &["id"]),
    ("snapshots", &["name", "size"]),
    ("cursors", &["name"]),
    ("cosigned", &["name"]),
];

const SEAL_BYTES: usize = 16;

/// The seal of a row: a hash over its values, each with type and length.
pub(crate) fn seal_of<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> Vec<u8> {
    let mut hash = Sha256::new();
    for value in values {
        match value {
            ValueRef::Null => hash.update([0]),
            ValueRef::Integer(number) => {
                hash.update([1]);
                hash.update(number.to_le_bytes());
            }
            ValueRef::Real(number) => {
                hash.update([2]);
                hash.update(number.to_bits().to_le_bytes());
            }
            ValueRef::Text(bytes) => {
                hash.update([3]);
                hash.update((bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            }
            ValueRef::Blob(bytes) => {
                hash.update([4]);
                hash.update((bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            }
        }
    }
    hash.finalize().iter().copied().take(SEAL_BYTES).collect()
}

/// Runs an insert whose parameters are all columns of the table in order, the seal last.
pub(crate) fn insert(
    connection: &Connection,
    sql: &str,
    values: &[ValueRef<'_>],
) -> rusqlite::Result<usize> {
    let seal = seal_of(values.iter().copied());
    let params = values.iter().copied().chain([ValueRef::Blob(&seal)]).map(ToSqlOutput::Borrowed);
    connection.prepare_cached(sql)?.execute(params_from_iter(params))
}

/// Computes the seal of one row anew, after an update.
pub(crate) fn renew(
    connection: &Connection,
    table: &str,
    condition: &str,
    key: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<()> {
    let mut read =
        connection.prepare_cached(&format!("SELECT * FROM {table} WHERE {condition}"))?;
    let last = read.column_count().saturating_sub(1);
    let seal = read.query_one(key, |row| Ok(seal_of(columns(row, last)?.into_iter())))?;
    let mut write = connection.prepare_cached(&format!(
        "UPDATE {table} SET seal = ?{} WHERE {condition}",
        key.len() + 1
    ))?;
    let seal: &dyn rusqlite::ToSql = &seal;
    write.execute(&key.iter().copied().chain([seal]).collect::<Vec<_>>()[..])?;
    Ok(())
}

/// Whether a row that was read with `SELECT *` still has the seal it was written with.
pub(crate) fn holds(row: &Row<'_>) -> rusqlite::Result<bool> {
    let last = row.as_ref().column_count().saturating_sub(1);
    let Value::Blob(seal) = row.get(last)? else { return Ok(false) };
    Ok(seal_of(columns(row, last)?.into_iter()) == seal)
}

fn columns<'a>(row: &'a Row<'_>, count: usize) -> rusqlite::Result<Vec<ValueRef<'a>>> {
    (0..count).map(|index| row.get_ref(index)).collect()
}
