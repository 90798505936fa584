//! Connections that cannot write, lent out one at a time.

use std::path::PathBuf;

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use crate::connection;
use crate::error::ReadError;

/// The most instructions of SQLite's machine that one question may take, minutes of them: what reads for longer keeps
/// the log from being emptied.
const LONGEST: u32 = 2_000_000_000;
/// Instructions after which they are counted.
const COUNTED_AFTER: u32 = 1_000_000;

/// The most connections that read at the same time; more readers wait for one.
const MAX_CONNECTIONS: usize = 8;

pub(super) struct Pool {
    path: PathBuf,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    lent: usize,
}

impl Pool {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Another one of the same database.
    pub(super) fn apart(&self) -> Self {
        Self::new(self.path.clone())
    }

    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut lent = Lent { pool: self, connection: self.take() };
        let mut connection = match lent.connection.take() {
            Some(connection) => connection,
            None => connection::open_reader(&self.path)?,
        };
        bound(&mut connection)?;
        let result = read(&connection);
        if result.is_ok() {
            lent.connection = Some(connection);
        }
        result
    }

    fn take(&self) -> Option<Connection> {
        let mut state = self.state.lock();
        while state.lent >= MAX_CONNECTIONS {
            self.returned.wait(&mut state);
        }
        state.lent += 1;
        state.idle.pop()
    }
}

/// Ends what takes too long, from now on.
fn bound(connection: &mut Connection) -> rusqlite::Result<()> {
    let mut left = LONGEST / COUNTED_AFTER;
    let is_over = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    connection.progress_handler(COUNTED_AFTER.cast_signed(), Some(is_over))
}

/// Gives the place back whatever happens; the connection only when the read went well.
struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock();
        state.lent -= 1;
        state.idle.extend(self.connection.take());
        drop(state);
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_apart_waits_for_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some.db");
        drop(connection::open_writer(&path).unwrap());
        assert_eq!(while_lent(&Pool::new(path), MAX_CONNECTIONS), 1);
    }

    /// What is read apart while so many connections are lent.
    fn while_lent(pool: &Pool, count: usize) -> u32 {
        if count == 0 {
            let one = |connection: &Connection| {
                Ok(connection.query_row("SELECT 1", [], |row| row.get(0))?)
            };
            return pool.apart().with(one).unwrap();
        }
        pool.with(|_| Ok(while_lent(pool, count - 1))).unwrap()
    }
}
