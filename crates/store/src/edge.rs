//! The right edge of the tree: the tiles that are not full yet, kept in memory.
//!
//! Full tiles lie in the database and never change. The rest, at most 255 hashes a level, is
//! computed at start from the last entries and tiles, so nothing partial is ever stored.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use sluice_ledger::tile::{TILE_WIDTH, nodes_at};
use sluice_ledger::{Frontier, Hash, HashReader, TileId, leaf_hash};

use crate::error::ReadError;

const WIDTH: usize = TILE_WIDTH as usize;
const WIDTH_U64: u64 = TILE_WIDTH as u64;

/// The hashes of the partial tile of each level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A tile that an append has filled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FilledTile {
    pub(crate) level: u8,
    pub(crate) index: u64,
    pub(crate) hashes: Vec<Hash>,
}

impl Edge {
    /// Computes the edge of a log of `size` entries from what is stored.
    pub(crate) fn load(connection: &Connection, size: u64) -> Result<Self, ReadError> {
        let mut levels = Vec::new();
        for level in 0..8u8 {
            let nodes = nodes_at(level, size);
            if nodes == 0 {
                break;
            }
            let first = nodes / WIDTH_U64 * WIDTH_U64;
            levels.push(match level.checked_sub(1) {
                None => leaves(connection, first, nodes)?,
                Some(below) => (first..nodes)
                    .map(|index| Ok(root_of(&read_tile(connection, below, index)?)))
                    .collect::<Result<_, ReadError>>()?,
            });
        }
        Ok(Self { size, levels })
    }

    /// Takes an edge that was computed elsewhere, by level.
    pub(crate) fn from_levels(size: u64, levels: Vec<Vec<Hash>>) -> Self {
        Self { size, levels }
    }

    /// Entries in the log.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf, and adds the tiles that it fills to `filled`.
    pub(crate) fn push(&mut self, leaf: Hash, filled: &mut Vec<FilledTile>) {
        self.size += 1;
        let mut node = leaf;
        for level in 0..8u8 {
            let depth = usize::from(level);
            if self.levels.len() == depth {
                self.levels.push(Vec::with_capacity(WIDTH));
            }
            let Some(hashes) = self.levels.get_mut(depth) else { return };
            hashes.push(node);
            if hashes.len() < WIDTH {
                return;
            }
            let hashes = std::mem::take(hashes);
            node = root_of(&hashes);
            let index = nodes_at(level, self.size) / WIDTH_U64 - 1;
            filled.push(FilledTile { level, index, hashes });
        }
    }

    /// The frontier of the tree, by which it grows.
    pub(crate) fn frontier(&self) -> Frontier {
        let mut peaks = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            for bit in (0..8).rev() {
                if hashes.len() >> bit & 1 == 1
                    && let Some((subtree, after)) = rest.split_at_checked(1 << bit)
                {
                    peaks.push(root_of(subtree));
                    rest = after;
                }
            }
        }
        match Frontier::from_parts(self.size, peaks) {
            Ok(frontier) => frontier,
            Err(wrong) => unreachable!("the edge holds what the size says: {wrong}"),
        }
    }

    /// The hashes of a tile, if it is one of the partial ones.
    fn partial(&self, level: u8, index: u64) -> Option<&[Hash]> {
        if index != nodes_at(level, self.size) / WIDTH_U64 {
            return None;
        }
        self.levels.get(usize::from(level)).map(Vec::as_slice)
    }
}

