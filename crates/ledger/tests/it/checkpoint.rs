//! Checkpoints: strict to read, exact to write.

use sluice_ledger::checkpoint::CheckpointError;
use sluice_ledger::note::sign;
use sluice_ledger::{Checkpoint, empty_root, leaf_hash};

use crate::memory_log::{ORIGIN, key};

#[test]
fn a_checkpoint_comes_back_as_it_was_signed() {
    let head = Checkpoint { origin: ORIGIN.into(), size: 42, root: leaf_hash(b"x") };
    let published = head.sign(&[&key()]).unwrap();
    assert_eq!(Checkpoint::open(&published, &[key().verifying_key()]).unwrap(), head);
    assert_eq!(Checkpoint::parse_unverified(&published).unwrap(), head);
    assert!(Checkpoint::open(&published, &[]).is_err());
}

#[test]
fn extension_lines_are_skipped() {
    let root = leaf_hash(b"x");
    let text = format!("{ORIGIN}\n7\n{root}\nextension one\nextension two\n");
    let published = sign(&text, &[&key()]).unwrap();
    assert_eq!(Checkpoint::open(&published, &[key().verifying_key()]).unwrap().size, 7);
}

#[test]
fn malformed_checkpoints_are_refused_by_name() {
    let (root, empty) = (leaf_hash(b"x"), empty_root());
    let long = "o".repeat(256);
    let cases = [
        (String::new(), CheckpointError::Lines),
        (format!("o\n1\n{root}"), CheckpointError::Lines),
        (format!("\n1\n{root}\n"), CheckpointError::Origin),
        (format!("{long}\n1\n{root}\n"), CheckpointError::Origin),
        (format!("o\n01\n{root}\n"), CheckpointError::Size),
        (format!("o\n+1\n{root}\n"), CheckpointError::Size),
        (format!("o\n-1\n{root}\n"), CheckpointError::Size),
        (format!("o\n1 \n{root}\n"), CheckpointError::Size),
        (format!("o\n18446744073709551616\n{root}\n"), CheckpointError::Size),
        ("o\n1\n".to_owned(), CheckpointError::Root),
        ("o\n1\nAAAA\n".to_owned(), CheckpointError::Root),
        (format!("o\n1\n{root} \n"), CheckpointError::Root),
        (format!("o\n1\n{}\n", root.to_hex()), CheckpointError::Root),
        (format!("o\n1\n{root}\n\nx\n"), CheckpointError::Lines),
        (format!("o\n0\n{root}\n"), CheckpointError::EmptyRoot),
    ];
    for (text, expected) in cases {
        assert_eq!(Checkpoint::parse(&text), Err(expected), "{text:?}");
    }
    assert!(Checkpoint::parse(&format!("o\n0\n{empty}\n")).is_ok());
    let bad = Checkpoint { origin: "two\nlines".into(), size: 0, root: empty };
    assert_eq!(bad.sign(&[&key()]), Err(CheckpointError::Origin));
}
