//! No damaged proof is accepted.

use proptest::prelude::*;
use sluice_ledger::proof::ProofError;
use sluice_ledger::{Hash, audit, empty_root, leaf_hash, verify_consistency, verify_inclusion};

use crate::memory_log::{Nodes, leaves};

const SIZES: u64 = 33;

#[test]
fn every_simple_damage_to_every_small_inclusion_proof_is_refused() {
    let leaves = leaves(SIZES);
    let nodes = Nodes::of(&leaves);
    let mut tried = 0;
    for size in 1..=SIZES {
        let root = audit::root(&leaves[..size as usize]);
        for index in 0..size {
            let leaf = &leaves[index as usize];
            let proof = nodes.inclusion(index, size);
            let accepts =
                |index, proof: &[Hash]| verify_inclusion(index, size, leaf, proof, &root).is_ok();
            assert!(accepts(index, &proof));
            for damaged in damages(&proof) {
                assert!(!accepts(index, &damaged), "{index} of {size}: {damaged:?}");
                tried += 1;
            }
            for other in (0..size + 3).filter(|other| *other != index) {
                assert!(!accepts(other, &proof), "{index} of {size} shown as {other}");
                tried += 1;
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
}

#[test]
fn every_simple_damage_to_every_small_consistency_proof_is_refused() {
    let leaves = leaves(SIZES);
    let nodes = Nodes::of(&leaves);
    let other = leaf_hash(b"another");
    for to in 1..=SIZES {
        let newer = audit::root(&leaves[..to as usize]);
        for from in 1..=to {
            let older = audit::root(&leaves[..from as usize]);
            let proof = nodes.consistency(from, to);
            for damaged in damages(&proof) {
                let verdict = verify_consistency(from, to, &older, &newer, &damaged);
                assert!(verdict.is_err(), "{from} to {to}: {damaged:?}");
            }
            assert!(verify_consistency(from, to, &other, &newer, &proof).is_err());
            assert!(verify_consistency(from, to, &older, &other, &proof).is_err());
        }
    }
}

#[test]
fn sizes_that_cannot_be_are_refused_by_name() {
    let (leaf, empty) = (leaf_hash(b"x"), empty_root());
    let outside = |index, size| Err(ProofError::IndexOutside { index, size });
    assert_eq!(verify_inclusion(0, 0, &leaf, &[], &empty), outside(0, 0));
    assert_eq!(verify_inclusion(5, 5, &leaf, &[], &leaf), outside(5, 5));
    assert_eq!(
        verify_inclusion(u64::MAX, u64::MAX, &leaf, &[], &leaf),
        outside(u64::MAX, u64::MAX)
    );
    let reversed = Err(ProofError::SizesReversed { from: 2, to: 1 });
    assert_eq!(verify_consistency(2, 1, &leaf, &leaf, &[]), reversed);
    assert_eq!(verify_consistency(0, 0, &empty, &empty, &[]), Ok(()));
    assert_eq!(verify_consistency(0, 5, &empty, &leaf, &[]), Ok(()));
    let older = Err(ProofError::OlderRootMismatch);
    assert_eq!(verify_consistency(0, 5, &leaf, &leaf, &[]), older);
    assert_eq!(verify_consistency(0, 0, &empty, &leaf, &[]), Err(ProofError::RootMismatch));
    let extra = Err(ProofError::WrongLength { expected: 0, found: 1 });
    assert_eq!(verify_consistency(0, 5, &empty, &leaf, &[leaf]), extra);
    assert_eq!(verify_consistency(5, 5, &leaf, &leaf, &[leaf]), extra);
    let missing = Err(ProofError::WrongLength { expected: 4, found: 0 });
    assert_eq!(verify_consistency(7, 8, &leaf, &leaf, &[]), missing);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_hashes_prove_nothing(
        index in 0..u64::MAX, size in 1..=u64::MAX, count in 0..70usize, fill in any::<u8>(),
    ) {
        let proof = vec![Hash::new([fill; 32]); count];
        let (leaf, root) = (leaf_hash(b"x"), leaf_hash(b"y"));
        prop_assert!(verify_inclusion(index, size, &leaf, &proof, &root).is_err());
        prop_assert!(verify_consistency(index, size, &leaf, &root, &proof).is_err());
    }

    #[test]
    fn mutated_inclusion_proofs_are_refused(
        size in 1..200u64, at in any::<prop::sample::Index>(), spot in any::<prop::sample::Index>(),
        byte in 0..32usize, xor in 1..=255u8,
    ) {
        let leaves = leaves(size);
        let index = at.index(leaves.len());
        let mut proof = Nodes::of(&leaves).inclusion(index as u64, size);
        let mut leaf = leaves[index];
        let target = spot.index(proof.len() + 1);
        let damaged = proof.get_mut(target).unwrap_or(&mut leaf);
        *damaged = flipped(damaged, byte, xor);
        let root = audit::root(&leaves);
        prop_assert!(verify_inclusion(index as u64, size, &leaf, &proof, &root).is_err());
    }

    #[test]
    fn mutated_consistency_proofs_are_refused(
        to in 2..200u64, at in any::<prop::sample::Index>(), spot in any::<prop::sample::Index>(),
        byte in 0..32usize, xor in 1..=255u8,
    ) {
        let leaves = leaves(to);
        let from = 1 + at.index(leaves.len() - 1);
        let mut proof = Nodes::of(&leaves).consistency(from as u64, to);
        let mut older = audit::root(&leaves[..from]);
        let target = spot.index(proof.len() + 1);
        let damaged = proof.get_mut(target).unwrap_or(&mut older);
        *damaged = flipped(damaged, byte, xor);
        let newer = audit::root(&leaves);
        prop_assert!(verify_consistency(from as u64, to, &older, &newer, &proof).is_err());
    }
}

#[test]
#[ignore = "slow without optimisation: run with --release -- --ignored"]
fn a_million_mutated_proofs_are_refused() {
    let leaves = leaves(256);
    let nodes = Nodes::of(&leaves);
    let roots: Vec<Hash> = (0..=leaves.len()).map(|size| audit::root(&leaves[..size])).collect();
    let mut seed = 0x5eed_u64;
    let mut below = |bound: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % bound
    };
    for round in 0..500_000 {
        let to = 2 + below(255);
        let from = 1 + below(to - 1); // below `to`, so both kinds of proof have hashes
        for mut proof in [nodes.inclusion(from, to), nodes.consistency(from, to)] {
            let at = below(proof.len() as u64) as usize;
            proof[at] = flipped(&proof[at], below(32) as usize, 1 + below(255) as u8);
            let (older, newer) = (&roots[from as usize], &roots[to as usize]);
            let leaf = &leaves[from as usize];
            let accepted = verify_inclusion(from, to, leaf, &proof, newer).is_ok()
                || verify_consistency(from, to, older, newer, &proof).is_ok();
            assert!(!accepted, "round {round}: {from}, {to}, hash {at}");
        }
    }
}

/// Longer, shorter, swapped, doubled, and with one bit flipped in each hash.
fn damages(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let filler = leaf_hash(b"filler");
    let mut all = vec![[proof, &[filler]].concat(), [&[filler], proof].concat()];
    for at in 0..proof.len() {
        let mut shorter = proof.to_vec();
        let hash = shorter.remove(at);
        all.push(shorter);
        let mut doubled = proof.to_vec();
        doubled.insert(at, hash);
        all.push(doubled);
        let mut bit = proof.to_vec();
        bit[at] = flipped(&hash, at % 32, 1 << (at % 8));
        all.push(bit);
        if at > 0 {
            let mut swapped = proof.to_vec();
            swapped.swap(at - 1, at);
            all.push(swapped);
        }
    }
    all
}

fn flipped(hash: &Hash, byte: usize, xor: u8) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[byte] ^= xor;
    Hash::new(bytes)
}
