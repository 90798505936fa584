//! Tiles: the pieces in which a log is published (C2SP tlog-tiles).
//!
//! A tile of level L holds up to 256 hashes of complete subtrees of 256^L leaves; a bundle holds
//! the entries under a tile of level 0. Full ones never change; the last one of each level may
//! be partial, and its width is part of its name.

use std::fmt;

use crate::hash::{HASH_BYTES, Hash};

/// Hashes in a full tile and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// The highest level of tiles that a path may name.
pub const MAX_LEVEL: u8 = 63;

/// Names one hash tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// 0 for leaf hashes, L for roots over 256^L leaves.
    pub level: u8,
    /// Position within the level.
    pub index: u64,
    /// Hashes held: 1 to 255 for a partial tile, 256 for a full one.
    pub width: u16,
}

/// Names one bundle of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    /// Position: the bundle starts at entry `index * 256`.
    pub index: u64,
    /// Entries held: 1 to 255 for a partial bundle, 256 for a full one.
    pub width: u16,
}

/// Either resource that a path below `tile/` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TilePath {
    /// A hash tile.
    Hashes(TileId),
    /// A bundle of entries.
    Entries(BundleId),
}

/// Why bytes or a path are not a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Not the one way to write a tile's path.
    #[error("`{0}` is not the path of a tile")]
    Path(String),
    /// The file's length does not fit its width.
    #[error("the tile has {found} bytes where {expected} are needed")]
    Length {
        /// Bytes that a tile of this width has.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
}

impl TileId {
    /// The path below the log's address, such as `tile/0/x001/067.p/5`.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, Place(self.index, self.width))
    }

    /// Whether the tile holds all of its 256 hashes, and so never changes again.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The bytes of a tile that holds these hashes.
    pub fn encode(hashes: &[Hash]) -> Vec<u8> {
        hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
    }

    /// The hashes in the bytes of this tile; as many as its width says.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        let expected = usize::from(self.width) * HASH_BYTES;
        let (chunks, rest) = bytes.as_chunks::<HASH_BYTES>();
        if bytes.len() != expected || !rest.is_empty() {
            return Err(TileError::Length { expected, found: bytes.len() });
        }
        Ok(chunks.iter().map(|chunk| Hash::new(*chunk)).collect())
    }
}

impl BundleId {
    /// The path below the log's address, such as `tile/entries/x001/067.p/5`.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", Place(self.index, self.width))
    }

    /// Index of the first entry held.
    pub fn first_entry(&self) -> u64 {
        self.index * u64::from(TILE_WIDTH)
    }

    /// Whether the bundle holds all of its 256 entries, and so never changes again.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The tile of level 0 with this bundle's leaf hashes.
    pub fn leaf_tile(&self) -> TileId {
        TileId { level: 0, index: self.index, width: self.width }
    }
}

impl TilePath {
    /// Reads a path as [`TileId::path`] and [`BundleId::path`] write it; any other is refused.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let wrong = || TileError::Path(path.chars().take(200).collect());
        let rest = path.strip_prefix("tile/").ok_or_else(wrong)?;
        let (kind, place) = rest.split_once('/').ok_or_else(wrong)?;
        let (index, width) = parse_place(place).ok_or_else(wrong)?;
        let parsed = if kind == "entries" {
            Self::Entries(BundleId { index, width })
        } else {
            let level = kind.parse().ok().filter(|level| *level <= MAX_LEVEL).ok_or_else(wrong)?;
            Self::Hashes(TileId { level, index, width })
        };
        if parsed.path() == path { Ok(parsed) } else { Err(wrong()) }
    }

    /// The path below the log's address.
    pub fn path(&self) -> String {
        match self {
            Self::Hashes(tile) => tile.path(),
            Self::Entries(bundle) => bundle.path(),
        }
    }

    /// Whether a log of `size` entries has it: its whole width exists.
    pub fn exists_at(&self, size: u64) -> bool {
        let (level, index, width) = match self {
            Self::Hashes(tile) => (tile.level, tile.index, tile.width),
            Self::Entries(bundle) => (0, bundle.index, bundle.width),
        };
        index
            .checked_mul(u64::from(TILE_WIDTH))
            .and_then(|first| first.checked_add(u64::from(width)))
            .is_some_and(|end| end <= nodes_at(level, size))
    }
}

/// Every hash tile of a log of `size` entries: by level, then index; partial ones last.
pub fn tiles_at(size: u64) -> impl Iterator<Item = TileId> {
    (0..8u8).flat_map(move |level| tiles_of_level(level, size))
}

/// The hash tiles of one level in a log of `size` entries.
pub fn tiles_of_level(level: u8, size: u64) -> impl Iterator<Item = TileId> {
    places(nodes_at(level, size)).map(move |(index, width)| TileId { level, index, width })
}

/// Every bundle of a log of `size` entries; the partial one last.
pub fn bundles_at(size: u64) -> impl Iterator<Item = BundleId> {
    places(size).map(|(index, width)| BundleId { index, width })
}

/// The tiles of a log of `to` entries that a log of `from` entries did not have.
pub fn tiles_added(from: u64, to: u64) -> impl Iterator<Item = TileId> {
    (0..8u8).flat_map(move |level| {
        let (before, after) = (nodes_at(level, from), nodes_at(level, to));
        let unchanged = if before == after { u64::MAX } else { before / u64::from(TILE_WIDTH) };
        places(after)
            .skip(usize::try_from(unchanged).unwrap_or(usize::MAX))
            .map(move |(index, width)| TileId { level, index, width })
    })
}

/// Complete subtrees of 256^`level` leaves in a tree of `size` leaves.
pub fn nodes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

fn places(nodes: u64) -> impl Iterator<Item = (u64, u16)> {
    let full = nodes / u64::from(TILE_WIDTH);
    let rest = (nodes % u64::from(TILE_WIDTH)) as u16;
    (0..full).map(|index| (index, TILE_WIDTH)).chain((rest > 0).then_some((full, rest)))
}

/// `N[.p/W]`: the index in groups of three digits, all but the last with an `x`.
struct Place(u64, u16);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups = vec![self.0 % 1000];
        let mut left = self.0 / 1000;
        while left > 0 {
            groups.push(left % 1000);
            left /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", self.0 % 1000)?;
        if self.1 < TILE_WIDTH { write!(f, ".p/{}", self.1) } else { Ok(()) }
    }
}

/// Reads leniently; the caller compares with what would have been written.
fn parse_place(text: &str) -> Option<(u64, u16)> {
    let (index_text, width) = match text.split_once(".p/") {
        Some((index, width)) => {
            (index, width.parse().ok().filter(|w| (1..TILE_WIDTH).contains(w))?)
        }
        None => (text, TILE_WIDTH),
    };
    let mut index = 0u64;
    for group in index_text.split('/') {
        let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(digits)?;
    }
    Some((index, width))
}
