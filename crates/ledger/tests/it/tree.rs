//! Roots and batches, for every way to cut a small log into batches.

use sha2::{Digest, Sha256};
use sluice_ledger::audit;
use sluice_ledger::{
    Batch, Frontier, Hash, append_with_proofs, empty_root, leaf_hash, node_hash, verify_inclusion,
};

use crate::memory_log::{Nodes, leaves};

#[test]
fn frontier_and_recursion_agree_on_every_root() {
    let leaves = leaves(300);
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), empty_root());
    for size in 1..=leaves.len() {
        frontier.push(leaves[size - 1]);
        assert_eq!(frontier.root(), audit::root(&leaves[..size]), "size {size}");
        assert_eq!(frontier.size(), size as u64);
    }
}

#[test]
fn every_batch_after_every_size_proves_its_leaves_and_keeps_the_frontier() {
    let leaves = leaves(80);
    for before in 0..=40 {
        for added in 0..=40 {
            check_batch(&leaves, before, before + added);
        }
    }
}

fn check_batch(leaves: &[Hash], before: usize, after: usize) {
    let mut pushed = Frontier::new();
    leaves[..before].iter().for_each(|leaf| pushed.push(*leaf));
    let peaks = pushed.hashes().to_vec();
    let mut appended = Frontier::from_parts(before as u64, peaks.clone()).unwrap();
    leaves[before..after].iter().for_each(|leaf| pushed.push(*leaf));

    let proofs = append_with_proofs(&mut appended, &leaves[before..after]);

    assert_eq!(appended, pushed, "{before}..{after}");
    let root = audit::root(&leaves[..after]);
    assert_eq!(audit::root_after(before as u64, &peaks, &leaves[before..after]), Some(root));
    let nodes = Nodes::of(&leaves[..after]);
    assert_eq!(proofs.len(), after - before);
    for (index, proof) in (before..after).zip(proofs) {
        assert_eq!(proof, nodes.inclusion(index as u64, after as u64), "{before}..{after}");
        verify_inclusion(index as u64, after as u64, &leaves[index], &proof, &root).unwrap();
    }
}

#[test]
fn batches_give_every_complete_subtree_exactly_once() {
    let leaves = leaves(100);
    let mut frontier = Frontier::new();
    let mut seen = Vec::new();
    for (start, end) in [(0, 1), (1, 1), (1, 8), (8, 33), (33, 34), (34, 100)] {
        let batch = Batch::append(&mut frontier, &leaves[start..end]);
        assert_eq!((batch.first_index(), batch.size()), (start as u64, end as u64));
        seen.extend(batch.nodes().map(|(level, index, hash)| ((level, index), hash)));
    }
    seen.sort();
    assert_eq!(seen, Nodes::of(&leaves).0.into_iter().collect::<Vec<_>>());
}

#[test]
fn node_hashes_are_those_of_the_general_interface() {
    for index in 0..1000u64 {
        let (left, right) = (leaf_hash(&index.to_le_bytes()), leaf_hash(&index.to_be_bytes()));
        let message = [&[1], left.as_bytes().as_slice(), right.as_bytes()].concat();
        let expected: [u8; 32] = Sha256::digest(&message).into();
        assert_eq!(node_hash(&left, &right), Hash::new(expected));
    }
}

#[test]
fn wrong_parts_are_no_frontier() {
    let leaf = leaf_hash(b"x");
    assert!(Frontier::from_parts(3, vec![leaf]).is_err());
    assert!(Frontier::from_parts(0, vec![leaf]).is_err());
    assert_eq!(audit::root_after(3, &[leaf], &[]), None);
    assert_eq!(audit::root_after(u64::MAX, &[leaf; 64], &[leaf]), None);
    let texts = ["A", "b64", &leaf.to_hex().to_uppercase(), &format!("{leaf} ")];
    for text in texts {
        assert!(Hash::from_hex(text).is_err() && Hash::from_base64(text).is_err(), "{text}");
    }
    assert_eq!(Hash::from_hex(&leaf.to_hex()), Ok(leaf));
    assert_eq!(Hash::from_base64(&leaf.to_base64()), Ok(leaf));
}
