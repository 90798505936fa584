//! Why the store refuses to open, and why a read fails.

use std::path::PathBuf;

use sluice_ledger::proof::ProveError;

/// Why a store does not open. Every message ends with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What lies on the disk must not be served. Nothing was changed.
    #[error("safe halt ({kind}): {message}")]
    SafeHalt {
        /// What is wrong.
        kind: SafeHaltKind,
        /// What was found, and what to do.
        message: String,
    },
    /// Another process has the folder open.
    #[error("`{}` is in use by another process: stop it first, or choose another folder", .0.display())]
    Locked(PathBuf),
    /// The SQLite that is linked in can lose commits.
    #[error("SQLite {0} must not hold a ledger: build with 3.51.3 or later, and not with 3.52.0")]
    TooOld(String),
    /// The folder or a file in it cannot be used.
    #[error("cannot use `{}`: check that it exists, is writable and has space", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be written or read for a reason that is not damage.
    #[error("cannot use the database `{}`: check permissions and free space", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

/// The reasons for which serving is refused until a person has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SafeHaltKind {
    /// The database is behind what was acknowledged.
    Rollback,
    /// The database holds another history than the one that was acknowledged.
    Fork,
    /// Stored bytes are damaged.
    Corrupt,
    /// The folder belongs to another ledger.
    WrongOrigin,
    /// The folder was signed with another key.
    WrongKey,
    /// The anchor is gone while the database holds entries.
    MissingAnchor,
    /// The database was made by a build with other tables.
    OtherFormat,
}

impl SafeHaltKind {
    /// The stable word for logs and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Fork => "fork",
            Self::Corrupt => "corrupt",
            Self::WrongOrigin => "wrong_origin",
            Self::WrongKey => "wrong_key",
            Self::MissingAnchor => "missing_anchor",
            Self::OtherFormat => "other_format",
        }
    }
}

impl std::fmt::Display for SafeHaltKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a read fails.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// SQLite could not answer.
    #[error("reading the database")]
    Sql(#[from] rusqlite::Error),
    /// A row is not what was written. The answer is withheld.
    #[error("{what} is damaged: stop the server and run `sluice verify`")]
    Damaged {
        /// The row, by table and key.
        what: String,
    },
    /// A proof was asked for that the log cannot give.
    #[error("the log has {size} entries: {asked}")]
    OutOfRange {
        /// Entries in the log.
        size: u64,
        /// What was asked for.
        asked: String,
    },
}

impl ReadError {
    pub(crate) fn damaged(what: String) -> Self {
        Self::Damaged { what }
    }

    /// Whether stored bytes are wrong, and not merely out of reach.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Sql(source) => is_damage(source),
            Self::OutOfRange { .. } => false,
        }
    }

    pub(crate) fn prove(size: u64, error: ProveError<Self>) -> Self {
        match error {
            ProveError::Read(error) => error,
            other => Self::OutOfRange { size, asked: other.to_string() },
        }
    }
}

/// Whether SQLite's error means that the file's content is wrong.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, TypeMismatch};
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            matches!(code.code, DatabaseCorrupt | NotADatabase | TypeMismatch)
                || message.as_deref().is_some_and(|text| {
                    text.starts_with("no such")
                        || text.contains("malformed")
                        || text.contains("unsupported file format")
                })
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::InvalidColumnName(..)
        | rusqlite::Error::InvalidColumnIndex(..)
        | rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::SqlInputError { .. } => true,
        _ => false,
    }
}
