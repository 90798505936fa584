//! What is read of a ledger that somebody else may have written, and passes.

use ed25519_dalek::SigningKey as PassSigner;
use jiff::Timestamp;
use sluice_engine::envelope::Envelope;
use sluice_engine::pass_token::{self, Expected};
use sluice_ledger::{
    BundleId, Checkpoint, Receipt, SigningKey, VerifyingKey, anchor, bundle, leaf_hash, note,
};

/// The bytes of an entry.
pub fn ledger_entry(data: &[u8]) {
    let _ = sluice_engine::fsck::describe(data);
    if let Ok(envelope) = Envelope::parse(data) {
        let _ = envelope.recorded();
    }
}

/// Notes, checkpoints, keys, proofs, bundles, and the anchor.
pub fn ledger_note(data: &[u8]) {
    let _ = anchor::decode(data);
    for width in [1, 2, 256] {
        let id = BundleId { index: 0, width };
        if let Ok(entries) = bundle::decode(id, data) {
            let again = bundle::encode(&entries).expect("what was read can be written");
            assert_eq!(again, data, "a bundle has one form");
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let key = SigningKey::from_seed("fuzz.example/log", &[7; 32]).expect("a key").verifying_key();
    let keys = std::slice::from_ref(&key);
    assert!(note::open(text, keys).is_err(), "a note was forged");
    assert!(Checkpoint::open(text, keys).is_err(), "a checkpoint was forged");
    let _ = Checkpoint::parse(text);
    let _ = Checkpoint::parse_unverified(text);
    let _ = VerifyingKey::parse(text);
    let _ = SigningKey::from_secret_text(text);
    let proof = Receipt::from_tlog_proof(text, leaf_hash(data));
    for receipt in proof.into_iter().chain(serde_json::from_str::<Receipt>(text)) {
        assert!(receipt.verify(Some(data), keys).is_err(), "a receipt was forged");
        let _ = receipt.to_tlog_proof();
    }
}

/// The token of a pass: none verifies that was not signed.
pub fn pass_token(data: &[u8]) {
    let key = PassSigner::from_bytes(&[9; 32]).verifying_key();
    let text = String::from_utf8_lossy(data);
    let now = Timestamp::from_second(1_790_000_000).expect("a time");
    let verified = pass_token::verify(&text, &key, &Expected::default(), now);
    assert!(verified.is_err(), "a pass was forged");
    let _ = pass_token::parse_key(&text);
}
