//! Prints how fast appends and full verification are beside the machine's bare SHA-256 rate.
//!
//! `cargo run --release -p sluice-ledger --example speed [ENTRIES] [BYTES]`
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program for people to run")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use sluice_ledger::tile::{bundles_at, tiles_at};
use sluice_ledger::{
    Batch, BundleId, Checkpoint, Frontier, Hash, LogSource, LogVerifier, SigningKey, TileId,
    append_with_proofs, bundle, leaf_hash,
};

const ORIGIN: &str = "sluice.example/speed";

fn main() {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().expect("a number"));
    let entries: u64 = numbers.next().unwrap_or(1_000_000);
    let bytes = numbers.next().unwrap_or(400) as usize;
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let key = SigningKey::from_seed(ORIGIN, &[1; 32]).expect("a valid name");

    let bulk = per_second(1 << 30, &mut || on_all(cores, &|| bulk_rate(1 << 30, 1 << 20)));
    let bare = per_second(1 << 30, &mut || on_all(cores, &|| bulk_rate(1 << 30, bytes)));
    let cores_f = cores.get() as f64;
    println!("SHA-256, 1 MiB messages, {cores} cores   {:8.0} MB/s", bulk * cores_f / 1e6);
    println!("SHA-256, {bytes} B messages, {cores} cores   {:8.0} MB/s", bare * cores_f / 1e6);

    let log = Published::new(entries, bytes, &key);
    let total = (entries as usize * bytes) as f64;
    let keys = [key.verifying_key()];
    for threads in 1..=cores.get() {
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let verifier = LogVerifier::new(&keys).threads(threads);
        let spent = time(&mut || {
            black_box(verifier.run(&log, &mut |_| {}).expect("a log in order"));
        });
        let rate = total / spent.as_secs_f64();
        println!(
            "full verification, {threads} threads    {:8.0} MB/s  {:9.0} entries/s",
            rate / 1e6,
            entries as f64 / spent.as_secs_f64()
        );
    }
    appends(entries);
}

fn appends(entries: u64) {
    let leaves: Vec<Hash> = (0..entries).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    for group in [1, 64, 1024] {
        let mut frontier = Frontier::new();
        let spent = time(&mut || {
            for leaves in leaves.chunks(group) {
                black_box(append_with_proofs(&mut frontier, leaves));
            }
        });
        let rate = entries as f64 / spent.as_secs_f64();
        println!("append with proofs, groups of {group:4}  {rate:9.0} leaves/s");
    }
}

fn bulk_rate(total: usize, message: usize) {
    let bytes = vec![0xa5; message];
    for _ in 0..total / message {
        black_box(Sha256::digest(black_box(&bytes)));
    }
}

fn on_all(cores: NonZeroUsize, work: &(dyn Fn() + Sync)) {
    thread::scope(|scope| (0..cores.get()).for_each(|_| drop(scope.spawn(work))));
}

fn per_second(amount: usize, work: &mut dyn FnMut()) -> f64 {
    amount as f64 / time(work).as_secs_f64()
}

fn time(work: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// A published log in memory; entries differ in their first bytes.
struct Published {
    checkpoint: String,
    tiles: BTreeMap<TileId, Vec<u8>>,
    bundles: BTreeMap<BundleId, Vec<u8>>,
}

impl Published {
    fn new(entries: u64, bytes: usize, key: &SigningKey) -> Self {
        let entry = |index: u64| {
            let mut entry = vec![b'x'; bytes.max(8)];
            entry[..8].copy_from_slice(&index.to_be_bytes());
            entry
        };
        let leaves: Vec<Hash> = (0..entries).map(|index| leaf_hash(&entry(index))).collect();
        let mut frontier = Frontier::new();
        let batch = Batch::append(&mut frontier, &leaves);
        let nodes: BTreeMap<(u8, u64), Hash> = batch
            .nodes()
            .filter(|(level, ..)| level % 8 == 0)
            .map(|(level, index, hash)| ((level, index), hash))
            .collect();
        let row = |tile: &TileId| -> Vec<Hash> {
            let first = tile.index * 256;
            (first..first + u64::from(tile.width))
                .map(|index| nodes[&(8 * tile.level, index)])
                .collect()
        };
        let bundles = bundles_at(entries).map(|bundle| {
            let first = bundle.first_entry();
            let entries: Vec<_> = (first..first + u64::from(bundle.width)).map(entry).collect();
            (bundle, bundle::encode(&entries).expect("small entries"))
        });
        let head = Checkpoint { origin: ORIGIN.into(), size: entries, root: frontier.root() };
        Self {
            checkpoint: head.sign(&[key]).expect("a valid origin"),
            tiles: tiles_at(entries).map(|tile| (tile, TileId::encode(&row(&tile)))).collect(),
            bundles: bundles.collect(),
        }
    }
}

impl LogSource for Published {
    type Error = Infallible;
    fn checkpoint(&self) -> Result<String, Infallible> {
        Ok(self.checkpoint.clone())
    }
    fn tile(&self, tile: &TileId) -> Result<Vec<u8>, Infallible> {
        Ok(self.tiles[tile].clone())
    }
    fn entries(&self, bundle: &BundleId) -> Result<Vec<u8>, Infallible> {
        Ok(self.bundles[bundle].clone())
    }
}
