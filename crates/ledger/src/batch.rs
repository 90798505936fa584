//! Appending many leaves at once, with the proof of each one, without reading anything back.
//!
//! Every node that the proof of a new leaf needs is either new itself or part of the old
//! frontier, so a group commit can hand out receipts from memory.

use std::collections::BTreeMap;
use std::convert::Infallible;

use crate::hash::{Hash, node_hash};
use crate::proof::{self, HashReader};
use crate::tree::Frontier;

/// Appends `leaves` and returns for each its inclusion proof in the tree after the whole batch.
pub fn append_with_proofs(frontier: &mut Frontier, leaves: &[Hash]) -> Vec<Vec<Hash>> {
    Batch::append(frontier, leaves).proofs()
}

/// The nodes that one append has completed, on top of the frontier before it.
#[derive(Debug, Clone)]
pub struct Batch {
    before: Frontier,
    after_size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Batch {
    /// Appends `leaves` to `frontier` and keeps what is needed to prove them.
    pub fn append(frontier: &mut Frontier, leaves: &[Hash]) -> Self {
        let before = frontier.clone();
        let after_size = before.size() + leaves.len() as u64;
        let mut batch = Self { before, after_size, levels: vec![leaves.to_vec()] };
        batch.complete_parents();
        *frontier = batch.frontier();
        batch
    }

    /// Index of the first new leaf.
    pub fn first_index(&self) -> u64 {
        self.before.size()
    }

    /// Leaves in the tree after the batch.
    pub fn size(&self) -> u64 {
        self.after_size
    }

    /// Inclusion proofs of all new leaves, in order.
    pub fn proofs(&self) -> Vec<Vec<Hash>> {
        let mut incomplete = BTreeMap::new();
        (self.first_index()..self.after_size)
            .map(|index| {
                proof::path(index, self.after_size, &mut |from, to| {
                    if (to - from).is_power_of_two() {
                        return self.range(from, to);
                    }
                    if let Some(known) = incomplete.get(&from) {
                        return Ok(*known);
                    }
                    let hash = self.range(from, to)?;
                    incomplete.insert(from, hash);
                    Ok(hash)
                })
                .unwrap_or_else(|never: Infallible| match never {})
            })
            .collect()
    }

    /// Every complete subtree that this batch has finished: level, index in the level, hash.
    ///
    /// Level 0 are the new leaves. What a store that serves tiles has to add.
    pub fn nodes(&self) -> impl Iterator<Item = (u8, u64, Hash)> + '_ {
        self.levels.iter().zip(0u8..).flat_map(move |(hashes, level)| {
            let first = self.before.size() >> level;
            hashes.iter().zip(first..).map(move |(hash, index)| (level, index, *hash))
        })
    }

    fn complete_parents(&mut self) {
        for level in 1..64u8 {
            let parents: Vec<Hash> = (self.before.size() >> level..self.after_size >> level)
                .map(|index| {
                    let left = self.complete(level - 1, 2 * index);
                    node_hash(&left, &self.complete(level - 1, 2 * index + 1))
                })
                .collect();
            if parents.is_empty() {
                return;
            }
            self.levels.push(parents);
        }
    }

    fn frontier(&self) -> Frontier {
        let size = self.after_size;
        let hashes = (0..64u8)
            .rev()
            .filter(|level| size >> level & 1 == 1)
            .map(|level| self.complete(level, (size >> level) - 1))
            .collect();
        match Frontier::from_parts(size, hashes) {
            Ok(frontier) => frontier,
            Err(wrong) => unreachable!("one hash for each set bit: {wrong}"),
        }
    }

    /// A complete subtree that is new, or the one of the old frontier right before the new ones.
    fn complete(&self, level: u8, index: u64) -> Hash {
        let first = self.before.size() >> level;
        let found = match index.checked_sub(first) {
            Some(offset) => self
                .levels
                .get(usize::from(level))
                .and_then(|new| new.get(offset as usize))
                .copied(),
            None if index + 1 == first => self.before.subtree(level),
            None => None,
        };
        match found {
            Some(hash) => hash,
            None => unreachable!("no proof of a new leaf needs node {index} of level {level}"),
        }
    }

    fn range(&self, from: u64, to: u64) -> Result<Hash, Infallible> {
        proof::range_hash(from, to, &Known(self))
    }
}

/// The subtrees that proofs of new leaves need; asking for others is a mistake of this module.
struct Known<'a>(&'a Batch);

impl HashReader for Known<'_> {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0.complete(level, index))
    }
}
