//! The one way into the journal.
//!
//! A commit goes: one transaction; read back what was committed through another connection and
//! hash it in a second way; sign; write the anchor; only then say so. An error after which the
//! content of the disk is not known ends the process: nothing of it was acknowledged.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};
use sluice_ledger::{
    AnchorState, Checkpoint, Hash, MAX_ENTRY_BYTES, Receipt, SigningKey, audit, leaf_hash,
};

use crate::anchor_file::AnchorFile;
use crate::batch::{
    Batch, Committed, EntryWrite, MAX_BATCH_ENTRIES, MAX_BATCH_ROWS, NotCommitted, Outcome,
    Unresolved,
};
use crate::crash::{CrashPoint, FLIPPED_BIT};
use crate::edge::{self, Edge};
use crate::failure::{Failure, broken, is_full};
use crate::head::{self, HeadKey};
use crate::readers::{Head, Published, Readers};
use crate::record::{self, record};
use crate::rows::{Row, RowOutcome};

/// Bytes written to the log after which it is moved into the database file.
const CHECKPOINT_BYTES: u64 = 8 << 20;

/// Bytes after which a commit does not wait for [`Writer::maintain`] any more.
const CHECKPOINT_LATEST_BYTES: u64 = 64 << 20;

/// What a transaction costs in the log beside its own bytes, roughly.
const TRANSACTION_BYTES: u64 = 24 << 10;

/// The single writer of a journal. Owned by one thread.
pub struct Writer {
    parts: WriterParts,
    /// Committed but not in the anchor yet.
    unanchored: Option<Arc<str>>,
    log_bytes: u64,
}

pub(crate) struct WriterParts {
    #[expect(dead_code, reason = "held for as long as the folder is in use")]
    pub(crate) lock: File,
    pub(crate) connection: Connection,
    pub(crate) audit: Connection,
    pub(crate) readers: Readers,
    pub(crate) head: Head,
    pub(crate) commits: u64,
    pub(crate) edge: Edge,
    pub(crate) anchor: AnchorFile,
    pub(crate) origin: String,
    pub(crate) signing_key: Arc<SigningKey>,
    pub(crate) head_key: HeadKey,
    pub(crate) crash: CrashPoint,
    pub(crate) full_anchor: Option<Arc<AtomicBool>>,
}

/// A batch that the database has taken.
struct Written {
    first_seq: u64,
    head: Head,
    edge: Edge,
    leaves: Vec<Hash>,
    rows: Vec<RowOutcome>,
}

impl Writer {
    pub(crate) fn new(parts: WriterParts) -> Self {
        Self { parts, unanchored: None, log_bytes: 0 }
    }

    /// The head as of the last commit.
    pub fn head(&self) -> &Head {
        &self.parts.head
    }

    /// Commits a batch. Blocks for the flushes of the log and the anchor.
    ///
    /// # Aborts
    ///
    /// When the disk fails, when what is read back is not what was written, and when an entry's
    /// time is before the last one: whatever the process knows is not to be trusted then.
    pub fn commit(&mut self, batch: Batch) -> Outcome {
        if let Err(refused) = limits(&batch) {
            return Outcome::NotCommitted(refused);
        }
        self.assert_time(&batch.entries);
        if self.settle_anchor().is_err() {
            return Outcome::NotCommitted(NotCommitted::Full);
        }
        self.parts.crash.pass("before_begin");
        let written = match self.write(&batch) {
            Ok(written) => written,
            Err(failure) => return Outcome::NotCommitted(self.undo(failure)),
        };
        self.parts.crash.pass("after_commit");
        self.note_log_bytes(&batch);
        let note = if batch.entries.is_empty() {
            self.parts.readers.checkpoint_note()
        } else {
            self.read_back(&written);
            self.parts.crash.pass("after_reread");
            self.sign(&written.head)
        };
        self.parts.crash.pass("after_sign");
        self.acknowledge(written, note)
    }

    /// Tries again to acknowledge a batch that had to wait for the anchor.
    pub fn resolve(&mut self, unresolved: Unresolved) -> Outcome {
        match self.settle_anchor() {
            Ok(()) => Outcome::Committed(unresolved.committed),
            Err(_) => Outcome::Unknown(unresolved),
        }
    }

