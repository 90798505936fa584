//! A published log in memory, which tests can damage.

use std::collections::BTreeMap;

use sluice_ledger::proof::{consistency, inclusion};
use sluice_ledger::tile::{TilePath, bundles_at, tiles_at};
use sluice_ledger::{
    Batch, BundleId, Checkpoint, Frontier, Hash, HashReader, LogSource, SigningKey, TileId, bundle,
    leaf_hash,
};

pub(crate) const ORIGIN: &str = "sluice.example/ledger";

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

pub(crate) fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&entry(index))).collect()
}

/// Every complete subtree of a tree, filled by [`Batch`].
#[derive(Default)]
pub(crate) struct Nodes(pub(crate) BTreeMap<(u8, u64), Hash>);

impl Nodes {
    pub(crate) fn of(leaves: &[Hash]) -> Self {
        let batch = Batch::append(&mut Frontier::new(), leaves);
        Self(batch.nodes().map(|(level, index, hash)| ((level, index), hash)).collect())
    }
    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        inclusion(index, size, self).unwrap()
    }
    pub(crate) fn consistency(&self, from: u64, to: u64) -> Vec<Hash> {
        consistency(from, to, self).unwrap()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no such node or file: {0}")]
pub(crate) struct Absent(pub(crate) String);

impl HashReader for Nodes {
    type Error = Absent;
    fn node(&self, level: u8, index: u64) -> Result<Hash, Absent> {
        self.0.get(&(level, index)).copied().ok_or_else(|| Absent(format!("{level}/{index}")))
    }
}

/// The files of a published log, by path.
#[derive(Clone)]
pub(crate) struct MemoryLog {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl MemoryLog {
    pub(crate) fn of_size(size: u64) -> Self {
        let leaves = leaves(size);
        let nodes = Nodes::of(&leaves);
        let mut files = BTreeMap::new();
        for tile in tiles_at(size) {
            let hashes: Vec<Hash> = (0..u64::from(tile.width))
                .map(|n| nodes.node(8 * tile.level, tile.index * 256 + n).unwrap())
                .collect();
            files.insert(tile.path(), TileId::encode(&hashes));
        }
        for bundle in bundles_at(size) {
            let first = bundle.first_entry();
            let entries: Vec<_> = (first..first + u64::from(bundle.width)).map(entry).collect();
            files.insert(bundle.path(), bundle::encode(&entries).unwrap());
        }
        let root = sluice_ledger::audit::root(&leaves);
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root };
        files.insert("checkpoint".to_owned(), checkpoint.sign(&[&key()]).unwrap().into_bytes());
        Self { files }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Absent> {
        self.files.get(path).cloned().ok_or_else(|| Absent(path.to_owned()))
    }
}

impl LogSource for MemoryLog {
    type Error = Absent;
    fn checkpoint(&self) -> Result<String, Absent> {
        String::from_utf8(self.read("checkpoint")?).map_err(|_| Absent("text".to_owned()))
    }
    fn tile(&self, tile: &TileId) -> Result<Vec<u8>, Absent> {
        self.read(&TilePath::Hashes(*tile).path())
    }
    fn entries(&self, bundle: &BundleId) -> Result<Vec<u8>, Absent> {
        self.read(&TilePath::Entries(*bundle).path())
    }
}
