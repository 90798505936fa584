//! Published vectors: Merkle proofs, good and damaged, and signed notes.

use serde_json::Value;
use sluice_ledger::note::{NoteError, open};
use sluice_ledger::{Hash, VerifyingKey, verify_consistency, verify_inclusion};

use crate::published::{json_lines, tlog};

#[test]
fn inclusion_vectors_give_their_verdict() {
    let Some(folder) = tlog() else { return };
    check_all(json_lines(folder.join("rfc6962-inclusion.jsonl")), |vector| {
        let (leaf, root) = (hash(vector, "leafHash")?, hash(vector, "root")?);
        let (index, size) = (number(vector, "leafIdx"), number(vector, "treeSize"));
        verify_inclusion(index, size, &leaf, &proof(vector)?, &root).ok()
    });
}

#[test]
fn consistency_vectors_give_their_verdict() {
    let Some(folder) = tlog() else { return };
    check_all(json_lines(folder.join("rfc6962-consistency.jsonl")), |vector| {
        let (older, newer) = (hash(vector, "root1")?, hash(vector, "root2")?);
        let (from, to) = (number(vector, "size1"), number(vector, "size2"));
        verify_consistency(from, to, &older, &newer, &proof(vector)?).ok()
    });
}

/// A proof within the subtree `start..end` is one of a tree of its own, if such a subtree exists.
///
/// The vectors for consistency of subtrees (`rfc6962-subtreeconsistency.jsonl`) are out of scope:
/// no C2SP log format that we speak has such proofs.
#[test]
fn subtree_inclusion_vectors_give_their_verdict() {
    let Some(folder) = tlog() else { return };
    check_all(json_lines(folder.join("rfc6962-subtreeinclusion.jsonl")), |vector| {
        let (leaf, root) = (hash(vector, "leafHash")?, hash(vector, "root")?);
        let (start, end) = (number(vector, "start"), number(vector, "end"));
        let size = end.checked_sub(start)?;
        if start % size.checked_next_power_of_two()? != 0 {
            return None;
        }
        let index = number(vector, "leafIdx").checked_sub(start)?;
        verify_inclusion(index, size, &leaf, &proof(vector)?, &root).ok()
    });
}

#[test]
fn signed_note_vectors_open() {
    let Some(folder) = tlog() else { return };
    let text = std::fs::read_to_string(folder.join("signed-note-vectors.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let note = vectors["signed_note"].as_str().unwrap();
    let keys: Vec<VerifyingKey> = vectors["verifiers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| VerifyingKey::parse(key.as_str().unwrap()).unwrap())
        .collect();

    let opened = open(note, &keys).unwrap();
    assert_eq!(opened.text, vectors["text"].as_str().unwrap());
    assert_eq!((opened.verified.len(), opened.unknown.len()), (2, 0));
    let opened = open(note, &keys[1..]).unwrap();
    assert_eq!((opened.verified.len(), opened.unknown.len()), (1, 1));
    assert_eq!(open(note, &[]), Err(NoteError::NoKnownSignature));
    for (key, text) in keys.iter().zip(vectors["verifiers"].as_array().unwrap()) {
        assert_eq!(key.to_string(), text.as_str().unwrap());
    }
}

fn check_all(vectors: Vec<Value>, verify: impl Fn(&Value) -> Option<()>) {
    assert!(!vectors.is_empty());
    let wrong: Vec<&Value> = vectors
        .iter()
        .filter(|vector| verify(vector).is_none() != vector["wantErr"].as_bool().unwrap())
        .map(|vector| &vector["name"])
        .collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:?}", wrong.len(), vectors.len());
}

fn number(vector: &Value, field: &str) -> u64 {
    vector[field].as_u64().unwrap()
}

/// Some vectors have a root that is no hash: reading it fails, which is a refusal too.
fn hash(vector: &Value, field: &str) -> Option<Hash> {
    Hash::from_base64(vector[field].as_str().unwrap()).ok()
}

fn proof(vector: &Value) -> Option<Vec<Hash>> {
    let Some(hashes) = vector["proof"].as_array() else { return Some(Vec::new()) };
    hashes.iter().map(|hash| Hash::from_base64(hash.as_str().unwrap()).ok()).collect()
}
