//! Checking a stopped folder from the first byte to the last, with nothing but the public key.
//!
//! Everything is read anew: every entry is hashed, every tile compared, the root held against
//! the head, the signed anchor and what witnesses have cosigned, the derived columns against the bytes, every other row
//! against its seal, every page of the file accounted for. The entries and their index are read
//! from the pages of the file, without SQLite. What cannot be seen here: a row that was changed together with its seal,
//! and a folder that was rolled back together with its anchor.

mod anchored;
mod entries;
mod file;
mod problem;
mod rows;
mod streams;

use std::borrow::Cow;
use std::hash::RandomState;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};
use sluice_ledger::{Hash, VerifyingKey};

use self::file::DatabaseFile;
pub use self::problem::Problem;
use self::rows::Beside;
use crate::connection;
use crate::folder;
use crate::head;
use crate::open::{ANCHOR, DATABASE};

/// What an entry's bytes say of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described<'a> {
    /// The stream it belongs to.
    pub stream: Cow<'a, str>,
    /// Its position in the stream.
    pub version: u64,
    /// Name of the event.
    pub name: Cow<'a, str>,
    /// Its time in microseconds.
    pub time_us: i64,
}

/// Reads an entry's bytes for comparison with the columns stored beside them.
pub type Describe<'a> = dyn Fn(&[u8]) -> Result<Described<'_>, String> + Sync + 'a;

/// What was found to be whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Name of the log.
    pub origin: String,
    /// Entries, all of them hashed.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Entries that the signed anchor speaks for; above that none was acknowledged.
    pub anchored_size: u64,
    /// Stored tiles, all of them compared.
    pub tiles: u64,
    /// Streams, all of them without gaps.
    pub streams: u64,
    /// Blobs, all of them with their digest.
    pub blobs: u64,
    /// Rows beside the journal, all of them with their seal.
    pub rows: u64,
}

/// What the steps of a verification share.
struct Verification<'a> {
    database: PathBuf,
    connection: Connection,
    file: DatabaseFile,
    /// The keys of this run's fingerprints.
    fingerprints: &'a RandomState,
    describe: &'a Describe<'a>,
}

/// Verifies the folder of a stopped server. Changes nothing; on a full disk it uses the reserve.
///
/// `anchor` is `dir/anchor` when absent. The first problem found is returned.
pub fn verify_dir(
    dir: &Path,
    anchor: Option<&Path>,
    key: &VerifyingKey,
    describe: &Describe<'_>,
) -> Result<VerifyReport, Problem> {
    let database = dir.join(DATABASE);
    let anchor = anchor.map_or_else(|| dir.join(ANCHOR), Path::to_path_buf);
    let _lock = folder::lock_for_reading(dir).map_err(|_| Problem::Running(dir.to_path_buf()))?;
    let length = std::fs::metadata(&database)
        .map_err(|source| Problem::Io { path: database.clone(), source })?
        .len();
    if length == 0 {
        return Err(Problem::Structure(format!("`{}` is empty", database.display())));
    }
    let connection = open(dir, &database)?;
    rows::check_schema(&connection)?;
    let file = DatabaseFile::open(&database)?;
    let fingerprints = RandomState::new();
    let verification =
        Verification { database, connection, file, fingerprints: &fingerprints, describe };
    let origin = verification.meta(key)?;
    let stored =
        head::read(&verification.connection).map_err(|e| Problem::read("the head row", e))?;
    let head = stored.head;
    let index = verification.root("entries_by_stream")?;
    let (checked, streams, beside) = std::thread::scope(|scope| {
        let streams = scope.spawn(|| streams::check(&verification.file, index, &fingerprints));
        let beside = scope.spawn(|| Beside::check(&verification.database, &verification.file));
        (verification.entries(&head), joined(streams.join()), joined(beside.join()))
    });
    let (checked, places) = checked?;
    let streams = streams?;
    if (streams.entries, streams.places) != (head.size, places) {
        let message = format!("the index of streams does not speak of the {} entries", head.size);
        return Err(Problem::Structure(message));
    }
    let anchored_size =
        verification.anchor(&anchor, key, &origin, stored.commits, &checked.edge)?;
    verification.cosigned(key, &origin, &checked.edge)?;
    let (rows, blobs) = beside?;
    verification.file.nothing_left_over()?;
    Ok(VerifyReport {
        origin,
        size: head.size,
        root: head.root,
        anchored_size,
        tiles: checked.tiles,
        streams: streams.streams,
        blobs,
        rows,
    })
}

impl Verification<'_> {
    /// The first page of a table or an index.
    fn root(&self, name: &str) -> Result<u32, Problem> {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        let root = self.connection.query_row(sql, [name], |row| row.get(0));
        root.map_err(|error| Problem::unreadable(format!("the place of `{name}`"), error))
    }
}

/// Opens the database. On a full disk the reserve makes room for SQLite's shared index.
fn open(dir: &Path, database: &Path) -> Result<Connection, Problem> {
    let open = || {
        let connection = connection::open_reader(database)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    let opened = open().or_else(|error: rusqlite::Error| {
        use ErrorCode::{CannotOpen, DiskFull, SystemIoFailure};
        let code = error.sqlite_error_code();
        let is_full = matches!(code, Some(DiskFull | CannotOpen | SystemIoFailure));
        if is_full && folder::release_reserve(dir).is_ok() { open() } else { Err(error) }
    });
    opened.map_err(|error| Problem::unreadable("the database", error))
}

/// What a thread found; a panic of it goes on here.
fn joined<T>(ended: std::thread::Result<T>) -> T {
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
