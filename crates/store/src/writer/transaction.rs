//! The transaction of a batch: entries, tiles, rows and head, or nothing.

use rusqlite::{Connection, params};
use sluice_ledger::{Hash, leaf_hash};

use super::Writer;
use crate::batch::{Batch, EntryWrite, NotCommitted};
use crate::crash::FLIPPED_BIT;
use crate::edge::{self, Edge};
use crate::failure::{Failure, broken};
use crate::head;
use crate::readers::Head;
use crate::record::record;
use crate::rows::RowOutcome;

/// A batch that the database has taken.
pub(super) struct Written {
    pub(super) first_seq: u64,
    pub(super) head: Head,
    pub(super) edge: Edge,
    pub(super) leaves: Vec<Hash>,
    pub(super) rows: Vec<RowOutcome>,
}

impl Writer {
    /// Writes a batch in one transaction.
    pub(super) fn write(&self, batch: &Batch) -> Result<Written, Failure> {
        let parts = &self.parts;
        let mut edge = parts.edge.clone();
        let mut filled = Vec::new();
        let leaves: Vec<Hash> = batch.entries.iter().map(|entry| leaf_hash(&entry.bytes)).collect();
        for leaf in &leaves {
            edge.push(*leaf, &mut filled);
        }
        let first_seq = parts.head.size;
        let mut head = parts.head.clone();
        if let Some(last) = batch.entries.last() {
            let root = edge.frontier().root();
            head = Head { size: edge.size(), root, last_time_us: last.time_us };
        }
        let rows = self.transaction(|connection| {
            insert_entries(connection, first_seq, &batch.entries, &leaves)?;
            if parts.crash.is(FLIPPED_BIT) {
                flip_a_bit(connection, first_seq)?;
            }
            parts.crash.pass("after_entries");
            for tile in &filled {
                edge::write_tile(connection, tile)?;
            }
            let rows = batch
                .rows
                .iter()
                .map(|row| Ok(record(connection, row)?))
                .collect::<Result<_, Failure>>()?;
            head::write(connection, &head, parts.commits + 1, &parts.head_key)?;
            parts.crash.pass("before_commit");
            Ok(rows)
        })?;
        Ok(Written { first_seq, head, edge, leaves, rows })
    }

    pub(super) fn transaction<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let connection = &self.parts.connection;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let value = work(connection)?;
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(value)
    }

    /// Rolls back, and makes sure that nothing was written after all.
    pub(super) fn undo(&self, failure: Failure) -> NotCommitted {
        let reason = match failure {
            Failure::Undone(reason) => reason,
            Failure::Broken(error) => broken("writing the database", &error),
        };
        let connection = &self.parts.connection;
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
            && !connection.is_autocommit()
        {
            broken("rolling back", &error);
        }
        match head::read(&self.parts.audit) {
            Ok(stored)
                if (&stored.head, stored.commits) == (&self.parts.head, self.parts.commits) =>
            {
                reason
            }
            Ok(_) => broken("rolling back", &"the head has moved"),
            Err(error) => broken("reading the head after rolling back", &error),
        }
    }
}

fn insert_entries(
    connection: &Connection,
    first_seq: u64,
    entries: &[EntryWrite],
    leaves: &[Hash],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO entries (seq, leaf, stream, version, name, time_us, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for ((seq, entry), leaf) in (first_seq..).zip(entries).zip(leaves) {
        insert.execute(params![
            seq,
            leaf.as_bytes(),
            entry.stream,
            entry.version,
            entry.name,
            entry.time_us,
            entry.bytes,
        ])?;
    }
    Ok(())
}

fn flip_a_bit(connection: &Connection, seq: u64) -> rusqlite::Result<usize> {
    let sql = "UPDATE entries SET bytes = CAST(bytes || ' ' AS BLOB) WHERE seq = ?1";
    connection.execute(sql, [seq])
}
