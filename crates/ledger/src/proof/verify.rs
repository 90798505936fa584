//! Checking proofs.
//!
//! The exact number of hashes that a proof for the given sizes has is computed first, and any
//! other number is refused before anything is hashed.

use crate::hash::{Hash, empty_root, node_hash};

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
    if from == 0 && *from_root != empty_root() {
        return Err(ProofError::OlderRootMismatch);
    }
    if from == to && from_root != to_root {
        return Err(ProofError::RootMismatch);
    }
    Ok(())
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
