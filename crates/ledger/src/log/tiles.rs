//! Proofs from published tiles, for clients that have no database.

use super::{LogProblem, LogSource};
use crate::audit;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::proof::{self, HashReader, ProveError};
use crate::tile::{TILE_WIDTH, TileId, nodes_at};

/// Reads the hashes of complete subtrees from the tiles of a log of `size` entries.
///
/// What it reads is not verified: verify the proof that is made of it.
pub struct TileReader<'a, S> {
    source: &'a S,
    size: u64,
}

impl<'a, S: LogSource> TileReader<'a, S> {
    /// For the log at this size, which a checkpoint said.
    pub fn new(source: &'a S, size: u64) -> Self {
        Self { source, size }
    }
}

impl<S: LogSource> HashReader for TileReader<'_, S> {
    type Error = LogProblem;

    fn node(&self, level: u8, index: u64) -> Result<Hash, LogProblem> {
        let (tile_level, rise) = (level / 8, level % 8);
        let first = index << rise;
        let row = u64::from(TILE_WIDTH);
        let nodes = nodes_at(tile_level, self.size);
        let width = (nodes.saturating_sub(first / row * row)).min(row) as u16;
        let tile = TileId { level: tile_level, index: first / row, width };
        let bytes =
            self.source.tile(&tile).map_err(|error| LogProblem::read(tile.path(), error))?;
        let hashes = tile.decode(&bytes).map_err(|source| LogProblem::Tile { tile, source })?;
        let start = (first % row) as usize;
        match hashes.get(start..start + (1 << rise)) {
            Some(subtree) => Ok(audit::root(subtree)),
            None => unreachable!("only complete subtrees are asked for"),
        }
    }
}

/// Checks that the log with the `newer` head, verified before, continues the `older` one.
///
/// The older head may come from an anchor, a receipt, a ticket or a witness.
pub fn verify_continues<S: LogSource>(
    source: &S,
    older: &Checkpoint,
    newer: &Checkpoint,
) -> Result<(), LogProblem> {
    let broken = || LogProblem::NotContinued { size: older.size };
    if older.origin != newer.origin {
        return Err(broken());
    }
    let reader = TileReader::new(source, newer.size);
    let proof = match proof::consistency(older.size, newer.size, &reader) {
        Ok(proof) => proof,
        Err(ProveError::Read(problem)) => return Err(problem),
        Err(ProveError::SizesReversed { .. } | ProveError::IndexOutside { .. }) => {
            return Err(broken());
        }
    };
    proof::verify_consistency(older.size, newer.size, &older.root, &newer.root, &proof)
        .map_err(|_| broken())
}
