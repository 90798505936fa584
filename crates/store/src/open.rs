//! Opening a folder: everything that must hold before one byte is served.
//!
//! The checks read the head, the edge of the tree and the anchor, never the whole history:
//! `verify_dir` does that.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rusqlite::{Connection, OptionalExtension};
use sluice_ledger::{AnchorState, Checkpoint, Frontier, SigningKey, empty_root};

use crate::anchor_file::{self, AnchorFile};
use crate::connection;
use crate::crash::CrashPoint;
use crate::edge::{self, Edge, Tree};
use crate::error::{OpenError, ReadError, SafeHaltKind, is_damage};
use crate::folder;
use crate::head::{self, HeadKey, StoredHead};
use crate::readers::{Head, Published, Readers};
use crate::writer::{Writer, WriterParts};

/// Name of the database file in the folder.
pub(crate) const DATABASE: &str = "sluice.db";
/// Name of the anchor in the folder, unless it lies elsewhere.
pub(crate) const ANCHOR: &str = "anchor";

/// The format of the database, in its table `meta`.
pub(crate) const FORMAT: &str = "1";

/// What to open, and how.
#[derive(Clone)]
pub struct StoreOptions {
    /// The instance's folder; made when it does not exist.
    pub dir: PathBuf,
    /// The anchor file, better on another device; `dir/anchor` when absent.
    pub anchor: Option<PathBuf>,
    /// Names the log.
    pub origin: String,
    /// Signs checkpoints and seals the head.
    pub signing_key: Arc<SigningKey>,
    /// Take the database as it is when the anchor is missing. A decision for a person.
    pub adopt_missing_anchor: bool,
    /// For tests: the named point at which the process kills itself.
    pub crash_at: Option<String>,
    /// For tests: while set, the disk of the anchor is full.
    pub full_anchor: Option<Arc<AtomicBool>>,
    /// For tests: the most pages that the database may have, as if the disk were full.
    pub max_pages: Option<u32>,
}

impl StoreOptions {
    /// The usual options for this folder.
    pub fn new(
        dir: impl Into<PathBuf>,
        origin: impl Into<String>,
        signing_key: Arc<SigningKey>,
    ) -> Self {
        Self {
            dir: dir.into(),
            anchor: None,
            origin: origin.into(),
            signing_key,
            adopt_missing_anchor: false,
            crash_at: None,
            full_anchor: None,
            max_pages: None,
        }
    }

