//! The write-ahead log: when what is in it is moved into the database file, and when it is emptied.
//!
//! It is begun anew only when all of it was moved and nobody reads what is in it. While readers overlap that never
//! comes about by itself, so from a size on they are waited for, briefly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::Writer;
use crate::connection::BUSY;
use crate::failure::{Failure, broken};

/// Bytes that are in the log alone after which an idle moment is used to move them.
const MOVED_WHEN_IDLE: u64 = 8 << 20;

/// Bytes that are in the log alone after which a commit does not wait for an idle moment any more.
const MOVED_AT_LATEST: u64 = 64 << 20;

/// Bytes of the log from which on readers are waited for, to begin it anew.
const LONGEST: u64 = 128 << 20;

/// Bytes by which a log that could not be begun anew grows until it is tried again.
const AGAIN_AFTER: u64 = 8 << 20;

/// How long readers are waited for. Whoever waits for the writer waits as long.
const PATIENCE: Duration = Duration::from_millis(100);

/// The same where a machine with other things to do tests it.
const FOR_TESTS: Duration = Duration::from_secs(5);

/// A page with its frame.
const PAGE: u64 = 4_096 + 24;

/// How full the log is.
pub(super) struct Log {
    pages: Arc<AtomicU64>,
    /// Pages of the log that are in the database file too.
    moved: u64,
    longest: u64,
    patience: Duration,
    try_again_at: u64,
    /// Whether what was erased may still be in it.
    holds_erased: bool,
}

#[derive(Clone, Copy)]
enum Mode {
    Passive,
    Restart,
    Truncate,
}

impl Log {
    /// Has the connection tell of each commit how many pages the log has.
    pub(super) fn watch(
        connection: &mut Connection,
        longest: Option<u64>,
    ) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, count: i32| {
            told.store(u64::from(count.unsigned_abs()), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            pages,
            moved: 0,
            longest: longest.unwrap_or(LONGEST),
            patience: longest.map_or(PATIENCE, |_| FOR_TESTS),
            try_again_at: 0,
            holds_erased: false,
        })
    }

    fn bytes(&self) -> u64 {
        self.pages.load(Ordering::Relaxed) * PAGE
    }

    /// Bytes that are in the log alone.
    fn unmoved(&mut self) -> u64 {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.moved {
            // It was begun anew.
            (self.moved, self.try_again_at) = (0, 0);
        }
        (pages - self.moved) * PAGE
    }
}

impl Writer {
    /// Moves the write-ahead log into the database file when it has grown, and takes out of it what was erased. For
    /// idle moments: nothing waits for it. The log stays bounded even if nobody calls this.
    pub fn maintain(&mut self) {
        self.keep_log(MOVED_WHEN_IDLE);
    }

    pub(super) fn after_commit(&mut self) {
        self.keep_log(MOVED_AT_LATEST);
    }

    /// Empties the log of what was erased; where somebody reads what is in it, as soon as they have ended.
    pub(super) fn forget_erased(&mut self) {
        self.log.holds_erased = true;
        self.move_log(Mode::Truncate, PATIENCE);
    }

    /// The same in an idle moment.
    pub(super) fn forget_erased_when_idle(&mut self) {
        self.log.holds_erased = true;
    }

    pub(super) fn move_all(&mut self) {
        self.move_log(Mode::Truncate, BUSY);
    }

    pub(super) fn move_some(&mut self) {
        self.move_log(Mode::Passive, Duration::ZERO);
    }

    fn keep_log(&mut self, most: u64) {
        let is_time = most == MOVED_WHEN_IDLE || self.log.unmoved() >= AGAIN_AFTER;
        if self.log.holds_erased && is_time {
            self.move_log(Mode::Truncate, Duration::ZERO);
        }
        let (unmoved, bytes) = (self.log.unmoved(), self.log.bytes());
        if bytes >= self.log.longest.max(self.log.try_again_at) {
            self.move_log(Mode::Restart, self.log.patience);
            self.log.try_again_at = bytes + AGAIN_AFTER;
        } else if unmoved >= most {
            self.move_log(Mode::Passive, Duration::ZERO);
        }
    }

    fn move_log(&mut self, mode: Mode, patience: Duration) {
        let sql = match mode {
            Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
            Mode::Restart => "PRAGMA wal_checkpoint(RESTART)",
            Mode::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        let connection = &self.parts.connection;
        let moved = connection.busy_timeout(patience).and_then(|()| {
            let moved = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(2)?)));
            connection.busy_timeout(BUSY)?;
            moved
        });
        match moved {
            Ok((is_busy, pages)) => self.note_moved(mode, is_busy, pages),
            Err(error) => match Failure::from(error) {
                // The log keeps what the database file has no room for.
                Failure::Undone(reason) => tracing::warn!(%reason, "the log cannot be moved"),
                Failure::Broken(error) => broken("moving the log into the database", &error),
            },
        }
    }

    fn note_moved(&mut self, mode: Mode, is_busy: bool, pages: i64) {
        self.log.moved = pages.try_into().unwrap_or(0);
        match mode {
            Mode::Truncate if !is_busy => {
                self.log.pages.store(0, Ordering::Relaxed);
                (self.log.moved, self.log.try_again_at, self.log.holds_erased) = (0, 0, false);
            }
            Mode::Truncate => {
                tracing::debug!("somebody reads what is in the log: it is emptied later")
            }
            Mode::Passive | Mode::Restart => {}
        }
    }
}
