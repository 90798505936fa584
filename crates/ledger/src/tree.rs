//! The growing edge of the tree: what an append needs to know of everything before it.

use crate::hash::{Hash, empty_root, node_hash};

/// The roots of the complete subtrees that cover `size` leaves, from left (largest) to right.
///
/// At most 64 hashes, one for each set bit of `size`; enough to append and to know the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// Why parts do not make a frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frontier of size {size} has {expected} hashes, found {found}")]
pub struct FrontierError {
    /// Leaves in the tree.
    pub size: u64,
    /// Hashes that a tree of this size has.
    pub expected: usize,
    /// Hashes given.
    pub found: usize,
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a stored frontier; `hashes` as [`Frontier::hashes`] gave them.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        let expected = size.count_ones() as usize;
        if hashes.len() != expected {
            return Err(FrontierError { size, expected, found: hashes.len() });
        }
        Ok(Self { size, hashes })
    }

    /// Leaves in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The subtree roots, from left to right.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Hash {
        let mut from_right = self.hashes.iter().rev();
        match from_right.next() {
            None => empty_root(),
            Some(last) => from_right.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// Appends one leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.hashes.push(node);
        self.size += 1;
    }

    /// The complete subtree of 2^`level` leaves that ends the tree at this level, if there is one.
    pub(crate) fn subtree(&self, level: u8) -> Option<Hash> {
        if self.size >> level & 1 == 0 {
            return None;
        }
        let larger = (self.size >> level >> 1).count_ones() as usize;
        self.hashes.get(larger).copied()
    }
}
