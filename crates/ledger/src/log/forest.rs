//! The levels above the leaves: collects hashes into tiles, compares each, and folds the root.

use super::check::{Checked, Hashes};
use super::{LogProblem, LogReport, LogSource};
use crate::audit;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::tile::{TILE_WIDTH, TileId, nodes_at};

/// For each level the hashes of its unfinished last tile: at most 256 at any time.
pub(super) struct Forest<'a, S> {
    source: &'a S,
    size: u64,
    entries: u64,
    entry_bytes: u64,
    bundles: u64,
    tiles: u64,
    levels: Vec<Vec<Hash>>,
}

impl<'a, S: LogSource> Forest<'a, S> {
    pub(super) fn new(source: &'a S, size: u64) -> Self {
        let levels = vec![Vec::new()];
        Self { source, size, entries: 0, entry_bytes: 0, bundles: 0, tiles: 0, levels }
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// Takes up the next bundle, from left to right.
    pub(super) fn add(&mut self, checked: Checked) -> Result<(), LogProblem> {
        self.entries += u64::from(checked.width);
        self.entry_bytes += checked.entry_bytes;
        self.bundles += 1;
        self.tiles += 1;
        match checked.hashes {
            Hashes::Full(hash) => self.push(1, hash),
            Hashes::Partial(leaves) => {
                self.levels[0] = leaves;
                Ok(())
            }
        }
    }

    /// Compares the partial tiles and folds everything into the root.
    pub(super) fn finish(
        mut self,
        checkpoint: Checkpoint,
    ) -> Result<(Hash, LogReport), LogProblem> {
        for level in 1..self.levels.len() {
            if !self.levels[level].is_empty() {
                self.compare(level)?;
            }
        }
        let root = self.levels.iter().fold(None, |right: Option<Hash>, hashes| {
            let row: Vec<Hash> = hashes.iter().copied().chain(right).collect();
            (!row.is_empty()).then(|| audit::root(&row))
        });
        let report = LogReport {
            checkpoint,
            entry_bytes: self.entry_bytes,
            bundles: self.bundles,
            tiles: self.tiles,
        };
        Ok((root.unwrap_or_else(|| audit::root(&[])), report))
    }

    fn push(&mut self, level: usize, hash: Hash) -> Result<(), LogProblem> {
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Vec::new());
        }
        self.levels[level].push(hash);
        if self.levels[level].len() < usize::from(TILE_WIDTH) {
            return Ok(());
        }
        self.compare(level)?;
        let root = audit::root(&self.levels[level]);
        self.levels[level].clear();
        self.push(level + 1, root)
    }

    /// Compares the last tile of a level with the published one.
    fn compare(&mut self, level: usize) -> Result<(), LogProblem> {
        let computed = &self.levels[level];
        let width = computed.len() as u16;
        let level = level as u8;
        let full = u64::from(TILE_WIDTH);
        let index = (nodes_at(level, self.entries) - u64::from(width)) / full;
        debug_assert!(nodes_at(level, self.size) >= index * full + u64::from(width));
        let tile = TileId { level, index, width };
        let bytes =
            self.source.tile(&tile).map_err(|error| LogProblem::read(tile.path(), error))?;
        let published = tile.decode(&bytes).map_err(|source| LogProblem::Tile { tile, source })?;
        self.tiles += 1;
        match computed.iter().zip(&published).position(|(ours, theirs)| ours != theirs) {
            None => Ok(()),
            Some(position) => Err(LogProblem::NodeMismatch { tile, position }),
        }
    }
}
