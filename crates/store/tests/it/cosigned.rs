//! Heads that witnesses have cosigned: kept over a restart, and an anchor of their own.

use rusqlite::Connection;
use sluice_ledger::{Checkpoint, Hash, SigningKey, leaf_hash};
use sluice_store::rows::{CosignedRow, QUORUM};
use sluice_store::{OpenError, Row, SafeHaltKind};

use crate::instance::{Instance, ORIGIN, commit, entries, signing_key};
use crate::rows::write;

const WITNESS: &str = "w.example+00000000+BAAA";

#[test]
fn what_witnesses_cosigned_is_there_after_a_restart() {
    let instance = filled(10);
    let rows =
        vec![row(WITNESS, 10, &published(&instance, 10)), row(QUORUM, 4, &published(&instance, 4))];
    note(&instance, rows.clone());
    let (mut writer, readers) = instance.open();
    assert_eq!(readers.cosigned().unwrap(), [rows[1].clone(), rows[0].clone()]);
    // One of fewer entries takes nobody's place.
    write(&mut writer, vec![Row::Cosigned(row(WITNESS, 3, "older"))]);
    assert_eq!(readers.cosigned().unwrap()[1], rows[0]);
    commit(&mut writer, entries(10, 600));
    drop((writer, readers));
    drop(instance.open());
    assert_eq!(instance.verify().unwrap().rows, 2);
}

#[test]
fn a_log_that_is_shorter_than_what_a_witness_has_cosigned_is_a_rollback() {
    for name in [WITNESS, QUORUM] {
        let (instance, longer) = (filled(10), filled(11));
        note(&instance, vec![row(name, 11, &published(&longer, 11))]);
        refused(&instance, SafeHaltKind::Rollback, "cosigned 11 entries, the database has 10");
    }
}

#[test]
fn a_log_that_is_not_what_a_witness_has_cosigned_is_a_fork() {
    let instance = filled(10);
    let other = signed(&signing_key(7), ORIGIN, 9, leaf_hash(b"other"));
    note(&instance, vec![row(WITNESS, 9, &other)]);
    refused(&instance, SafeHaltKind::Fork, "the witness `w.example` has cosigned other entries");
}

#[test]
fn a_cosigned_head_that_this_log_did_not_sign_is_damage() {
    let root = leaf_hash(b"other");
    for (note_text, told) in [
        (signed(&signing_key(8), ORIGIN, 9, root), "did not sign"),
        (signed(&signing_key(7), "another.example", 9, root), "of another log"),
        (signed(&signing_key(7), ORIGIN, 8, root), "of another log"),
        ("nonsense".to_owned(), "did not sign"),
    ] {
        let instance = filled(10);
        note(&instance, vec![row(WITNESS, 9, &note_text)]);
        refused(&instance, SafeHaltKind::Corrupt, told);
    }
}

#[test]
fn a_cosigned_head_that_was_edited_is_found() {
    let instance = filled(10);
    note(&instance, vec![row(WITNESS, 10, &published(&instance, 10))]);
    let database = Connection::open(instance.file("sluice.db")).unwrap();
    database.execute("UPDATE cosigned SET size = 9", []).unwrap();
    drop(database);
    refused(&instance, SafeHaltKind::Corrupt, WITNESS);
}

fn filled(count: u64) -> Instance {
    let instance = Instance::new();
    let (mut writer, _readers) = instance.open();
    commit(&mut writer, entries(0, count));
    instance
}

fn note(instance: &Instance, rows: Vec<CosignedRow>) {
    let (mut writer, _readers) = instance.open();
    write(&mut writer, rows.into_iter().map(Row::Cosigned).collect());
}

fn row(name: &str, size: u64, note: &str) -> CosignedRow {
    CosignedRow { name: name.to_owned(), size, at_us: 5, note: note.to_owned() }
}

/// The signed head of the instance when it had so many entries.
fn published(instance: &Instance, size: u64) -> String {
    let (_writer, readers) = instance.open();
    signed(&signing_key(7), ORIGIN, size, readers.root_at(size).unwrap())
}

fn signed(key: &SigningKey, origin: &str, size: u64, root: Hash) -> String {
    Checkpoint { origin: origin.to_owned(), size, root }.sign(&[key]).unwrap()
}

/// A start is refused, and a verification finds the same.
fn refused(instance: &Instance, expected: SafeHaltKind, told: &str) {
    match instance.try_open() {
        Err(OpenError::SafeHalt { kind, message }) => {
            assert_eq!(kind, expected, "{message}");
            assert!(message.contains(told), "{message}");
        }
        other => panic!("expected {expected}, got {other:?}"),
    }
    let problem = instance.verify().unwrap_err().to_string();
    assert!(problem.contains(told), "{problem}");
}