    /// Moves the write-ahead log into the database file when it has grown. For idle moments:
    /// nothing waits for it. The log stays bounded even if nobody calls this.
    pub fn maintain(&mut self) {
        if self.log_bytes >= CHECKPOINT_BYTES {
            self.move_log("PASSIVE");
        }
    }

    /// Empties every view and fills it from `rows`, in one transaction.
    pub fn rebuild_views(
        &mut self,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<u64, NotCommitted> {
        let rebuilt = self.transaction(|connection| {
            record::clear_views(connection)?;
            let mut count = 0;
            for row in rows {
                if !record::is_view(&row) {
                    let refused = "only rows of views can be rebuilt".to_owned();
                    return Err(Failure::Undone(NotCommitted::Refused(refused)));
                }
                record(connection, &row)?;
                count += 1;
            }
            Ok(count)
        });
        let count = rebuilt.map_err(|failure| self.undo(failure))?;
        self.move_log("PASSIVE");
        Ok(count)
    }

    /// Signs and anchors the head that was found at start, when the anchor does not hold it.
    pub(crate) fn anchor_head(&mut self, found: Option<AnchorState>) -> io::Result<()> {
        let head = &self.parts.head;
        let anchored = found.as_ref().map(|state| state.generation);
        let note: Arc<str> = match found {
            Some(state) if (state.size, state.root) == (head.size, head.root) => {
                state.checkpoint.into()
            }
            _ => self.sign(head),
        };
        if anchored != Some(self.parts.commits) {
            self.parts.anchor.write(&self.anchor_state(&note))?;
        }
        self.publish(note);
        Ok(())
    }

    fn write(&self, batch: &Batch) -> Result<Written, Failure> {
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

    fn transaction<T>(
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
    fn undo(&self, failure: Failure) -> NotCommitted {
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

    /// Hashes what was committed in a second way. Nothing is signed that was not read back.
    fn read_back(&self, written: &Written) {
        let before = self.parts.edge.frontier();
        let leaves = match read_leaves(&self.parts.audit, written.first_seq, written.head.size) {
            Ok(leaves) => leaves,
            Err(error) => broken("reading back what was committed", &error),
        };
        let root = audit::root_after(before.size(), before.hashes(), &leaves);
        if leaves.len() as u64 != written.head.size - written.first_seq
            || root != Some(written.head.root)
        {
            broken("reading back what was committed", &"it has another root than was computed");
        }
    }

    /// Anchors and publishes; the last steps before the answer.
    fn acknowledge(&mut self, written: Written, note: Arc<str>) -> Outcome {
        let mut frontier = self.parts.edge.frontier();
        let proofs = sluice_ledger::append_with_proofs(&mut frontier, &written.leaves);
        let receipts = (written.first_seq..).zip(written.leaves).zip(proofs);
        let receipts = receipts
            .map(|((index, leaf_hash), proof)| Receipt {
                index,
                leaf_hash,
                tree_size: written.head.size,
                proof,
                checkpoint: note.to_string(),
            })
            .collect();
        self.parts.head = written.head.clone();
        self.parts.edge = written.edge;
        self.parts.commits += 1;
        self.unanchored = Some(Arc::clone(&note));
        let committed = Committed {
            first_seq: written.first_seq,
            head: written.head,
            checkpoint_note: note,
            receipts,
            rows: written.rows,
        };
        let settled = self.settle_anchor();
        self.parts.crash.pass("before_ack");
        match settled {
            Ok(()) => Outcome::Committed(committed),
            Err(_) => Outcome::Unknown(Unresolved { committed }),
        }
    }

    /// Writes what the anchor still lacks. A full disk is an error to wait out; any other error
    /// means that the anchor's content is not known.
    fn settle_anchor(&mut self) -> io::Result<()> {
        let Some(note) = self.unanchored.clone() else { return Ok(()) };
        let state = self.anchor_state(&note);
        let is_full_anchor =
            self.parts.full_anchor.as_ref().is_some_and(|full| full.load(Ordering::Relaxed));
        let written = if is_full_anchor {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            self.parts.anchor.write(&state)
        };
        match written {
            Ok(()) => {
                self.parts.crash.pass("after_anchor_write");
                self.unanchored = None;
                self.publish(note);
                Ok(())
            }
            Err(error) if is_full(&error) => {
                tracing::error!(%error, "the anchor cannot be written: the disk is full");
                Err(error)
            }
            Err(error) => broken("writing the anchor", &error),
        }
    }

    fn publish(&self, checkpoint: Arc<str>) {
        let (head, edge) = (self.parts.head.clone(), self.parts.edge.clone());
        self.parts.readers.publish(Published { head, edge, checkpoint });
    }

    fn anchor_state(&self, note: &str) -> AnchorState {
        let (size, root) = (self.parts.head.size, self.parts.head.root);
        let (origin, checkpoint) = (self.parts.origin.clone(), note.to_owned());
        AnchorState { generation: self.parts.commits, origin, size, root, checkpoint }
    }

    fn sign(&self, head: &Head) -> Arc<str> {
        let origin = self.parts.origin.clone();
        let checkpoint = Checkpoint { origin, size: head.size, root: head.root };
        match checkpoint.sign(&[&self.parts.signing_key]) {
            Ok(note) => note.into(),
            Err(error) => broken("signing the checkpoint", &error),
        }
    }

    fn assert_time(&self, entries: &[EntryWrite]) {
        let mut last_us = self.parts.head.last_time_us;
        for entry in entries {
            if entry.time_us < last_us {
                broken("appending an entry", &"its time is before that of the last one");
            }
            last_us = entry.time_us;
        }
    }

    fn note_log_bytes(&mut self, batch: &Batch) {
        let entries: usize = batch.entries.iter().map(|entry| entry.bytes.len() + 256).sum();
        self.log_bytes += TRANSACTION_BYTES + entries as u64 + batch.rows.len() as u64 * 4_096;
        if self.log_bytes >= CHECKPOINT_LATEST_BYTES {
            self.move_log("PASSIVE");
        }
    }

    fn move_log(&mut self, mode: &str) {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        match self.parts.connection.query_row(&sql, [], |_| Ok(())) {
            Ok(()) => self.log_bytes = 0,
            Err(error) => match Failure::from(error) {
                // The log keeps what the database file has no room for.
                Failure::Undone(reason) => tracing::warn!(%reason, "the log cannot be moved"),
                Failure::Broken(error) => broken("moving the log into the database", &error),
            },
        }
    }
}

impl Drop for Writer {
    /// Ends cleanly: everything moves into the database file, and the log goes.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let connection = &self.parts.connection;
        let config = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        if let Err(error) = connection.set_db_config(config, false) {
            tracing::warn!(%error, "the log stays beside the database");
            return;
        }
        self.move_log("TRUNCATE");
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("head", &self.parts.head).finish_non_exhaustive()
    }
}

fn limits(batch: &Batch) -> Result<(), NotCommitted> {
    let refused = |reason: String| Err(NotCommitted::Refused(reason));
    if batch.entries.len() > MAX_BATCH_ENTRIES || batch.rows.len() > MAX_BATCH_ROWS {
        return refused(format!("more than {MAX_BATCH_ENTRIES} entries or {MAX_BATCH_ROWS} rows"));
    }
    match batch.entries.iter().find(|entry| entry.bytes.len() > MAX_ENTRY_BYTES) {
        Some(entry) => refused(format!(
            "an entry of `{}` has {} bytes, more than {MAX_ENTRY_BYTES}",
            entry.stream,
            entry.bytes.len()
        )),
        None => Ok(()),
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

fn read_leaves(connection: &Connection, from: u64, to: u64) -> rusqlite::Result<Vec<Hash>> {
    let mut query = connection
        .prepare_cached("SELECT bytes FROM entries WHERE seq >= ?1 AND seq < ?2 ORDER BY seq")?;
    let mut rows = query.query([from, to])?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        leaves.push(leaf_hash(row.get_ref(0)?.as_blob()?));
    }
    Ok(leaves)
}
