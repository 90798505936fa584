//! Checking a stopped folder from the first byte to the last, with nothing but the public key.
//!
//! Everything is read anew: every entry is hashed, every tile compared, the root held against
//! the head and the signed anchor, the derived columns against the bytes, every other row
//! against its seal. What cannot be seen here: a row that was changed together with its seal,
//! and a folder that was rolled back together with its anchor.

mod anchored;
mod entries;
mod problem;
mod rows;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};
use sluice_ledger::{Hash, VerifyingKey};

pub use self::problem::Problem;
use crate::connection;
use crate::folder;
use crate::head;
use crate::open::{ANCHOR, DATABASE};

/// What an entry's bytes say of themselves: stream, version, event name, time in microseconds.
pub type Described = (String, u64, String, i64);

/// Reads an entry's bytes for comparison with the columns stored beside them.
pub type Describe<'a> = dyn Fn(&[u8]) -> Result<Described, String> + Sync + 'a;

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
    let verification = Verification { database, connection, describe };
    let origin = verification.meta(key)?;
    let stored =
        head::read(&verification.connection).map_err(|e| Problem::read("the head row", e))?;
    let head = stored.head;
    let checked = verification.entries(&head)?;
    let streams = verification.streams(head.size)?;
    let anchored_size =
        verification.anchor(&anchor, key, &origin, stored.commits, &checked.edge)?;
    let rows = verification.sealed_rows()?;
    let blobs = verification.blobs()?;
    verification.structure()?;
    Ok(VerifyReport {
        origin,
        size: head.size,
        root: head.root,
        anchored_size,
        tiles: checked.tiles,
        streams,
        blobs,
        rows,
    })
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
