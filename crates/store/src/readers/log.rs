//! Questions to the journal itself: entries, tiles, proofs.

use std::sync::Arc;

use rusqlite::{Row, params};
use sluice_ledger::tile::TILE_WIDTH;
use sluice_ledger::{BundleId, Hash, Receipt, TileId, leaf_hash, proof};

use super::{Head, Readers};
use crate::edge::Tree;
use crate::error::ReadError;

/// The most entries that one question is answered with.
pub const MAX_ENTRIES: u32 = 10_000;

const COLUMNS: &str = "seq, leaf, stream, version, name, time_us, bytes";

/// One entry of the journal. Only `bytes` is the truth; the rest was derived from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the journal, from 0.
    pub seq: u64,
    /// Hash of `bytes`.
    pub leaf_hash: Hash,
    /// The stream that the event belongs to.
    pub stream: String,
    /// Position within the stream.
    pub version: u64,
    /// Name of the event.
    pub name: String,
    /// When it was recorded, in microseconds since the Unix epoch.
    pub time_us: i64,
    /// The canonical bytes.
    pub bytes: Vec<u8>,
}

impl Readers {
    /// The acknowledged head.
    pub fn head(&self) -> Head {
        self.published().head.clone()
    }

    /// The last signed checkpoint, as it is published.
    pub fn checkpoint_note(&self) -> Arc<str> {
        Arc::clone(&self.published().checkpoint)
    }

    /// One entry.
    pub fn entry(&self, seq: u64) -> Result<Option<Entry>, ReadError> {
        if seq >= self.published().head.size {
            return Ok(None);
        }
        let sql = format!("SELECT {COLUMNS} FROM entries WHERE seq = ?1");
        match self.one(&sql, [seq], entry)? {
            None => Err(ReadError::damaged(format!("entry {seq}"))),
            found => Ok(found),
        }
    }

    /// The entries from `from` on, at most `max` and at most [`MAX_ENTRIES`].
    pub fn entries(&self, from: u64, max: u32) -> Result<Vec<Entry>, ReadError> {
        let size = self.published().head.size;
        let to = from.saturating_add(max.min(MAX_ENTRIES).into()).min(size);
        if from >= to {
            return Ok(Vec::new());
        }
        let sql =
            format!("SELECT {COLUMNS} FROM entries WHERE seq >= ?1 AND seq < ?2 ORDER BY seq");
        let entries = self.all(&sql, params![from, to], entry)?;
        let expected = from..to;
        if entries.iter().map(|entry| entry.seq).ne(expected.clone()) {
            return Err(ReadError::damaged(format!("a row of the entries {from} to {to}")));
        }
        Ok(entries)
    }

    /// The entries of a stream from `from_version` on, at most `max` and at most
    /// [`MAX_ENTRIES`].
    pub fn stream(
        &self,
        stream: &str,
        from_version: u64,
        max: u32,
    ) -> Result<Vec<Entry>, ReadError> {
        let size = self.published().head.size;
        let sql = format!(
            "SELECT {COLUMNS} FROM entries WHERE stream = ?1 AND version >= ?2 AND seq < ?3
             ORDER BY version LIMIT ?4"
        );
        let limit = max.min(MAX_ENTRIES);
        let entries = self.all(&sql, params![stream, from_version, size, limit], entry)?;
        contiguous(stream, entries)
    }

    /// The last entries of a stream before an index, the oldest first; at most `max` and at most [`MAX_ENTRIES`].
    pub fn stream_before(
        &self,
        stream: &str,
        before: u64,
        max: u32,
    ) -> Result<Vec<Entry>, ReadError> {
        let before = before.min(self.published().head.size);
        let sql = format!(
            "SELECT {COLUMNS} FROM entries WHERE stream = ?1 AND seq < ?2
             ORDER BY version DESC LIMIT ?3"
        );
        let limit = max.min(MAX_ENTRIES);
        let mut entries = self.all(&sql, params![stream, before, limit], entry)?;
        entries.reverse();
        contiguous(stream, entries)
    }

    /// The entries of a stream that have one name, the oldest first; at most `max` and at most [`MAX_ENTRIES`].
    pub fn stream_of(&self, stream: &str, name: &str, max: u32) -> Result<Vec<Entry>, ReadError> {
        let size = self.published().head.size;
        let sql = format!(
            "SELECT {COLUMNS} FROM entries WHERE stream = ?1 AND name = ?2 AND seq < ?3
             ORDER BY version LIMIT ?4"
        );
        self.all(&sql, params![stream, name, size, max.min(MAX_ENTRIES)], entry)
    }

