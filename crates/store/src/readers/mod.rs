//! Reading: a pool of connections that cannot write, and one function per question.
//!
//! Every question is bounded. What is read by key is checked against its hash or seal, so a
//! damaged row is an error and never an answer. Entries that are not acknowledged yet are not
//! visible here.

mod changes;
mod decisions;
mod deployments;
mod disturbed;
mod glance;
mod inbox;
mod log;
mod numbers;
mod outbox;
mod people;
#[cfg(test)]
mod plans;
mod pool;
mod stored;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use sluice_ledger::{AnchorState, Hash};

pub use self::changes::ChangeFilter;
pub use self::decisions::{Answers, DecisionFilter};
pub use self::deployments::DeploymentFilter;
pub use self::disturbed::{IncidentFilter, ProblemFilter};
pub use self::glance::{DeliveryGlance, States};
pub use self::inbox::InboxFilter;
pub use self::log::{Entry, MAX_ENTRIES};
pub use self::numbers::{DeployedDay, Passage, ProposedDay, Span};
pub use self::outbox::{OutboxFilter, Owed};
use self::pool::Pool;
pub(crate) use self::stored::{COSIGNED, cosigned, digest_holds};
use crate::edge::Edge;
use crate::error::{OpenError, ReadError, SafeHaltKind};
use crate::seal;
use crate::{anchor_file, head};

/// The most rows that one page of a list holds.
pub const MAX_PAGE: u32 = 200;

/// The head of the journal as it was last acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Entries in the journal.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Time of the last entry, in microseconds since the Unix epoch; `i64::MIN` before the first.
    pub last_time_us: i64,
}

/// What the log may be asked for: the head, and what is needed to prove things up to it.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) head: Head,
    pub(crate) edge: Edge,
    pub(crate) checkpoint: Arc<str>,
}

/// A part of a list, newest first. With neither bound it is the newest part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    /// Only rows with a smaller key: the next older part.
    pub before: Option<u64>,
    /// Only rows with a larger key: the next newer part. Ignored when `before` is set.
    pub after: Option<u64>,
    /// At most so many rows; 0 and everything above [`MAX_PAGE`] mean [`MAX_PAGE`].
    pub limit: u32,
}

/// All reads of the store. Cheap to clone; may be used from any number of threads.
#[derive(Clone)]
pub struct Readers {
    pool: Arc<Pool>,
    published: Arc<RwLock<Arc<Published>>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, published: Published) -> Self {
        let published = Arc::new(RwLock::new(Arc::new(published)));
        Self { pool: Arc::new(Pool::new(path)), published }
    }

    /// The same with connections of their own: however long others read, these do not wait for them.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { pool: Arc::new(self.pool.apart()), published: Arc::clone(&self.published) }
    }

    /// Opens the folder of a stopped server for reading, without the signing key.
    ///
    /// Shows what the anchor speaks for, as the server would. Nothing is verified here: that is
    /// what `verify_dir` is for.
    pub fn open(dir: &Path, anchor: Option<&Path>) -> Result<Self, OpenError> {
        let anchor = anchor.map_or_else(|| dir.join(crate::open::ANCHOR), Path::to_path_buf);
        Self::open_up_to(dir, anchor_file::read(&anchor).ok().flatten())
    }

    /// The same up to the last entry that is stored. The views are as of that one, also where a
    /// crash came before the anchor was written; [`Self::open`] would not show the last entries.
    pub fn open_whole(dir: &Path) -> Result<Self, OpenError> {
        Self::open_up_to(dir, None)
    }

    fn open_up_to(dir: &Path, anchored: Option<AnchorState>) -> Result<Self, OpenError> {
        let path = dir.join(crate::open::DATABASE);
        let damaged = |error: ReadError| OpenError::SafeHalt {
            kind: SafeHaltKind::Corrupt,
            message: format!(
                "`{}` cannot be read ({error}): run `sluice verify`, then restore a backup",
                path.display()
            ),
        };
        if let Err(source) = std::fs::metadata(&path) {
            return Err(OpenError::Io { path, source });
        }
        let connection = crate::connection::open_reader(&path).map_err(|e| damaged(e.into()))?;
        let mut head = head::read(&connection).map_err(damaged)?.head;
        if let Some(anchored) = anchored.as_ref().filter(|state| state.size < head.size) {
            head = Head { size: anchored.size, root: anchored.root, ..head };
        }
        let edge = Edge::load(&connection, head.size).map_err(damaged)?;
        let note = anchored.map(|state| state.checkpoint).unwrap_or_default();
        drop(connection);
        Ok(Self::new(path, Published { head, edge, checkpoint: note.into() }))
    }

    pub(crate) fn publish(&self, published: Published) {
        *self.published.write() = Arc::new(published);
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.read())
    }

    /// Lends a connection to `read`.
    pub(crate) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        self.pool.with(read)
    }

    /// The first row of a query, if there is one.
    fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        self.with(|connection| {
            #[cfg(test)]
            plans::note(sql);
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            rows.next()?.map(read).transpose()
        })
    }

    /// All rows of a query that bounds itself.
    fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        self.with(|connection| {
            #[cfg(test)]
            plans::note(sql);
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(read(row)?);
            }
            Ok(found)
        })
    }

    fn list<T>(
        &self,
        listing: Listing,
        key: &str,
        page: Page,
        read: impl FnMut(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let newer = page.before.is_none() && page.after.is_some();
        let (sql, values) = listing.finish(key, page, newer);
        let mut rows = self.all(&sql, params_from_iter(values), read)?;
        if newer {
            rows.reverse();
        }
        Ok(rows)
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").field("head", &self.published().head).finish_non_exhaustive()
    }
}

/// A query that grows by conditions.
struct Listing {
    sql: String,
    values: Vec<Value>,
    glue: &'static str,
}

impl Listing {
    fn new(select: &str) -> Self {
        Self { sql: select.to_owned(), values: Vec::new(), glue: " WHERE " }
    }

    fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.sql.push_str(std::mem::replace(&mut self.glue, " AND "));
        self.sql.push_str(condition);
        self.values.push(value.into());
    }

    fn and_text(&mut self, condition: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.and(condition, value.clone());
        }
    }

    fn finish(mut self, key: &str, page: Page, newer: bool) -> (String, Vec<Value>) {
        if let Some(before) = page.before {
            self.and(&format!("{key} < ?"), int(before));
        } else if let Some(after) = page.after {
            self.and(&format!("{key} > ?"), int(after));
        }
        let order = if newer { "ASC" } else { "DESC" };
        let limit = if page.limit == 0 { MAX_PAGE } else { page.limit.min(MAX_PAGE) };
        self.sql.push_str(&format!(" ORDER BY {key} {order} LIMIT {limit}"));
        (self.sql, self.values)
    }
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Refuses a row whose seal does not hold.
fn sealed(row: &Row<'_>, what: impl FnOnce() -> String) -> Result<(), ReadError> {
    if seal::holds(row)? { Ok(()) } else { Err(ReadError::damaged(what())) }
}
