//! Bundles of entries: each entry with its length before it (C2SP tlog-tiles).

use crate::tile::{BundleId, TILE_WIDTH};

/// The largest entry that a bundle can hold, in bytes.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// The largest bundle there can be, in bytes.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH as usize * (2 + MAX_ENTRY_BYTES);

/// Why entries are not a bundle, or bytes not the bundle they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry is larger than its length field can say.
    #[error("an entry of {0} bytes is above the limit of 65535")]
    EntryTooLarge(usize),
    /// The bytes end within an entry.
    #[error("the bundle ends within its entry {0}")]
    Truncated(u16),
    /// There are bytes after the last entry.
    #[error("the bundle has {0} bytes after its last entry")]
    TrailingBytes(usize),
}

/// Writes entries as a bundle; at most 256 belong in one.
pub fn encode<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::with_capacity(entries.iter().map(|e| 2 + e.as_ref().len()).sum());
    for entry in entries {
        append_entry(&mut bytes, entry.as_ref())?;
    }
    Ok(bytes)
}

/// Writes one more entry at the end of a bundle's bytes.
pub fn append_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLarge(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries in the bytes of `bundle`; exactly as many as its width says.
pub fn decode(bundle: BundleId, bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut rest = bytes;
    let entries = take_entries(bundle, &mut rest)?;
    if rest.is_empty() { Ok(entries) } else { Err(BundleError::TrailingBytes(rest.len())) }
}

/// The bytes of `bundle` at the front of a wider one: a log that has grown may no longer serve
/// the narrower form.
pub fn prefix(bundle: BundleId, wider: &[u8]) -> Result<&[u8], BundleError> {
    let mut rest = wider;
    take_entries(bundle, &mut rest)?;
    Ok(&wider[..wider.len() - rest.len()])
}

fn take_entries<'a>(bundle: BundleId, rest: &mut &'a [u8]) -> Result<Vec<&'a [u8]>, BundleError> {
    let mut entries = Vec::with_capacity(usize::from(bundle.width));
    for position in 0..bundle.width {
        let truncated = BundleError::Truncated(position);
        let Some((length, after)) = rest.split_first_chunk() else { return Err(truncated) };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((entry, after)) = after.split_at_checked(length) else { return Err(truncated) };
        entries.push(entry);
        *rest = after;
    }
    Ok(entries)
}