    /// The last version of a stream; `None` when it has no entry.
    pub fn stream_version(&self, stream: &str) -> Result<Option<u64>, ReadError> {
        let size = self.published().head.size;
        let sql = "SELECT version FROM entries WHERE stream = ?1 AND seq < ?2
                   ORDER BY version DESC LIMIT 1";
        self.one(sql, params![stream, size], |row| Ok(row.get(0)?))
    }

    /// The bytes of a hash tile; `None` when the log does not have so much of it.
    pub fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, ReadError> {
        self.tree(|tree| Ok(tree.tile(tile)?.map(|hashes| TileId::encode(&hashes))))
    }

    /// The bytes of a bundle of entries; `None` when the log does not have so many.
    pub fn entry_bundle(&self, bundle: BundleId) -> Result<Option<Vec<u8>>, ReadError> {
        let size = self.published().head.size;
        let first = bundle.index.checked_mul(TILE_WIDTH.into());
        let exists = first
            .and_then(|first| first.checked_add(bundle.width.into()))
            .is_some_and(|end| end <= size && (1..=TILE_WIDTH).contains(&bundle.width));
        let (true, Some(first)) = (exists, first) else { return Ok(None) };
        let mut bytes = Vec::new();
        for entry in self.entries(first, bundle.width.into())? {
            sluice_ledger::bundle::append_entry(&mut bytes, &entry.bytes)
                .map_err(|_| ReadError::damaged(format!("entry {}", entry.seq)))?;
        }
        Ok(Some(bytes))
    }

    /// The proof that entry `seq` is in the log of `size` entries, from leaf to root.
    pub fn inclusion_proof(&self, seq: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        self.within(size)?;
        self.tree(|tree| {
            proof::inclusion(seq, size, tree).map_err(|error| ReadError::prove(size, error))
        })
    }

    /// The proof that the log of `to` entries continues that of `from`.
    pub fn consistency_proof(&self, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        self.within(to)?;
        self.tree(|tree| {
            proof::consistency(from, to, tree).map_err(|error| ReadError::prove(to, error))
        })
    }

    /// The root when the log had `size` entries.
    pub fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        self.within(size)?;
        self.tree(|tree| tree.root_at(size))
    }

    /// A receipt of entry `seq` under the last signed checkpoint.
    pub fn receipt(&self, seq: u64) -> Result<Receipt, ReadError> {
        let published = self.published();
        let size = published.head.size;
        let entry = self.entry(seq)?.ok_or_else(|| ReadError::OutOfRange {
            size,
            asked: format!("there is no entry {seq}"),
        })?;
        let proof = self.with(|connection| {
            let tree = Tree::new(connection, &published.edge);
            proof::inclusion(seq, size, &tree).map_err(|error| ReadError::prove(size, error))
        })?;
        Ok(Receipt {
            index: seq,
            leaf_hash: entry.leaf_hash,
            tree_size: size,
            proof,
            checkpoint: published.checkpoint.to_string(),
        })
    }

    fn tree<T>(&self, ask: impl FnOnce(&Tree<'_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let published = self.published();
        self.with(|connection| ask(&Tree::new(connection, &published.edge)))
    }

    fn within(&self, asked: u64) -> Result<(), ReadError> {
        let size = self.published().head.size;
        if asked <= size {
            return Ok(());
        }
        Err(ReadError::OutOfRange { size, asked: format!("it never had {asked}") })
    }
}

/// Reads an entry, and refuses it when its bytes do not have the leaf hash stored beside them.
pub(crate) fn entry(row: &Row<'_>) -> Result<Entry, ReadError> {
    let seq: u64 = row.get(0)?;
    let leaf: [u8; 32] = row.get(1)?;
    let bytes: Vec<u8> = row.get(6)?;
    let leaf_hash = leaf_hash(&bytes);
    if *leaf_hash.as_bytes() != leaf {
        return Err(ReadError::damaged(format!("entry {seq}")));
    }
    Ok(Entry {
        seq,
        leaf_hash,
        stream: row.get(2)?,
        version: row.get(3)?,
        name: row.get(4)?,
        time_us: row.get(5)?,
        bytes,
    })
}

/// The entries of a stream, unless one is missing among them.
fn contiguous(stream: &str, entries: Vec<Entry>) -> Result<Vec<Entry>, ReadError> {
    let follows =
        |(one, next): (&Entry, &Entry)| next.version == one.version + 1 && next.seq > one.seq;
    if entries.iter().zip(entries.iter().skip(1)).all(follows) {
        Ok(entries)
    } else {
        Err(ReadError::damaged(format!("stream `{stream}`")))
    }
}