    fn anchor_path(&self) -> PathBuf {
        self.anchor.clone().unwrap_or_else(|| self.dir.join(ANCHOR))
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("dir", &self.dir)
            .field("anchor", &self.anchor)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The entry point of the crate.
#[derive(Debug, Clone, Copy)]
pub struct Store;

impl Store {
    /// Opens a folder, or makes it, after checking that it may be served.
    pub fn open(options: &StoreOptions) -> Result<(Writer, Readers), OpenError> {
        if !connection::version_is_sound() {
            return Err(OpenError::TooOld(rusqlite::version().to_owned()));
        }
        fs::create_dir_all(&options.dir)
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
    /// Reads the anchor and checks that it is of this log and signed with this key.
    fn read_anchor(&self) -> Result<Option<AnchorState>, OpenError> {
        let path = self.anchor_path.display();
        let state = match anchor_file::read(&self.anchor_path) {
            Ok(None) => return Ok(None),
            Ok(Some(state)) => state,
            Err(anchor_file::AnchorReadError::Io(source)) => {
                return Err(OpenError::Io { path: self.anchor_path.clone(), source });
            }
            Err(anchor_file::AnchorReadError::Content(error)) => {
                return Err(halt(
                    SafeHaltKind::Corrupt,
                    format!("the anchor `{path}` is damaged ({error}): restore it from a copy"),
                ));
            }
        };
        if state.origin != self.options.origin {
            return Err(halt(
                SafeHaltKind::WrongOrigin,
                format!(
                    "the anchor `{path}` is of the log `{}`, this is `{}`: point to the anchor \
                     of this log",
                    state.origin, self.options.origin
                ),
            ));
        }
        let key = self.options.signing_key.verifying_key();
        if let Err(error) = Checkpoint::open(&state.checkpoint, &[key]) {
            return Err(halt(
                SafeHaltKind::WrongKey,
                format!(
                    "the anchor `{path}` is not signed with this key ({error}): use the key that \
                     signed it"
                ),
            ));
        }
        Ok(Some(state))
    }

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
        for (name, value) in
            [("origin", self.options.origin.as_str()), ("format", FORMAT), ("key", &key)]
        {
            connection.execute("INSERT INTO meta VALUES (?1, ?2)", [name, value])?;
        }
        let head = Head { size: 0, root: empty_root(), last_time_us: i64::MIN };
        head::write(connection, &head, 1, &self.head_key)?;
        connection.execute_batch("COMMIT")
    }

    fn check_meta(&self, connection: &Connection) -> Result<(), OpenError> {
        let meta = |name: &str| -> Result<String, OpenError> {
            connection
                .query_row("SELECT value FROM meta WHERE key = ?1", [name], |row| row.get(0))
                .optional()
                .map_err(|e| self.sql(e))
                .map(Option::unwrap_or_default)
        };
        let database = self.database.display();
        let format = meta("format")?;
        if format != FORMAT {
            return Err(halt(
                SafeHaltKind::Corrupt,
                format!(
                    "`{database}` has format `{format}`, this program knows `{FORMAT}`: use the \
                     version that wrote it, or restore a backup"
                ),
            ));
        }
        let origin = meta("origin")?;
        if origin != self.options.origin {
            return Err(halt(
                SafeHaltKind::WrongOrigin,
                format!(
                    "`{database}` is the log `{origin}`, not `{}`: start with its own name, or \
                     point to the right folder",
                    self.options.origin
                ),
            ));
        }
        let key = meta("key")?;
        if key != self.options.signing_key.verifying_key().to_string() {
            return Err(halt(
                SafeHaltKind::WrongKey,
                format!("`{database}` belongs to the key `{key}`: start with that key"),
            ));
        }
        Ok(())
    }

    /// Checks that the head was written by us and is the head of what is stored.
    fn check_head(&self, connection: &Connection) -> Result<(StoredHead, Edge), OpenError> {
        let stored = head::read(connection).map_err(|e| self.read(e))?;
        let corrupt = |found: String| {
            let message = format!("{found}: run `sluice verify`, then restore the newest backup");
            halt(SafeHaltKind::Corrupt, message)
        };
        if !self.head_key.sealed(&stored) {
            return Err(corrupt("the head row was not written with this key".to_owned()));
        }
        let head = &stored.head;
        let edge = Edge::load(connection, head.size).map_err(|e| self.read(e))?;
        if edge.frontier().root() != head.root {
            return Err(corrupt(format!(
                "the stored entries do not have the root of the head at size {}",
                head.size
            )));
        }
        let entries: u64 = connection
            .query_row("SELECT coalesce(max(seq) + 1, 0) FROM entries", [], |row| row.get(0))
            .map_err(|e| self.sql(e))?;
        if entries != head.size {
            return Err(corrupt(format!("the head says {} entries, found {entries}", head.size)));
        }
        Ok((stored, edge))
    }

    /// Checks that the database holds what was acknowledged.
    fn check_anchor(
        &self,
        connection: &Connection,
        stored: &StoredHead,
        edge: &Edge,
        anchor: Option<&AnchorState>,
    ) -> Result<(), OpenError> {
        let head = &stored.head;
        let Some(anchor) = anchor else {
            if head.size == 0 || self.options.adopt_missing_anchor {
                return self.check_unsigned(connection, head, Frontier::new());
            }
            return Err(halt(
                SafeHaltKind::MissingAnchor,
                format!(
                    "the database has {} entries, and there is no anchor at `{}`: put it back; \
                     only if it is lost for good, adopt the database as it is",
                    head.size,
                    self.anchor_path.display()
                ),
            ));
        };
        if head.size < anchor.size || stored.commits < anchor.generation {
            return Err(halt(
                SafeHaltKind::Rollback,
                format!(
                    "the database has {} entries in {} commits, {} in {} were acknowledged: this \
                     is an older copy, or its log is gone; restore the newest backup",
                    head.size, stored.commits, anchor.size, anchor.generation
                ),
            ));
        }
        let signed =
            Tree::new(connection, edge).frontier_at(anchor.size).map_err(|e| self.read(e))?;
        if signed.root() != anchor.root {
            return Err(halt(
                SafeHaltKind::Fork,
                format!(
                    "the first {} entries are not those that were acknowledged: the database \
                     holds another history; run `sluice verify` and restore the newest backup",
                    anchor.size
                ),
            ));
        }
        self.check_unsigned(connection, head, signed)
    }

    /// Reads back what was committed after the anchor was written, and is going to be signed.
    fn check_unsigned(
        &self,
        connection: &Connection,
        head: &Head,
        mut frontier: Frontier,
    ) -> Result<(), OpenError> {
        let signed = frontier.size();
        edge::each_leaf(connection, signed, head.size, |leaf| frontier.push(leaf))
            .map_err(|e| self.read(e))?;
        if frontier.root() == head.root {
            return Ok(());
        }
        Err(halt(
            SafeHaltKind::Corrupt,
            format!(
                "the entries after the {signed} that were acknowledged are damaged: run `sluice \
                 verify`, then restore the newest backup"
            ),
        ))
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
        let mut writer = Writer::new(WriterParts {
            lock,
            connection,
            audit,
            readers: readers.clone(),
            head,
            commits,
            edge,
            anchor: anchor_file,
            origin: self.options.origin.clone(),
            signing_key: Arc::clone(&self.options.signing_key),
            head_key: self.head_key.clone(),
            crash: CrashPoint::new(self.options.crash_at.clone()),
            full_anchor: self.options.full_anchor.clone(),
        });
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
