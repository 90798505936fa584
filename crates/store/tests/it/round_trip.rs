//! What is committed is read back, before and after a restart.

use proptest::prelude::*;
use sluice_ledger::tile::{bundles_at, tiles_at};
use sluice_ledger::{TileId, leaf_hash, verify_consistency, verify_inclusion};
use sluice_store::{Batch, NotCommitted, OpenError, Outcome};

use crate::instance::{Instance, commit, entries, entry};

#[test]
fn an_entry_is_read_as_it_was_committed() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let committed = commit(&mut writer, entries(0, 5));
    assert_eq!((committed.first_seq, committed.head.size), (0, 5));
    let read = readers.entry(3).unwrap().unwrap();
    let written = entry(3);
    assert_eq!((read.seq, read.bytes), (3, written.bytes));
    assert_eq!((read.stream, read.version, read.name), (written.stream, 2, written.name));
    assert_eq!(readers.entry(5).unwrap(), None);
    assert_eq!(readers.stream("change/0", 0, 10).unwrap().len(), 2);
    assert_eq!(readers.stream_version("change/1").unwrap(), Some(2));
    assert_eq!(readers.entries(1, 3).unwrap().len(), 3);
}

#[test]
fn a_restart_finds_the_same_head_and_checkpoint() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let committed = commit(&mut writer, entries(0, 600));
    drop((writer, readers));
    let (mut writer, readers) = instance.open();
    assert_eq!(writer.head(), &committed.head);
    assert_eq!(readers.checkpoint_note(), committed.checkpoint_note);
    assert_eq!(commit(&mut writer, entries(600, 1)).first_seq, 600);
}

#[test]
fn a_second_process_is_kept_out() {
    let instance = Instance::new();
    let _open = instance.open();
    assert!(matches!(instance.try_open(), Err(OpenError::Locked(_))));
}

#[test]
fn a_taken_stream_version_is_a_conflict_and_writes_nothing() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    commit(&mut writer, entries(0, 4));
    let mut batch = entries(4, 2);
    batch.entries[1].version = 1;
    let outcome = writer.commit(batch);
    assert!(matches!(outcome, Outcome::NotCommitted(NotCommitted::Conflict(_))), "{outcome:?}");
    assert_eq!(readers.head().size, 4);
    assert_eq!(commit(&mut writer, entries(4, 2)).head.size, 6);
}

#[test]
fn every_tile_and_bundle_of_the_log_is_served() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    commit(&mut writer, entries(0, 300));
    commit(&mut writer, entries(300, 700));
    for tile in tiles_at(1_000) {
        let bytes = readers.tile(tile).unwrap().unwrap();
        let hashes = tile.decode(&bytes).unwrap();
        if tile.level == 0 {
            assert_eq!(hashes[0], leaf_hash(&entry(tile.index * 256).bytes));
        }
    }
    for bundle in bundles_at(1_000) {
        let bytes = readers.entry_bundle(bundle).unwrap().unwrap();
        let decoded = sluice_ledger::bundle::decode(bundle, &bytes).unwrap();
        assert_eq!(decoded[0], entry(bundle.first_entry()).bytes);
    }
    let beyond = TileId { level: 0, index: 3, width: 240 };
    assert_eq!(readers.tile(beyond).unwrap(), None);
}

#[test]
fn every_two_sizes_up_to_64_are_proven_consistent() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let mut roots = vec![writer.head().root];
    for seq in 0..64 {
        roots.push(commit(&mut writer, entries(seq, 1)).head.root);
    }
    for to in 0..=64u64 {
        assert_eq!(readers.root_at(to).unwrap(), roots[to as usize]);
        for from in 0..=to {
            let proof = readers.consistency_proof(from, to).unwrap();
            let (from_root, to_root) = (roots[from as usize], roots[to as usize]);
            verify_consistency(from, to, &from_root, &to_root, &proof).unwrap();
        }
        for seq in 0..to {
            let proof = readers.inclusion_proof(seq, to).unwrap();
            let leaf = leaf_hash(&entry(seq).bytes);
            verify_inclusion(seq, to, &leaf, &proof, &roots[to as usize]).unwrap();
        }
    }
    assert!(readers.consistency_proof(3, 65).is_err());
    assert!(readers.consistency_proof(5, 4).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn receipts_of_any_batches_verify(sizes in prop::collection::vec(0u64..400, 1..8)) {
        let instance = Instance::new();
        let keys = [instance.verifying_key()];
        let (mut writer, readers) = instance.open();
        let mut size = 0;
        for count in sizes {
            let committed = commit(&mut writer, entries(size, count));
            prop_assert_eq!(committed.receipts.len() as u64, count);
            for (seq, receipt) in (size..).zip(&committed.receipts) {
                let checkpoint = receipt.verify(Some(&entry(seq).bytes), &keys).unwrap();
                prop_assert_eq!(checkpoint.size, size + count);
            }
            size += count;
        }
        for seq in (0..size).step_by(97) {
            let receipt = readers.receipt(seq).unwrap();
            receipt.verify(Some(&entry(seq).bytes), &keys).unwrap();
        }
        drop((writer, readers));
        let (writer, readers) = instance.open();
        prop_assert_eq!(writer.head().size, size);
        if size > 0 {
            readers.receipt(size / 2).unwrap().verify(None, &keys).unwrap();
        }
    }
}

#[test]
fn an_empty_batch_changes_nothing() {
    let instance = Instance::new();
    let (mut writer, _readers) = instance.open();
    let before = writer.head().clone();
    let committed = commit(&mut writer, Batch::default());
    assert_eq!((committed.head, committed.receipts.len()), (before, 0));
}
