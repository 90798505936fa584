//! Inclusion and consistency proofs (RFC 6962, section 2.1): making them and checking them.
//!
//! The checks compute the exact number of hashes that a proof for these sizes has, and refuse
//! any other number before they hash anything.

use crate::hash::{Hash, empty_root, node_hash};

/// Where the hashes of complete subtrees come from.
///
/// `node(level, index)` is the root over the leaves `index * 2^level .. (index + 1) * 2^level`,
/// all of which exist in the tree that is asked about.
pub trait HashReader {
    /// Why a hash could not be read.
    type Error;
    /// Reads one complete subtree's hash.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a proof could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The leaf does not exist in a tree of this size.
    #[error("leaf {index} is not in a tree of size {size}")]
    IndexOutside {
        /// Leaf asked for.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("the older size {from} is above the newer size {to}")]
    SizesReversed {
        /// Older size.
        from: u64,
        /// Newer size.
        to: u64,
    },
    /// A hash could not be read.
    #[error("reading a hash of the tree")]
    Read(#[source] E),
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf does not exist in a tree of this size.
    #[error("leaf {index} is not in a tree of size {size}")]
    IndexOutside {
        /// Leaf that was to be proven.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("the older size {from} is above the newer size {to}")]
    SizesReversed {
        /// Older size.
        from: u64,
        /// Newer size.
        to: u64,
    },
    /// A proof for these sizes has another number of hashes.
    #[error("the proof has {found} hashes where {expected} are needed")]
    WrongLength {
        /// Hashes that a proof for these sizes has.
        expected: usize,
        /// Hashes found.
        found: usize,
    },
    /// The proof leads to another root than that of the (newer) tree.
    #[error("the proof does not lead to the root of the tree")]
    RootMismatch,
    /// The proof leads to another root than that of the older tree.
    #[error("the proof does not lead to the root of the older tree")]
    OlderRootMismatch,
}

/// Proves that leaf `index` is in the tree of `size` leaves: hashes from leaf to root.
pub fn inclusion<R: HashReader>(
    index: u64,
    size: u64,
    reader: &R,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    if index >= size {
        return Err(ProveError::IndexOutside { index, size });
    }
    path(index, size, &mut |from, to| range_hash(from, to, reader)).map_err(ProveError::Read)
}

/// Proves that the tree of `to` leaves continues the tree of `from` leaves.
///
/// Empty when `from` is 0 or equal to `to`.
pub fn consistency<R: HashReader>(
    from: u64,
    to: u64,
    reader: &R,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    if from > to {
        return Err(ProveError::SizesReversed { from, to });
    }
    let mut hashes = Vec::new();
    if from == 0 {
        return Ok(hashes);
    }
    let (mut low, mut high, mut known) = (0, to, true);
    while from != high {
        let middle = low + split(high - low);
        let (start, end) = if from <= middle { (middle, high) } else { (low, middle) };
        hashes.push(range_hash(start, end, reader).map_err(ProveError::Read)?);
        if from <= middle {
            high = middle;
        } else {
            low = middle;
            known = false;
        }
    }
    if !known {
        hashes.push(range_hash(low, high, reader).map_err(ProveError::Read)?);
    }
    hashes.reverse();
    Ok(hashes)
}

/// Checks that `leaf` is at `index` in the tree of `size` leaves with this `root`.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if root_from_inclusion(index, size, leaf, proof)? == *root {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}

/// The root to which an inclusion proof leads; says nothing on whether that root is right.
pub fn root_from_inclusion(
    index: u64,
    size: u64,
    leaf: &Hash,
    proof: &[Hash],
) -> Result<Hash, ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutside { index, size });
    }
    let shape = Shape::of(index, size);
    let (inner, border) = cut(proof, shape.inner, shape.border)?;
    let edge = climb(*leaf, inner, index);
    Ok(climb_border(edge, border))
}

