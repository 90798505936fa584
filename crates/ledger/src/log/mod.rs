//! Verifying a whole published log: every entry, every tile, the root and its signature.
//!
//! Works on any C2SP tlog-tiles log. Nothing that the source delivers is believed: entries are
//! hashed, every hash tile is computed again and compared, and the root over all of it must be
//! the one that a known key has signed. What this cannot see is a log that was replaced as a
//! whole by one who has the key; compare with an older checkpoint ([`verify_continues`]), with
//! receipts or with witnesses for that.

mod check;
mod forest;
mod pipeline;
mod tiles;

use std::error::Error;
use std::num::NonZeroUsize;

pub use tiles::{TileReader, verify_continues};

use crate::bundle::BundleError;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::Hash;
use crate::note::VerifyingKey;
use crate::tile::{BundleId, TileError, TileId};

/// Where a published log is read from: a folder, an address, a database.
pub trait LogSource {
    /// Why something could not be read.
    type Error: Error + Send + Sync + 'static;
    /// The published checkpoint, a signed note.
    fn checkpoint(&self) -> Result<String, Self::Error>;
    /// The bytes of a hash tile, exactly as wide as asked.
    fn tile(&self, tile: &TileId) -> Result<Vec<u8>, Self::Error>;
    /// The bytes of a bundle of entries, exactly as wide as asked.
    fn entries(&self, bundle: &BundleId) -> Result<Vec<u8>, Self::Error>;
}

/// What a verification has found to be in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReport {
    /// The signed head.
    pub checkpoint: Checkpoint,
    /// Bytes of all entries together.
    pub entry_bytes: u64,
    /// Bundles read and hashed.
    pub bundles: u64,
    /// Hash tiles compared, of all levels.
    pub tiles: u64,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries hashed and compared.
    pub entries_done: u64,
    /// Entries in the log.
    pub entries: u64,
}

/// The first thing found wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum LogProblem {
    /// The source could not deliver.
    #[error("reading `{what}` of the log")]
    Read {
        /// Path of what was asked for.
        what: String,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The checkpoint is malformed or not signed by a known key.
    #[error("the log's checkpoint is refused")]
    Checkpoint(#[from] CheckpointError),
    /// A bundle is malformed.
    #[error("`{path}` is not a bundle of its entries", path = .bundle.path())]
    Bundle {
        /// Which.
        bundle: BundleId,
        /// Why.
        source: BundleError,
    },
    /// A tile is malformed.
    #[error("`{path}` is not a tile of its width", path = .tile.path())]
    Tile {
        /// Which.
        tile: TileId,
        /// Why.
        source: TileError,
    },
    /// An entry and its hash in the tile of level 0 disagree.
    #[error("entry {index} does not have the hash in `{path}`", path = .tile.path())]
    EntryMismatch {
        /// Index of the entry.
        index: u64,
        /// Tile with the other hash.
        tile: TileId,
    },
    /// A hash of a higher tile is not the one of the hashes below it.
    #[error("hash {position} of `{path}` is not that of the tile below", path = .tile.path())]
    NodeMismatch {
        /// Tile with the other hash.
        tile: TileId,
        /// Position within the tile, from 0.
        position: usize,
    },
    /// The caller's own check of an entry failed.
    #[error("entry {index} is refused: {why}")]
    EntryRefused {
        /// Index of the entry.
        index: u64,
        /// What the check said.
        why: String,
    },
    /// The root over all entries is not the signed one.
    #[error("the {size} entries have the root {computed}, signed is {signed}")]
    RootMismatch {
        /// Entries in the log.
        size: u64,
        /// Root over the entries.
        computed: Hash,
        /// Root in the checkpoint.
        signed: Hash,
    },
    /// The log does not continue an older checkpoint of the same origin.
    #[error("the log does not continue the checkpoint of size {size}")]
    NotContinued {
        /// Size of the older checkpoint.
        size: u64,
    },
}

impl LogProblem {
    fn read(what: impl Into<String>, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Read { what: what.into(), source: Box::new(error) }
    }
}

/// Verifies everything that the log of `source` consists of, on the calling thread alone.
pub fn verify_log<S: LogSource>(
    source: &S,
    keys: &[VerifyingKey],
    progress: &mut dyn FnMut(Progress),
) -> Result<LogReport, LogProblem> {
    LogVerifier::new(keys).run(source, progress)
}

/// A further check that each entry must pass: its index, its bytes; the error says why not.
pub type EntryCheck<'a> = dyn Fn(u64, &[u8]) -> Result<(), String> + Sync + 'a;

/// A verification of a whole log, with choices.
///
/// Memory stays bounded whatever the log's size: per thread a few bundles, at most 64 MiB of
/// bundles waiting altogether, and 256 hashes for each level of tiles.
pub struct LogVerifier<'a> {
    keys: &'a [VerifyingKey],
    threads: NonZeroUsize,
    entry_check: Option<&'a EntryCheck<'a>>,
}

impl<'a> LogVerifier<'a> {
    /// Verifies with these keys of the log, on the calling thread alone.
    pub fn new(keys: &'a [VerifyingKey]) -> Self {
        Self { keys, threads: NonZeroUsize::MIN, entry_check: None }
    }

    /// Hashes on this many threads; the source is read on the calling thread in any case.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Runs `check` on every entry too: in order within a bundle, bundles in any order.
    pub fn check_entries(mut self, check: &'a EntryCheck<'a>) -> Self {
        self.entry_check = Some(check);
        self
    }

    /// Verifies the log; the problem returned is the first one in the order of the entries.
    pub fn run<S: LogSource>(
        &self,
        source: &S,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<LogReport, LogProblem> {
        let published =
            source.checkpoint().map_err(|error| LogProblem::read("checkpoint", error))?;
        let checkpoint = Checkpoint::open(&published, self.keys)?;
        let mut forest = forest::Forest::new(source, checkpoint.size);
        pipeline::run(source, checkpoint.size, self.threads, self.entry_check, &mut |checked| {
            forest.add(checked)?;
            progress(Progress { entries_done: forest.entries(), entries: checkpoint.size });
            Ok(())
        })?;
        let (root, mut report) = forest.finish(checkpoint.clone())?;
        if root != checkpoint.root {
            return Err(LogProblem::RootMismatch {
                size: checkpoint.size,
                computed: root,
                signed: checkpoint.root,
            });
        }
        report.checkpoint = checkpoint;
        Ok(report)
    }
}
