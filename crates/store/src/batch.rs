//! What goes into one commit, and what comes out of it.

use std::sync::Arc;

use sluice_ledger::Receipt;

use crate::readers::Head;
use crate::rows::{Row, RowOutcome};

/// Everything that one commit writes: all of it or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Appended to the journal in this order.
    pub entries: Vec<EntryWrite>,
    /// Written in this order, after the entries.
    pub rows: Vec<Row>,
}

/// One entry to append. Everything but `bytes` must say what `bytes` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryWrite {
    /// The canonical bytes, at most 65,535.
    pub bytes: Vec<u8>,
    /// The stream that the event belongs to.
    pub stream: String,
    /// Position within the stream; taken positions are a conflict.
    pub version: u64,
    /// Name of the event.
    pub name: String,
    /// When it is recorded, in microseconds since the Unix epoch; never before the last one.
    pub time_us: i64,
}

/// The most entries in one batch.
pub const MAX_BATCH_ENTRIES: usize = 4_096;

/// The most rows in one batch.
pub const MAX_BATCH_ROWS: usize = 65_536;

/// What became of a batch.
#[must_use = "a batch that is not committed was not recorded"]
#[derive(Debug)]
pub enum Outcome {
    /// Durable, read back, signed and anchored: it may be acknowledged.
    Committed(Committed),
    /// Nothing of it was written; the same batch may be tried again.
    NotCommitted(NotCommitted),
    /// Written, and not to be acknowledged yet. It will not be lost and must not be repeated:
    /// hand it to [`crate::Writer::resolve`].
    Unknown(Unresolved),
}

/// A batch that may be acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// Position of the batch's first entry.
    pub first_seq: u64,
    /// The head after the batch.
    pub head: Head,
    /// The signed checkpoint of that head.
    pub checkpoint_note: Arc<str>,
    /// One receipt for each entry, in order.
    pub receipts: Vec<Receipt>,
    /// What became of each row, in order.
    pub rows: Vec<RowOutcome>,
}

/// A batch whose acknowledgement has to wait for the anchor.
#[must_use = "resolve it: it is neither committed nor failed"]
#[derive(Debug)]
pub struct Unresolved {
    pub(crate) committed: Committed,
}

/// Why nothing of a batch was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCommitted {
    /// The disk, the quota or the anchor's disk is full. Goes on when space returns.
    #[error("the disk is full")]
    Full,
    /// The database did not become free in time.
    #[error("the database is busy")]
    Busy,
    /// A unique key is taken: a stream version, an idempotency key, a token.
    #[error("the batch conflicts with what is recorded: {0}")]
    Conflict(String),
    /// The batch is above a limit.
    #[error("the batch is refused: {0}")]
    Refused(String),
}

impl NotCommitted {
    /// The stable word for logs and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Busy => "busy",
            Self::Conflict(_) => "conflict",
            Self::Refused(_) => "refused",
        }
    }
}
