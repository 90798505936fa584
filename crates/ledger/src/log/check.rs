//! Checking one bundle against its tile of leaf hashes: the work that threads share.

use super::{EntryCheck, LogProblem};
use crate::audit;
use crate::bundle;
use crate::hash::{Hash, leaf_hash};
use crate::tile::BundleId;

/// One bundle and its tile, as the source delivered them.
pub(super) struct Pair {
    pub(super) bundle: BundleId,
    pub(super) entries: Vec<u8>,
    pub(super) tile: Vec<u8>,
}

/// A bundle whose entries have the hashes of its tile.
pub(super) struct Checked {
    pub(super) width: u16,
    pub(super) entry_bytes: u64,
    pub(super) hashes: Hashes,
}

/// What the levels above need of a bundle.
pub(super) enum Hashes {
    /// A full one is one hash of the next level.
    Full(Hash),
    /// The last one, if partial, stays with its leaves.
    Partial(Vec<Hash>),
}

pub(super) fn check(
    pair: &Pair,
    entry_check: Option<&EntryCheck<'_>>,
) -> Result<Checked, LogProblem> {
    let bundle = pair.bundle;
    let tile = bundle.leaf_tile();
    let entries = bundle::decode(bundle, &pair.entries)
        .map_err(|source| LogProblem::Bundle { bundle, source })?;
    let published = tile.decode(&pair.tile).map_err(|source| LogProblem::Tile { tile, source })?;
    let mut leaves = Vec::with_capacity(entries.len());
    let mut entry_bytes = 0;
    for ((entry, expected), index) in entries.iter().zip(&published).zip(bundle.first_entry()..) {
        let leaf = leaf_hash(entry);
        if leaf != *expected {
            return Err(LogProblem::EntryMismatch { index, tile });
        }
        if let Some(check) = entry_check {
            check(index, entry).map_err(|why| LogProblem::EntryRefused { index, why })?;
        }
        leaves.push(leaf);
        entry_bytes += entry.len() as u64;
    }
    let hashes =
        if bundle.is_full() { Hashes::Full(audit::root(&leaves)) } else { Hashes::Partial(leaves) };
    Ok(Checked { width: bundle.width, entry_bytes, hashes })
}
