//! The one way into the journal.
//!
//! A commit goes: one transaction; read back what was committed through another connection and
//! hash it in a second way; sign; write the anchor; only then say so. An error after which the
//! content of the disk is not known ends the process: nothing of it was acknowledged.

mod acknowledge;
mod log;
mod transaction;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use sluice_ledger::{Frontier, MAX_ENTRY_BYTES, SigningKey};

use self::log::Log;
use crate::anchor_file::AnchorFile;
use crate::batch::{
    Batch, EntryWrite, MAX_BATCH_ENTRIES, MAX_BATCH_ROWS, NotCommitted, Outcome, Unresolved,
};
use crate::crash::CrashPoint;
use crate::edge::Edge;
use crate::failure::{Failure, broken};
use crate::head::HeadKey;
use crate::readers::{Head, Readers};
use crate::record::{self, record};
use crate::rows::Row;

/// The single writer of a journal. Owned by one thread.
pub struct Writer {
    parts: WriterParts,
    /// Committed but not in the anchor yet.
    unanchored: Option<Arc<str>>,
    log: Log,
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
    /// The tree by which receipts are made and what was written is read back; the edge's own must agree.
    pub(crate) frontier: Frontier,
    pub(crate) anchor: AnchorFile,
    pub(crate) origin: String,
    pub(crate) signing_key: Arc<SigningKey>,
    pub(crate) head_key: HeadKey,
    pub(crate) crash: CrashPoint,
    pub(crate) full_anchor: Option<Arc<AtomicBool>>,
}

impl Writer {
    pub(crate) fn new(mut parts: WriterParts, longest_log: Option<u64>) -> rusqlite::Result<Self> {
        let log = Log::watch(&mut parts.connection, longest_log)?;
        Ok(Self { parts, unanchored: None, log })
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
        let note = if batch.entries.is_empty() {
            self.parts.readers.checkpoint_note()
        } else {
            self.read_back(&written);
            self.parts.crash.pass("after_reread");
            self.sign(&written.head)
        };
        self.parts.crash.pass("after_sign");
        let erases = erases(&batch.rows);
        let outcome = self.acknowledge(written, note);
        match erases {
            Some(Erases::AtOnce) => self.forget_erased(),
            Some(Erases::WhenIdle) => self.forget_erased_when_idle(),
            None => {}
        }
        self.after_commit();
        outcome
    }

    /// Tries again to acknowledge a batch that had to wait for the anchor.
    pub fn resolve(&mut self, unresolved: Unresolved) -> Outcome {
        match self.settle_anchor() {
            Ok(()) => Outcome::Committed(unresolved.committed),
            Err(_) => Outcome::Unknown(unresolved),
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
        self.move_some();
        Ok(count)
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
        self.move_all();
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("head", &self.parts.head).finish_non_exhaustive()
    }
}

/// When what rows take away must be gone from the log as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Erases {
    /// A directory that is brought up to date does so by the hundred.
    WhenIdle,
    AtOnce,
}

fn erases(rows: &[Row]) -> Option<Erases> {
    let of = |row: &Row| match row {
        Row::ErasePerson { .. } | Row::RemoveProvisioned { .. } => Some(Erases::AtOnce),
        Row::KeepIdentities { .. }
        | Row::Person(_)
        | Row::Provisioned(_)
        | Row::RemovePreference { .. }
        | Row::Secret(_)
        | Row::RemoveSecret { .. } => Some(Erases::WhenIdle),
        _ => None,
    };
    rows.iter().filter_map(of).max()
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
