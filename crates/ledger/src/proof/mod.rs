//! Inclusion and consistency proofs (RFC 6962, section 2.1).
//!
//! Making them needs the hashes of complete subtrees ([`HashReader`]); checking them needs nothing
//! but the proof, the sizes and the roots.

mod verify;

pub use verify::{ProofError, root_from_inclusion, verify_consistency, verify_inclusion};

use crate::hash::{Hash, node_hash};

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