/// Checks that the tree of `to` leaves with `to_root` continues that of `from` with `from_root`.
///
/// The empty tree is continued by every tree: its root must be the empty one and the proof empty.
pub fn verify_consistency(
    from: u64,
    to: u64,
    from_root: &Hash,
    to_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if from > to {
        return Err(ProofError::SizesReversed { from, to });
    }
    if from == 0 || from == to {
        return verify_trivial(from, to, from_root, to_root, proof);
    }
    let shape = Shape::of(from - 1, to);
    let shift = from.trailing_zeros();
    let inner = shape.inner - shift as usize;
    let (seed, rest) = match proof.split_first() {
        _ if from.is_power_of_two() => (*from_root, proof),
        Some((first, rest)) => (*first, rest),
        None => {
            return Err(ProofError::WrongLength { expected: 1 + inner + shape.border, found: 0 });
        }
    };
    let taken = proof.len() - rest.len();
    let (inner, border) = cut(rest, inner, shape.border).map_err(|wrong| match wrong {
        ProofError::WrongLength { expected, found } => {
            ProofError::WrongLength { expected: expected + taken, found: found + taken }
        }
        other => other,
    })?;
    let directions = (from - 1) >> shift;
    let older = climb_border(climb_left_only(seed, inner, directions), border);
    if older != *from_root {
        return Err(ProofError::OlderRootMismatch);
    }
    let newer = climb_border(climb(seed, inner, directions), border);
    if newer == *to_root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

fn verify_trivial(
    from: u64,
    to: u64,
    from_root: &Hash,
    to_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if !proof.is_empty() {
        return Err(ProofError::WrongLength { expected: 0, found: proof.len() });
    }
    let empty = empty_root();
    if from == 0 && *from_root != empty {
        return Err(ProofError::OlderRootMismatch);
    }
    if (to == 0 && *to_root != empty) || (from == to && from_root != to_root) {
        return Err(ProofError::RootMismatch);
    }
    Ok(())
}

/// The sibling hashes from leaf to root, each over a range of leaves that `hash_of` computes.
pub(crate) fn path<E>(
    index: u64,
    size: u64,
    hash_of: &mut impl FnMut(u64, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (mut low, mut high) = (0, size);
    let mut hashes = Vec::with_capacity(64 - size.leading_zeros() as usize);
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            hashes.push(hash_of(middle, high)?);
            high = middle;
        } else {
            hashes.push(hash_of(low, middle)?);
            low = middle;
        }
    }
    hashes.reverse();
    Ok(hashes)
}

/// The hash over the leaves `from..to`, a range that the RFC's recursion meets.
pub(crate) fn range_hash<R: HashReader>(
    mut from: u64,
    to: u64,
    reader: &R,
) -> Result<Hash, R::Error> {
    let mut lefts = Vec::new();
    loop {
        let width = to - from;
        if width.is_power_of_two() {
            let level = width.trailing_zeros() as u8;
            let last = reader.node(level, from >> level)?;
            return Ok(lefts.iter().rev().fold(last, |right, left| node_hash(left, &right)));
        }
        let part = split(width);
        let level = part.trailing_zeros() as u8;
        lefts.push(reader.node(level, from >> level)?);
        from += part;
    }
}

/// The largest power of two below `width`, which is at least 2.
fn split(width: u64) -> u64 {
    1 << (63 - (width - 1).leading_zeros())
}

/// How many siblings a leaf meets below (`inner`) and on (`border`) the right edge of the tree.
struct Shape {
    inner: usize,
    border: usize,
}

impl Shape {
    /// Of a leaf that exists: `index < size`.
    fn of(index: u64, size: u64) -> Self {
        let inner = 64 - (index ^ (size - 1)).leading_zeros();
        let border = index.checked_shr(inner).unwrap_or(0).count_ones();
        Self { inner: inner as usize, border: border as usize }
    }
}

fn cut(proof: &[Hash], inner: usize, border: usize) -> Result<(&[Hash], &[Hash]), ProofError> {
    if proof.len() != inner + border {
        return Err(ProofError::WrongLength { expected: inner + border, found: proof.len() });
    }
    Ok(proof.split_at(inner))
}

fn climb(seed: Hash, siblings: &[Hash], directions: u64) -> Hash {
    siblings.iter().enumerate().fold(seed, |node, (level, sibling)| {
        if directions >> level & 1 == 0 {
            node_hash(&node, sibling)
        } else {
            node_hash(sibling, &node)
        }
    })
}

/// Only the siblings on the left: those on the right are newer than the older tree.
fn climb_left_only(seed: Hash, siblings: &[Hash], directions: u64) -> Hash {
    siblings
        .iter()
        .enumerate()
        .filter(|(level, _)| directions >> level & 1 == 1)
        .fold(seed, |node, (_, sibling)| node_hash(sibling, &node))
}

fn climb_border(seed: Hash, siblings: &[Hash]) -> Hash {
    siblings.iter().fold(seed, |node, sibling| node_hash(sibling, &node))
}
