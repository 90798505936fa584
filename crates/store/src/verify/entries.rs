//! Hashing every entry on all cores, and holding tiles and head against the result.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;
use sluice_ledger::tile::TILE_WIDTH;
use sluice_ledger::{Hash, TileId, leaf_hash};

use super::file::{DatabaseFile, Leaf, PageReader, Record, Value};
use super::{Describe, Problem, Verification};
use crate::connection;
use crate::edge::{Edge, read_tile, root_of};
use crate::readers::Head;

const WIDTH: u64 = TILE_WIDTH as u64;

/// Entries that a worker takes at a time: whole tiles.
const STEP: u64 = 16 * WIDTH;

/// The tree as it follows from the entries alone.
pub(super) struct Checked {
    pub(super) edge: Edge,
    pub(super) tiles: u64,
}

/// What up to 256 entries come to.
struct Bundle {
    /// The leaves, where they are not a full tile.
    leaves: Vec<Hash>,
    root: Hash,
}

/// What the entries of one step come to.
struct Part {
    bundles: Vec<Bundle>,
    first_time_us: i64,
    last_time_us: i64,
}

/// Where the workers take their next step from, and put what they found.
struct Shared {
    next: AtomicU64,
    steps: u64,
    found: Mutex<BTreeMap<u64, Result<Part, Problem>>>,
    /// Sum of the fingerprints of all entries' places in their streams.
    places: AtomicU64,
}

impl Verification<'_> {
    /// Hashes every entry; gives the tree, and the sum of the fingerprints of their places.
    pub(super) fn entries(&self, head: &Head) -> Result<(Checked, u64), Problem> {
        let leaves = self.file.leaves(self.root("entries")?)?;
        let shared = Shared {
            next: AtomicU64::new(0),
            steps: head.size.div_ceil(STEP).max(1),
            found: Mutex::default(),
            places: AtomicU64::new(0),
        };
        let worker = Worker {
            database: &self.database,
            file: &self.file,
            fingerprints: self.fingerprints,
            leaves: &leaves,
            describe: self.describe,
            size: head.size,
        };
        let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| worker.run(&shared));
            }
        });
        let (edge, tiles) = self.climb(head, shared.found.into_inner())?;
        if edge.frontier().root() != head.root {
            return Err(Problem::Head("it has another root than the entries".to_owned()));
        }
        self.no_tiles_beyond(tiles)?;
        Ok((Checked { edge, tiles }, shared.places.into_inner()))
    }

    /// Builds the tree from the bundles upwards, comparing every full tile on the way.
    fn climb(
        &self,
        head: &Head,
        parts: BTreeMap<u64, Result<Part, Problem>>,
    ) -> Result<(Edge, u64), Problem> {
        let mut last_time_us = i64::MIN;
        let mut levels = vec![Vec::new()];
        let mut nodes = Vec::new();
        for (index, part) in parts {
            let part = part?;
            if part.bundles.is_empty() {
                continue;
            }
            if part.first_time_us < last_time_us {
                let message = "its time is before that of the entry before";
                return Err(Problem::entry(index * STEP, message));
            }
            last_time_us = part.last_time_us;
            for bundle in part.bundles {
                if bundle.leaves.is_empty() {
                    nodes.push(bundle.root);
                } else {
                    levels = vec![bundle.leaves];
                }
            }
        }
        if last_time_us != head.last_time_us {
            return Err(Problem::Head("its time is not that of the last entry".to_owned()));
        }
        let mut tiles = nodes.len() as u64;
        for level in 1..8u8 {
            let (full, rest) = nodes.as_chunks::<{ TILE_WIDTH as usize }>();
            levels.push(rest.to_vec());
            for (index, hashes) in (0..).zip(full) {
                compare_tile(&self.connection, level, index, hashes)?;
            }
            tiles += full.len() as u64;
            nodes = full.iter().map(|hashes| root_of(hashes)).collect();
        }
        Ok((Edge::from_levels(head.size, levels), tiles))
    }

    fn no_tiles_beyond(&self, tiles: u64) -> Result<(), Problem> {
        let stored: u64 = self
            .connection
            .query_row("SELECT count(*) FROM tiles", [], |row| row.get(0))
            .map_err(|error| Problem::unreadable("the number of tiles", error))?;
        if stored == tiles {
            return Ok(());
        }
        Err(Problem::Structure(format!("{stored} tiles are stored, not {tiles}")))
    }
}

