//! Independent implementations agree: `ct-merkle` on trees, `signed_note` on notes.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use sha2::Sha256;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use sluice_ledger::note::{open, sign};
use sluice_ledger::{
    Hash, SigningKey, VerifyingKey, audit, empty_root, verify_consistency, verify_inclusion,
};

use crate::memory_log::{Nodes, entry, leaves};

#[test]
fn every_proof_up_to_64_is_the_oracles_byte_for_byte() {
    check_inclusion(64);
    check_consistency(64);
}

#[test]
#[ignore = "slow without optimisation: run with --release -- --ignored"]
fn every_proof_up_to_256_is_the_oracles_byte_for_byte() {
    check_inclusion(256);
    check_consistency(256);
}

#[test]
fn notes_of_either_side_open_on_the_other() {
    let text = "origin\n1\nroot\n";
    let key = SigningKey::from_seed("example.com/a", &[3; 32]).unwrap();
    let vkey = key.verifying_key().to_string();

    let ours = sign(text, &[&key]).unwrap();
    let verifiers = VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
    let (known, unknown) = Note::from_bytes(ours.as_bytes()).unwrap().verify(&verifiers).unwrap();
    assert_eq!((known.len(), unknown.len()), (1, 0));

    let signer = StandardSigner::new(&key.to_secret_text()).unwrap();
    let mut theirs = Note::new(text.as_bytes(), &[]).unwrap();
    theirs.add_sigs(&[&signer]).unwrap();
    assert_eq!(String::from_utf8(theirs.to_bytes()).unwrap(), ours);
    open(&ours, &[VerifyingKey::parse(&vkey).unwrap()]).unwrap();
}

fn check_inclusion(sizes: u64) {
    let leaves = leaves(sizes);
    let nodes = Nodes::of(&leaves);
    let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=sizes {
        oracle.push(entry(size - 1));
        let root = audit::root(&leaves[..size as usize]);
        assert_eq!(oracle.root(), oracle_root(&root, size), "size {size}");
        for index in 0..size {
            let ours = nodes.inclusion(index, size);
            let theirs = oracle.prove_inclusion(index as usize);
            assert_eq!(concat(&ours), theirs.as_bytes(), "{index} of {size}");
            verify_inclusion(index, size, &leaves[index as usize], &ours, &root).unwrap();
            let proof = InclusionProof::<Sha256>::from_bytes(concat(&ours));
            oracle_root(&root, size).verify_inclusion(&entry(index), index, &proof).unwrap();
        }
    }
}

fn check_consistency(sizes: u64) {
    let leaves = leaves(sizes);
    let nodes = Nodes::of(&leaves);
    let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for to in 0..=sizes {
        if to > 0 {
            oracle.push(entry(to - 1));
        }
        let newer = audit::root(&leaves[..to as usize]);
        for from in 0..=to {
            let older = audit::root(&leaves[..from as usize]);
            let ours = nodes.consistency(from, to);
            verify_consistency(from, to, &older, &newer, &ours).unwrap();
            if from > 0 {
                let theirs = oracle.prove_consistency((to - from) as usize);
                assert_eq!(concat(&ours), theirs.as_bytes(), "{from} to {to}");
                let proof = ConsistencyProof::<Sha256>::try_from_bytes(concat(&ours)).unwrap();
                let (older, newer) = (oracle_root(&older, from), oracle_root(&newer, to));
                newer.verify_consistency(&older, &proof).unwrap();
            }
        }
    }
    assert_eq!(audit::root(&[]), empty_root());
}

fn concat(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn oracle_root(root: &Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new((*root.as_bytes()).into(), size)
}
