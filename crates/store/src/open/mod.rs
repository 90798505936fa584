//! Opening a folder: everything that must hold before one byte is served.
//!
//! The checks read the head, the edge of the tree and the anchor, never the whole history:
//! `verify_dir` does that.

mod checks;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use sluice_ledger::{AnchorState, empty_root};

use crate::anchor_file::AnchorFile;
use crate::connection;
use crate::crash::CrashPoint;
use crate::edge::Edge;
use crate::error::{OpenError, ReadError, SafeHaltKind, is_damage};
use crate::folder;
use crate::format::format;
use crate::head::{self, HeadKey, StoredHead};
use crate::options::StoreOptions;
use crate::readers::{Head, Published, Readers};
use crate::writer::{Writer, WriterParts};

/// Name of the database file in the folder.
pub(crate) const DATABASE: &str = "sluice.db";
/// Name of the anchor in the folder, unless it lies elsewhere.
pub(crate) const ANCHOR: &str = "anchor";

/// The entry point of the crate.
#[derive(Debug, Clone, Copy)]
pub struct Store;

impl Store {
    /// Opens a folder, or makes it, after checking that it may be served.
    pub fn open(options: &StoreOptions) -> Result<(Writer, Readers), OpenError> {
        if !connection::version_is_sound() {
            return Err(OpenError::TooOld(rusqlite::version().to_owned()));
        }
        folder::make_folder(&options.dir)
            .map_err(|source| OpenError::Io { path: options.dir.clone(), source })?;
        let lock = folder::lock(&options.dir)?;
        let opening = Opening {
            options,
            database: options.dir.join(DATABASE),
            anchor_path: options.anchor_path(),
            head_key: HeadKey::derive(&options.signing_key, &options.origin),
        };
        let anchor = opening.read_anchor()?;
        let connection = opening.connect(anchor.as_ref())?;
        opening.check_meta(&connection)?;
        let (stored, edge) = opening.check_head(&connection)?;
        opening.check_anchor(&connection, &stored, &edge, anchor.as_ref())?;
        opening.check_cosigned(&connection, &edge)?;
        opening.start(connection, stored, edge, anchor, lock)
    }
}

struct Opening<'a> {
    options: &'a StoreOptions,
    database: PathBuf,
    anchor_path: PathBuf,
    head_key: HeadKey,
}

impl Opening<'_> {
    /// Opens the database; makes it when there is none and the anchor knows of none.
    fn connect(&self, anchor: Option<&AnchorState>) -> Result<Connection, OpenError> {
        let is_new = !fs::metadata(&self.database).is_ok_and(|found| found.len() > 0);
        if is_new && let Some(anchor) = anchor {
            return Err(halt(
                SafeHaltKind::Rollback,
                format!(
                    "the database is gone or empty, the anchor knows of {} entries: restore the \
                     newest backup of `{}`",
                    anchor.size,
                    self.database.display()
                ),
            ));
        }
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |source| OpenError::Io { path, source }
        };
        folder::close_to_others(&self.database).map_err(io(&self.database))?;
        for beside in ["-wal", "-shm"].map(|end| format!("{DATABASE}{end}")) {
            let path = self.options.dir.join(beside);
            if path.exists() {
                folder::close_to_others(&path).map_err(io(&path))?;
            }
        }
        let connection = connection::open_writer(&self.database).map_err(|e| self.sql(e))?;
        let tables: u64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|e| self.sql(e))?;
        if tables == 0 && anchor.is_none() {
            self.create(&connection).map_err(|e| self.sql(e))?;
        }
        Ok(connection)
    }

    fn create(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(connection::SCHEMA)?;
        let key = self.options.signing_key.verifying_key().to_string();
        let origin = self.options.origin.as_str();
        for (name, value) in [("origin", origin), ("format", format()?), ("key", &key)] {
            connection.execute("INSERT INTO meta VALUES (?1, ?2)", [name, value])?;
        }
        let head = Head { size: 0, root: empty_root(), last_time_us: i64::MIN };
        head::write(connection, &head, 1, &self.head_key)?;
        connection.execute_batch("COMMIT")
    }

    fn start(
        &self,
        connection: Connection,
        stored: StoredHead,
        edge: Edge,
        anchor: Option<AnchorState>,
        lock: fs::File,
    ) -> Result<(Writer, Readers), OpenError> {
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |source| OpenError::Io { path, source }
        };
        folder::keep_reserve(&self.options.dir);
        if let Some(pages) = self.options.max_pages {
            connection.pragma_update(None, "max_page_count", pages).map_err(|e| self.sql(e))?;
        }
        let audit = connection::open_reader(&self.database).map_err(|e| self.sql(e))?;
        let anchor_file = AnchorFile::open(&self.anchor_path).map_err(io(&self.anchor_path))?;
        let StoredHead { head, commits, .. } = stored;
        let checkpoint: Arc<str> = Arc::from("");
        let published = Published { head: head.clone(), edge: edge.clone(), checkpoint };
        let readers = Readers::new(self.database.clone(), published);
        let parts = WriterParts {
            lock,
            connection,
            audit,
            readers: readers.clone(),
            head,
            commits,
            frontier: edge.frontier(),
            edge,
            anchor: anchor_file,
            origin: self.options.origin.clone(),
            signing_key: Arc::clone(&self.options.signing_key),
            head_key: self.head_key.clone(),
            crash: CrashPoint::new(self.options.crash_at.clone()),
            full_anchor: self.options.full_anchor.clone(),
        };
        let mut writer = Writer::new(parts, self.options.longest_log).map_err(|e| self.sql(e))?;
        writer.anchor_head(anchor).map_err(io(&self.anchor_path))?;
        Ok((writer, readers))
    }

    fn sql(&self, source: rusqlite::Error) -> OpenError {
        if is_damage(&source) {
            return halt(
                SafeHaltKind::Corrupt,
                format!(
                    "`{}` is damaged ({source}): run `sluice verify`, then restore the newest \
                     backup",
                    self.database.display()
                ),
            );
        }
        OpenError::Database { path: self.database.clone(), source }
    }

    fn read(&self, error: ReadError) -> OpenError {
        match error {
            ReadError::Sql(source) => self.sql(source),
            other => halt(
                SafeHaltKind::Corrupt,
                format!("`{}`: {other}, then restore the newest backup", self.database.display()),
            ),
        }
    }
}

fn halt(kind: SafeHaltKind, message: String) -> OpenError {
    OpenError::SafeHalt { kind, message }
}