/// A fingerprint of an entry's place in its stream. Unlike in every run, so that nobody can plan for it.
pub(super) fn fingerprint(keys: &RandomState, stream: &[u8], version: u64, seq: u64) -> u64 {
    keys.hash_one((stream, version, seq))
}

/// What every thread knows; it opens a connection of its own for the tiles.
struct Worker<'a> {
    database: &'a Path,
    file: &'a DatabaseFile,
    fingerprints: &'a RandomState,
    leaves: &'a [Leaf],
    describe: &'a Describe<'a>,
    size: u64,
}

/// What a worker reads with.
struct Hands<'a> {
    connection: Connection,
    pages: PageReader<'a>,
    overflow: PageReader<'a>,
    spans: Vec<(usize, usize)>,
    buffer: Vec<u8>,
}

/// How far a step has come.
struct Progress {
    /// The next entry.
    seq: u64,
    to: u64,
    hashes: Vec<Hash>,
    bundles: Vec<Bundle>,
    first_time_us: Option<i64>,
    last_time_us: i64,
    places: u64,
}

impl Worker<'_> {
    fn run(&self, shared: &Shared) {
        let hands = connection::open_reader(self.database).map(|connection| Hands {
            connection,
            pages: self.file.reader(),
            overflow: self.file.reader(),
            spans: Vec::new(),
            buffer: Vec::new(),
        });
        let mut hands = hands.map_err(|error| Problem::unreadable("the database", error));
        loop {
            let index = shared.next.fetch_add(1, Ordering::Relaxed);
            if index >= shared.steps {
                return;
            }
            let part = match &mut hands {
                Ok(hands) => self.step(hands, index, index + 1 == shared.steps),
                Err(error) => Err(Problem::Structure(error.to_string())),
            };
            if part.is_err() {
                shared.next.store(shared.steps, Ordering::Relaxed);
            }
            let part = part.map(|(part, places)| {
                shared.places.fetch_add(places, Ordering::Relaxed);
                part
            });
            shared.found.lock().insert(index, part);
        }
    }

    /// Hashes the entries of one step and compares its full tiles; gives their fingerprints' sum too.
    fn step(
        &self,
        hands: &mut Hands<'_>,
        index: u64,
        is_last: bool,
    ) -> Result<(Part, u64), Problem> {
        let from = index * STEP;
        let mut progress = Progress {
            seq: from,
            to: (from + STEP).min(self.size),
            hashes: Vec::new(),
            bundles: Vec::new(),
            first_time_us: None,
            last_time_us: i64::MIN,
            places: 0,
        };
        // Whatever is below the first or above the last entry belongs to the steps at the ends.
        let below = if index == 0 { i64::MIN } else { from.cast_signed() };
        let above = if is_last { i64::MAX } else { progress.to.cast_signed() - 1 };
        let mut at = self.leaves.partition_point(|leaf| leaf.last < below);
        while let Some(leaf) = self.leaves.get(at) {
            self.leaf(hands, at, (below, above), &mut progress)?;
            if leaf.last >= above {
                break;
            }
            at += 1;
        }
        if progress.seq < progress.to {
            return Err(Problem::entry(progress.seq, "it is missing"));
        }
        if !progress.hashes.is_empty() {
            let root = root_of(&progress.hashes);
            progress.bundles.push(Bundle { leaves: progress.hashes, root });
        }
        let part = Part {
            bundles: progress.bundles,
            first_time_us: progress.first_time_us.unwrap_or(i64::MIN),
            last_time_us: progress.last_time_us,
        };
        Ok((part, progress.places))
    }

    /// Takes the entries of one page that belong to the step.
    fn leaf(
        &self,
        hands: &mut Hands<'_>,
        at: usize,
        (below, above): (i64, i64),
        progress: &mut Progress,
    ) -> Result<(), Problem> {
        let Some(leaf) = self.leaves.get(at) else { return Ok(()) };
        let before = at.checked_sub(1).and_then(|at| self.leaves.get(at));
        let Hands { connection, pages, overflow, spans, buffer } = hands;
        self.file.leaf(pages, spans, leaf.page, |cell| {
            let key = cell.rowid;
            if key > leaf.last || before.is_some_and(|before| key <= before.last) {
                let message = format!("row {key} of the entries is on the wrong page");
                return Err(Problem::Structure(message));
            }
            if key < below || key > above {
                return Ok(());
            }
            if key < 0 {
                let message = "there are entries before the first".to_owned();
                return Err(Problem::Structure(message));
            }
            if progress.seq == self.size {
                let (size, last) = (self.size, key.saturating_add(1));
                return Err(Problem::Head(format!("it says {size} entries, found {last}")));
            }
            if key != progress.seq.cast_signed() {
                return Err(Problem::entry(progress.seq, "it is missing"));
            }
            let payload = cell.payload(self.file, overflow, buffer)?;
            self.entry(payload, progress)?;
            if progress.seq.is_multiple_of(WIDTH) {
                compare_tile(connection, 0, progress.seq / WIDTH - 1, &progress.hashes)?;
                let root = root_of(&progress.hashes);
                progress.bundles.push(Bundle { leaves: Vec::new(), root });
                progress.hashes.clear();
            }
            Ok(())
        })
    }

    /// Checks one row against its own bytes.
    fn entry(&self, payload: &[u8], progress: &mut Progress) -> Result<(), Problem> {
        let seq = progress.seq;
        let mut row = Record::of(payload)?;
        let columns: [Value<'_>; 7] = [
            row.next()?,
            row.next()?,
            row.next()?,
            row.next()?,
            row.next()?,
            row.next()?,
            row.next()?,
        ];
        row.end()?;
        let [Value::Null, leaf, stream, version, name, time_us, Value::Blob(bytes)] = columns
        else {
            return Err(Problem::entry(seq, "it holds no bytes"));
        };
        let hash = leaf_hash(bytes);
        let told = (self.describe)(bytes)
            .map_err(|e| Problem::entry(seq, format!("its bytes are not an event: {e}")))?;
        let same = leaf == Value::Blob(hash.as_bytes())
            && stream == Value::Text(told.stream.as_bytes())
            && version == Value::Integer(told.version.cast_signed())
            && name == Value::Text(told.name.as_bytes())
            && time_us == Value::Integer(told.time_us);
        if !same {
            return Err(Problem::entry(seq, "the columns beside its bytes say something else"));
        }
        if told.time_us < progress.last_time_us {
            return Err(Problem::entry(seq, "its time is before that of the entry before"));
        }
        progress.first_time_us.get_or_insert(told.time_us);
        progress.last_time_us = told.time_us;
        let place = fingerprint(self.fingerprints, told.stream.as_bytes(), told.version, seq);
        progress.places = progress.places.wrapping_add(place);
        progress.hashes.push(hash);
        progress.seq += 1;
        Ok(())
    }
}

fn compare_tile(
    connection: &Connection,
    level: u8,
    index: u64,
    hashes: &[Hash],
) -> Result<(), Problem> {
    let wrong = |message: &str| Problem::Tile { level, index, message: message.to_owned() };
    let stored = read_tile(connection, level, index)
        .map_err(|error| wrong(&format!("it cannot be read: {error}")))?;
    if TileId::encode(&stored) == TileId::encode(hashes) {
        return Ok(());
    }
    Err(wrong("it is not what the entries give"))
}
