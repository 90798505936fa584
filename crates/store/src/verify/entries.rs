//! Hashing every entry on all cores, and holding tiles and head against the result.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rusqlite::{Connection, Row};
use sluice_ledger::tile::TILE_WIDTH;
use sluice_ledger::{Hash, TileId, leaf_hash};

use super::{Describe, Problem, Verification};
use crate::connection;
use crate::edge::{Edge, read_tile, root_of};
use crate::readers::Head;

const WIDTH: u64 = TILE_WIDTH as u64;

/// The tree as it follows from the entries alone.
pub(super) struct Checked {
    pub(super) edge: Edge,
    pub(super) tiles: u64,
}

/// What up to 256 entries come to.
struct Bundle {
    leaves: Vec<Hash>,
    root: Hash,
    first_time_us: i64,
    last_time_us: i64,
}

/// Where the workers take their next bundle from, and put what they found.
struct Shared {
    next: AtomicU64,
    bundles: u64,
    found: Mutex<BTreeMap<u64, Result<Bundle, Problem>>>,
}

impl Verification<'_> {
    pub(super) fn entries(&self, head: &Head) -> Result<Checked, Problem> {
        let shared = Shared {
            next: AtomicU64::new(0),
            bundles: head.size.div_ceil(WIDTH),
            found: Mutex::default(),
        };
        let worker = Worker { database: &self.database, describe: self.describe, size: head.size };
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
        self.nothing_beyond(head.size, tiles)?;
        Ok(Checked { edge, tiles })
    }

    /// Builds the tree from the bundles upwards, comparing every full tile on the way.
    fn climb(
        &self,
        head: &Head,
        bundles: BTreeMap<u64, Result<Bundle, Problem>>,
    ) -> Result<(Edge, u64), Problem> {
        let mut last_time_us = i64::MIN;
        let mut levels = vec![Vec::new()];
        let mut nodes = Vec::new();
        for (index, bundle) in bundles {
            let bundle = bundle?;
            if bundle.first_time_us < last_time_us {
                let message = "its time is before that of the entry before";
                return Err(Problem::entry(index * WIDTH, message));
            }
            last_time_us = bundle.last_time_us;
            if bundle.leaves.is_empty() {
                nodes.push(bundle.root);
            } else {
                levels = vec![bundle.leaves];
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

    fn nothing_beyond(&self, size: u64, tiles: u64) -> Result<(), Problem> {
        let count = |sql: &str| -> Result<u64, Problem> {
            let count = self.connection.query_row(sql, [], |row| row.get(0));
            count.map_err(|error| Problem::unreadable("the number of rows", error))
        };
        let last = count("SELECT coalesce(max(seq) + 1, 0) FROM entries")?;
        if last > size {
            return Err(Problem::Head(format!("it says {size} entries, found {last}")));
        }
        if count("SELECT count(*) FROM entries WHERE seq < 0")? > 0 {
            return Err(Problem::Structure("there are entries before the first".to_owned()));
        }
        let stored = count("SELECT count(*) FROM tiles")?;
        if stored != tiles {
            return Err(Problem::Structure(format!("{stored} tiles are stored, not {tiles}")));
        }
        Ok(())
    }

    /// Checks that every stream counts without a gap and in the order of the entries.
    pub(super) fn streams(&self, size: u64) -> Result<u64, Problem> {
        let unreadable = |e| Problem::unreadable("the index of streams", e);
        let mut statement = self
            .connection
            .prepare(
                "SELECT stream, version, seq FROM entries INDEXED BY entries_by_stream
                 ORDER BY stream, version",
            )
            .map_err(unreadable)?;
        let mut rows = statement.query([]).map_err(unreadable)?;
        let (mut seen, mut streams) = (0, 0);
        let mut last: Option<(String, u64, u64)> = None;
        while let Some(row) = rows.next().map_err(unreadable)? {
            let stream = row.get_ref(0).map_err(unreadable)?;
            let stream = stream.as_str().map_err(|e| unreadable(e.into()))?;
            let (version, seq) = (row.get(1).map_err(unreadable)?, row.get(2).map_err(unreadable)?);
            let wrong =
                |message: String| Err(Problem::Stream { stream: stream.to_owned(), message });
            seen += 1;
            match &mut last {
                Some((name, before, at)) if name == stream => {
                    if version != *before + 1 || seq <= *at {
                        return wrong(format!("version {version} does not follow {before}"));
                    }
                    (*before, *at) = (version, seq);
                }
                _ if version > 1 => return wrong(format!("it starts with version {version}")),
                _ => {
                    streams += 1;
                    last = Some((stream.to_owned(), version, seq));
                }
            }
        }
        if seen == size {
            return Ok(streams);
        }
        Err(Problem::Structure(format!("the index of streams knows {seen} of {size} entries")))
    }
}

/// What every thread knows; it opens a connection of its own.
struct Worker<'a> {
    database: &'a Path,
    describe: &'a Describe<'a>,
    size: u64,
}

impl Worker<'_> {
    fn run(&self, shared: &Shared) {
        let connection = connection::open_reader(self.database)
            .map_err(|error| Problem::unreadable("the database", error));
        loop {
            let index = shared.next.fetch_add(1, Ordering::Relaxed);
            if index >= shared.bundles {
                return;
            }
            let bundle = match &connection {
                Ok(connection) => self.bundle(connection, index),
                Err(error) => Err(Problem::Structure(error.to_string())),
            };
            if bundle.is_err() {
                shared.next.store(shared.bundles, Ordering::Relaxed);
            }
            shared.found.lock().insert(index, bundle);
        }
    }

    /// Hashes the entries of one bundle and compares its tile, when it is full.
    fn bundle(&self, connection: &Connection, index: u64) -> Result<Bundle, Problem> {
        let from = index * WIDTH;
        let to = (from + WIDTH).min(self.size);
        let leaves = self.leaves(connection, from, to)?;
        let (first_time_us, last_time_us) = (leaves.first_time_us, leaves.last_time_us);
        let leaves = leaves.hashes;
        if to - from == WIDTH {
            compare_tile(connection, 0, index, &leaves)?;
        }
        let root = root_of(&leaves);
        let leaves = if to - from == WIDTH { Vec::new() } else { leaves };
        Ok(Bundle { leaves, root, first_time_us, last_time_us })
    }

    fn leaves(&self, connection: &Connection, from: u64, to: u64) -> Result<Leaves, Problem> {
        let unreadable = |seq| move |e| Problem::unreadable(format!("entry {seq}"), e);
        let mut statement = connection
            .prepare_cached(
                "SELECT seq, leaf, stream, version, name, time_us, bytes FROM entries
                 WHERE seq >= ?1 AND seq < ?2 ORDER BY seq",
            )
            .map_err(unreadable(from))?;
        let mut rows = statement.query([from, to]).map_err(unreadable(from))?;
        let mut leaves = Leaves { hashes: Vec::new(), first_time_us: 0, last_time_us: i64::MIN };
        for seq in from..to {
            let row = rows.next().map_err(unreadable(seq))?;
            let row = row.ok_or_else(|| Problem::entry(seq, "it is missing"))?;
            let (hash, time_us) = self.entry(seq, row)?;
            if time_us < leaves.last_time_us {
                return Err(Problem::entry(seq, "its time is before that of the entry before"));
            }
            if seq == from {
                leaves.first_time_us = time_us;
            }
            leaves.last_time_us = time_us;
            leaves.hashes.push(hash);
        }
        Ok(leaves)
    }

    /// Checks one row against its own bytes.
    fn entry(&self, seq: u64, row: &Row<'_>) -> Result<(Hash, i64), Problem> {
        let unreadable = |e| Problem::unreadable(format!("entry {seq}"), e);
        if row.get::<_, u64>(0).map_err(unreadable)? != seq {
            return Err(Problem::entry(seq, "it is missing"));
        }
        let bytes = row.get_ref(6).map_err(unreadable)?;
        let bytes = bytes.as_blob().map_err(|_| Problem::entry(seq, "it holds no bytes"))?;
        let hash = leaf_hash(bytes);
        let (stream, version, name, time_us) = (self.describe)(bytes)
            .map_err(|e| Problem::entry(seq, format!("its bytes are not an event: {e}")))?;
        let leaf: Vec<u8> = row.get(1).map_err(unreadable)?;
        let same = leaf == hash.as_bytes()
            && row.get::<_, String>(2).map_err(unreadable)? == stream
            && row.get::<_, u64>(3).map_err(unreadable)? == version
            && row.get::<_, String>(4).map_err(unreadable)? == name
            && row.get::<_, i64>(5).map_err(unreadable)? == time_us;
        if same {
            return Ok((hash, time_us));
        }
        Err(Problem::entry(seq, "the columns beside its bytes say something else"))
    }
}

struct Leaves {
    hashes: Vec<Hash>,
    first_time_us: i64,
    last_time_us: i64,
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
