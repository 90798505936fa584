//! Any changed byte of any file of a published log is found.
//!
//! Bytes that do not matter: none. In a log whose checkpoint carries signatures by keys that the
//! verifier was not given, the names, ids and bytes of those signatures would be such, as nothing
//! can be known of them; the last test shows it.

use sluice_ledger::note::SigningKey;
use sluice_ledger::tile::{bundles_at, tiles_at};
use sluice_ledger::{VerifyingKey, verify_log};

use crate::log::foreign_log;
use crate::memory_log::{MemoryLog, key};

#[test]
fn every_flipped_byte_of_a_foreign_log_is_found() {
    for size in 0..=8 {
        let Some((folder, key)) = foreign_log(size) else { return };
        let mut log = MemoryLog { files: Default::default() };
        let checkpoint = folder.read(&format!("checkpoint.{size}")).unwrap();
        log.files.insert("checkpoint".into(), checkpoint);
        let tiles = tiles_at(size).map(|tile| tile.path());
        for path in tiles.chain(bundles_at(size).map(|bundle| bundle.path())) {
            log.files.insert(path.clone(), folder.read(&path).unwrap());
        }
        check_every_byte(&log, &[key]);
    }
}

#[test]
fn every_flipped_byte_of_a_log_with_two_levels_is_found_in_a_sample() {
    let log = MemoryLog::of_size(300);
    let keys = [key().verifying_key()];
    for (path, bytes) in &log.files {
        for at in (0..bytes.len()).step_by(37) {
            check_flip(&log, &keys, path, at, 1 << (at % 8));
        }
    }
}

#[test]
fn only_signatures_of_unknown_keys_can_change_unnoticed() {
    let mut log = MemoryLog::of_size(2);
    let known = [key().verifying_key()];
    let other = SigningKey::from_seed("other.example", &[9; 32]).unwrap();
    let foreign = sluice_ledger::note::sign("other\n", &[&other]).unwrap();
    let line = foreign.rsplit_once("\n\n").unwrap().1;
    log.files.get_mut("checkpoint").unwrap().extend_from_slice(line.as_bytes());
    let length = log.files["checkpoint"].len();
    for at in 0..length {
        let mut damaged = log.clone();
        damaged.files.get_mut("checkpoint").unwrap()[at] ^= 1;
        if verify_log(&damaged, &known, &mut |_| {}).is_ok() {
            assert!(at >= length - line.len(), "byte {at}");
        }
    }
}

fn check_every_byte(log: &MemoryLog, keys: &[VerifyingKey]) {
    verify_log(log, keys, &mut |_| {}).unwrap();
    for (path, bytes) in &log.files {
        for at in 0..bytes.len() {
            for xor in [1 << (at % 8), 0x20, 0xff] {
                check_flip(log, keys, path, at, xor);
            }
        }
    }
}

fn check_flip(log: &MemoryLog, keys: &[VerifyingKey], path: &str, at: usize, xor: u8) {
    let mut damaged = log.clone();
    damaged.files.get_mut(path).unwrap()[at] ^= xor;
    let verdict = verify_log(&damaged, keys, &mut |_| {});
    assert!(verdict.is_err(), "{path}: byte {at} changed by {xor:#04x} and nothing found");
}
