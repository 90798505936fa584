//! Every byte of a small ledger, flipped: found by a start, found by a verification, or
//! without any effect. Nothing in between.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;
use sluice_store::{Readers, Row, Scratch, compare_views};

use crate::instance::{Instance, commit, entries};
use crate::rows::{beside, change, views, write};

/// Flips that are tried in the usual run; the full run takes every byte.
const SAMPLE: usize = 600;

#[test]
fn a_flipped_byte_of_a_stopped_folder_is_never_silent() {
    let instance = small();
    drop(instance.open());
    flip(&instance, &["sluice.db", "anchor"], SAMPLE);
}

#[test]
fn a_flipped_byte_of_a_killed_folder_is_never_silent() {
    let instance = small();
    let (mut writer, _readers) = instance.open();
    commit(&mut writer, entries(300, 5));
    write(&mut writer, vec![Row::Change(change(2))]);
    let killed = instance.copied();
    let tally = flip(&killed, &["sluice.db-wal"], SAMPLE / 3);
    assert_eq!(tally.no_effect, 1, "every byte of the log is in a sum and in a commit: {tally:?}");
}

#[test]
#[ignore = "takes an hour: every byte of the log"]
fn every_flipped_byte_of_the_log_is_found() {
    let instance = small();
    let (mut writer, _readers) = instance.open();
    commit(&mut writer, entries(300, 5));
    let tally = flip(&instance.copied(), &["sluice.db-wal"], usize::MAX);
    assert_eq!(tally.no_effect, 1, "{tally:?}");
}

#[test]
#[ignore = "takes an hour: every byte of every file"]
fn every_flipped_byte_is_found_or_without_effect() {
    flip(&small(), &["sluice.db", "anchor"], usize::MAX);
}

/// What the folder holds when nothing is flipped.
struct Truth {
    content: Content,
    views: Scratch,
}

#[derive(Debug, Default)]
struct Tally {
    verify_fails: usize,
    views_differ: usize,
    start_refused: usize,
    no_effect: usize,
}

fn flip(instance: &Instance, files: &[&str], sample: usize) -> Tally {
    let truth = Truth { content: dump(&instance.copied()), views: Scratch::in_memory().unwrap() };
    for row in few_views() {
        truth.views.accept(&row).unwrap();
    }
    let total: u64 =
        files.iter().map(|name| fs::metadata(instance.file(name)).unwrap().len()).sum();
    // An odd step: it meets every place within a page sooner or later.
    let step = (total as usize / sample).max(1) | 1;
    // Where it begins is chance, so that every run tries other bytes.
    let seed = std::env::var_os("SLUICE_FLIP_SEED").and_then(|seed| seed.into_string().ok());
    let first = seed.map_or_else(
        || RandomState::new().hash_one(step) as usize % step,
        |seed| seed.parse().unwrap(),
    );
    let mut tally = Tally::default();
    let work = instance.copied();
    assert!(classify(&work, &truth, &mut tally) && tally.no_effect == 1, "{tally:?}");
    for name in files {
        let bytes = fs::read(instance.file(name)).unwrap();
        for offset in (first..bytes.len()).step_by(step) {
            let mut flipped = bytes.clone();
            flipped[offset] ^= 1 << (offset / step % 8);
            restore(instance.dir(), work.dir());
            fs::write(work.file(name), &flipped).unwrap();
            let found = classify(&work, &truth, &mut tally);
            assert!(
                found,
                "byte {offset} of `{name}` was flipped without a word (SLUICE_FLIP_SEED={first})"
            );
        }
    }
    let found = tally.verify_fails + tally.views_differ + tally.start_refused;
    assert!(found > tally.no_effect / 20, "{tally:?}");
    tally
}

/// Whether the flip is found, or has no effect at all.
fn classify(instance: &Instance, truth: &Truth, tally: &mut Tally) -> bool {
    if instance.verify().is_err() {
        tally.verify_fails += 1;
        return true;
    }
    if !views_are_true(instance, &truth.views) {
        tally.views_differ += 1;
        return true;
    }
    if instance.try_open().is_err() {
        tally.start_refused += 1;
        return true;
    }
    tally.no_effect += 1;
    dump(instance) == truth.content
}

fn views_are_true(instance: &Instance, scratch: &Scratch) -> bool {
    let Ok(readers) = Readers::open(instance.dir(), None) else { return false };
    compare_views(&readers, scratch, 1).is_ok_and(|differences| differences.is_empty())
}

type Content = Vec<(String, Vec<Vec<Value>>)>;

/// Every row of every table.
fn dump(instance: &Instance) -> Content {
    let connection = Connection::open(instance.file("sluice.db")).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut tables = connection.prepare(sql).unwrap();
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows = |table: &String| {
        let sql = format!("SELECT * FROM \"{table}\" NOT INDEXED");
        let mut statement = connection.prepare(&sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    };
    tables.iter().map(|table| (table.clone(), rows(table))).collect()
}

/// Makes the folder as it was, but for the reserve.
fn restore(from: &Path, to: &Path) {
    for name in ["sluice.db", "sluice.db-wal", "sluice.db-shm", "anchor"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).unwrap();
        } else if to.join(name).exists() {
            fs::remove_file(to.join(name)).unwrap();
        }
    }
}

fn small() -> Instance {
    let instance = Instance::new();
    let (mut writer, _readers) = instance.open();
    commit(&mut writer, entries(0, 300));
    let mut rows = beside();
    rows.extend(few_views());
    write(&mut writer, rows);
    drop(writer);
    instance
}

fn few_views() -> Vec<Row> {
    let is_few = |row: &Row| !matches!(row, Row::Change(change) if change.number > 4);
    views().into_iter().filter(is_few).collect()
}
