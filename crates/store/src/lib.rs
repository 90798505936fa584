//! The store: SQL lives here and nowhere else.
//!
//! A folder holds one journal: entries in a Merkle tree, the views derived from them, and the
//! rows that live beside them (inbox, outbox, tokens, evidence). [`Store::open`] checks the
//! folder and gives the single [`Writer`] and the [`Readers`]. The store knows no domain: rows
//! are words, numbers and JSON text.
//!
//! In the folder: `sluice.db` with its write-ahead log, `anchor` (or elsewhere, better on another
//! device), `lock`, and `reserve`, a file that gives its space to a verification on a full disk.
//!
//! What holds: a commit is acknowledged only when its transaction is flushed, its entries were
//! read back and hashed in a second way, its checkpoint is signed, and the anchor is flushed.
//! What is not there: no network, no clock, no thread of its own, no knowledge of events.

mod anchor_file;
mod batch;
mod connection;
mod cosigned;
mod crash;
mod edge;
mod error;
mod failure;
mod folder;
mod format;
mod head;
mod open;
mod options;
mod readers;
mod record;
pub mod rows;
mod seal;
mod verify;
mod views;
mod writer;

pub use self::batch::{
    Batch, Committed, EntryWrite, MAX_BATCH_ENTRIES, MAX_BATCH_ROWS, NotCommitted, Outcome,
    Unresolved,
};
pub use self::crash::CRASH_POINTS;
pub use self::error::{OpenError, ReadError, SafeHaltKind};
pub use self::folder::{make_folder, release_reserve};
pub use self::open::Store;
pub use self::options::StoreOptions;
pub use self::readers::{
    Answers, ChangeFilter, DecisionFilter, DeliveryGlance, DeployedDay, DeploymentFilter, Entry,
    Head, InboxFilter, IncidentFilter, MAX_ENTRIES, MAX_PAGE, OutboxFilter, Owed, Page, Passage,
    ProblemFilter, ProposedDay, Readers, Span, States,
};
pub use self::rows::{DuplicateBy, Row, RowOutcome};
pub use self::verify::{Describe, Described, Problem, VerifyReport, verify_dir};
pub use self::views::{Difference, Scratch, View, ViewRow, ViewSource, compare_views, views_dump};
pub use self::writer::Writer;
