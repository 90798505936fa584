//! What can be wrong with a folder, each with its place.

use std::path::PathBuf;

use crate::error::ReadError;

/// The first thing found to be wrong with a folder.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A server has the folder open.
    #[error("`{}` is in use by another process: stop it first", .0.display())]
    Running(PathBuf),
    /// A file cannot be read at all.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database file is malformed.
    #[error("{what} cannot be read: {source}")]
    Unreadable {
        /// What was read at that moment.
        what: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Format, origin or key are not as expected.
    #[error("{0}")]
    Identity(String),
    /// The head row contradicts the entries.
    #[error("the head row is wrong: {0}")]
    Head(String),
    /// The anchor is missing, damaged, or contradicts the entries.
    #[error("the anchor does not fit: {0}")]
    Anchor(String),
    /// A head that witnesses have cosigned contradicts the entries.
    #[error("{0}")]
    Cosigned(String),
    /// An entry is missing or is not what the tree holds.
    #[error("entry {seq}: {message}")]
    Entry {
        /// Its position.
        seq: u64,
        /// What is wrong.
        message: String,
    },
    /// A tile is missing or is not what the entries give.
    #[error("tile {index} of level {level}: {message}")]
    Tile {
        /// Level of the tile.
        level: u8,
        /// Position within the level.
        index: u64,
        /// What is wrong.
        message: String,
    },
    /// A stream has a gap or its entries are out of order.
    #[error("stream `{stream}`: {message}")]
    Stream {
        /// Name of the stream.
        stream: String,
        /// What is wrong.
        message: String,
    },
    /// A blob does not have its digest.
    #[error("blob `{digest}` does not have its digest")]
    Blob {
        /// The digest it is stored under.
        digest: String,
    },
    /// A row beside the journal does not have its seal.
    #[error("row `{key}` of `{table}` is not what was written")]
    Row {
        /// Name of the table.
        table: &'static str,
        /// Key of the row.
        key: String,
    },
    /// The file's structure is damaged.
    #[error("the database is damaged: {0}")]
    Structure(String),
}

impl Problem {
    pub(super) fn unreadable(what: impl Into<String>, source: rusqlite::Error) -> Self {
        Self::Unreadable { what: what.into(), source }
    }

    pub(super) fn read(what: &str, error: ReadError) -> Self {
        match error {
            ReadError::Sql(source) => Self::unreadable(what, source),
            other => Self::Structure(other.to_string()),
        }
    }

    pub(super) fn entry(seq: u64, message: impl Into<String>) -> Self {
        Self::Entry { seq, message: message.into() }
    }
}
