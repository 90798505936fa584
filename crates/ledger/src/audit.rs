//! The second way to compute a root, for cross-checks.
//!
//! Written after the recursive definition of RFC 6962 and sharing nothing with [`crate::tree`]
//! but the two hash functions: a mistake or a flipped bit in one is not repeated by the other.

use crate::hash::{Hash, empty_root, leaf_hash, node_hash};

/// The root over these leaf hashes, by the definition: split at the largest power of two below.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let mut half = 1;
            while half * 2 < leaves.len() {
                half *= 2;
            }
            let (left, right) = leaves.split_at(half);
            node_hash(&root(left), &root(right))
        }
    }
}

/// The root over these entries.
pub fn root_of_entries<E: AsRef<[u8]>>(entries: impl IntoIterator<Item = E>) -> Hash {
    let leaves: Vec<Hash> = entries.into_iter().map(|entry| leaf_hash(entry.as_ref())).collect();
    root(&leaves)
}

/// The root after `leaves` were appended to a tree of `old_size` with these `old_peaks`, the
/// roots of its complete subtrees from left to right; `None` when their number is wrong.
///
/// Recursion over the new tree's halves, so that a head can be checked before it is signed
/// without reading the whole log.
pub fn root_after(old_size: u64, old_peaks: &[Hash], leaves: &[Hash]) -> Option<Hash> {
    if old_peaks.len() != old_size.count_ones() as usize {
        return None;
    }
    let size = old_size.checked_add(leaves.len() as u64)?;
    if size == 0 {
        return Some(empty_root());
    }
    subtree(0, size, &mut Edge { old_size, old_peaks, leaves })
}

struct Edge<'a> {
    old_size: u64,
    old_peaks: &'a [Hash],
    leaves: &'a [Hash],
}

/// The root over leaves `low..high`, taking old peaks and new leaves from the left as needed.
fn subtree(low: u64, high: u64, edge: &mut Edge<'_>) -> Option<Hash> {
    let width = high - low;
    if low >= edge.old_size {
        let (mine, rest) = edge.leaves.split_at_checked(usize::try_from(width).ok()?)?;
        edge.leaves = rest;
        return Some(root(mine));
    }
    if high <= edge.old_size && width.is_power_of_two() {
        let (peak, rest) = edge.old_peaks.split_first()?;
        edge.old_peaks = rest;
        return Some(*peak);
    }
    let mut half = 1;
    while half < width - half {
        half *= 2;
    }
    let left = subtree(low, low + half, edge)?;
    let right = subtree(low + half, high, edge)?;
    Some(node_hash(&left, &right))
}