/// The tree as of an edge: full tiles from the database, the rest from memory.
pub(crate) struct Tree<'a> {
    connection: &'a Connection,
    edge: &'a Edge,
    seen: RefCell<BTreeMap<(u8, u64), Vec<Hash>>>,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(connection: &'a Connection, edge: &'a Edge) -> Self {
        Self { connection, edge, seen: RefCell::default() }
    }

    /// The first `width` hashes of a tile; `None` when the log does not have so many.
    pub(crate) fn tile(&self, tile: TileId) -> Result<Option<Vec<Hash>>, ReadError> {
        let nodes = nodes_at(tile.level, self.edge.size);
        let end = tile.index.checked_mul(WIDTH_U64).and_then(|n| n.checked_add(tile.width.into()));
        if tile.width == 0 || tile.width > TILE_WIDTH || end.is_none_or(|end| end > nodes) {
            return Ok(None);
        }
        let mut hashes = self.hashes(tile.level, tile.index, <[Hash]>::to_vec)?;
        hashes.truncate(tile.width.into());
        Ok(Some(hashes))
    }

    /// The root when the log had `size` entries.
    pub(crate) fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        Ok(self.frontier_at(size)?.root())
    }

    /// The frontier when the log had `size` entries.
    pub(crate) fn frontier_at(&self, size: u64) -> Result<Frontier, ReadError> {
        let peaks = (0..64u8)
            .rev()
            .filter(|level| size >> level & 1 == 1)
            .map(|level| self.node(level, (size >> level) - 1))
            .collect::<Result<_, _>>()?;
        match Frontier::from_parts(size, peaks) {
            Ok(frontier) => Ok(frontier),
            Err(wrong) => unreachable!("one hash for each set bit: {wrong}"),
        }
    }

    fn hashes<T>(
        &self,
        level: u8,
        index: u64,
        then: impl FnOnce(&[Hash]) -> T,
    ) -> Result<T, ReadError> {
        if let Some(partial) = self.edge.partial(level, index) {
            return Ok(then(partial));
        }
        if let Some(seen) = self.seen.borrow().get(&(level, index)) {
            return Ok(then(seen));
        }
        let hashes = read_tile(self.connection, level, index)?;
        let result = then(&hashes);
        self.seen.borrow_mut().insert((level, index), hashes);
        Ok(result)
    }
}

impl HashReader for Tree<'_> {
    type Error = ReadError;

    fn node(&self, level: u8, index: u64) -> Result<Hash, ReadError> {
        let (tile_level, height) = (level / 8, level % 8);
        let first = index << height;
        let offset = usize::try_from(first % WIDTH_U64).unwrap_or(usize::MAX);
        self.hashes(tile_level, first / WIDTH_U64, |hashes| {
            hashes.get(offset..offset + (1 << height)).map(root_of)
        })?
        .ok_or_else(|| {
            ReadError::damaged(format!("tile {} of level {tile_level}", first / WIDTH_U64))
        })
    }
}

/// The root over the hashes of one tile, or of a part of it.
pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    if let [only] = hashes {
        return *only;
    }
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.push(*hash);
    }
    frontier.root()
}

/// Reads a full tile.
pub(crate) fn read_tile(
    connection: &Connection,
    level: u8,
    index: u64,
) -> Result<Vec<Hash>, ReadError> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT hashes FROM tiles WHERE level = ?1 AND idx = ?2")?
        .query_row(params![level, index], |row| row.get(0))
        .optional()?;
    let tile = TileId { level, index, width: TILE_WIDTH };
    bytes
        .and_then(|bytes| tile.decode(&bytes).ok())
        .ok_or_else(|| ReadError::damaged(format!("tile {index} of level {level}")))
}

/// Stores a full tile.
pub(crate) fn write_tile(connection: &Connection, tile: &FilledTile) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO tiles (level, idx, hashes) VALUES (?1, ?2, ?3)")?
        .execute(params![tile.level, tile.index, TileId::encode(&tile.hashes)])?;
    Ok(())
}

fn leaves(connection: &Connection, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
    let mut hashes = Vec::new();
    each_leaf(connection, from, to, |hash| hashes.push(hash))?;
    Ok(hashes)
}

/// Hashes the entries `from..to` anew from their bytes.
pub(crate) fn each_leaf(
    connection: &Connection,
    from: u64,
    to: u64,
    mut then: impl FnMut(Hash),
) -> Result<(), ReadError> {
    let mut query = connection.prepare_cached(
        "SELECT seq, bytes FROM entries WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
    )?;
    let mut rows = query.query(params![from, to])?;
    for expected in from..to {
        let row = rows.next()?.ok_or_else(|| ReadError::damaged(format!("entry {expected}")))?;
        if row.get::<_, u64>(0)? != expected {
            return Err(ReadError::damaged(format!("entry {expected}")));
        }
        then(leaf_hash(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?));
    }
    Ok(())
}
