//! Receipts: hold with the key alone, and with any byte changed hold no more.

use sluice_ledger::proof::ProofError;
use sluice_ledger::receipt::ReceiptError;
use sluice_ledger::{Checkpoint, Receipt, SigningKey, audit, leaf_hash};

use crate::memory_log::{Nodes, ORIGIN, entry, key, leaves};

fn receipt(index: u64, size: u64) -> Receipt {
    let leaves = leaves(size);
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: audit::root(&leaves) };
    Receipt {
        index,
        leaf_hash: leaf_hash(&entry(index)),
        tree_size: size,
        proof: Nodes::of(&leaves).inclusion(index, size),
        checkpoint: checkpoint.sign(&[&key()]).unwrap(),
    }
}

#[test]
fn a_receipt_holds_with_the_key_alone() {
    let keys = [key().verifying_key()];
    for (index, size) in [(0, 1), (0, 2), (6, 7), (7, 8), (3, 300)] {
        let receipt = receipt(index, size);
        let head = receipt.verify(Some(&entry(index)), &keys).unwrap();
        assert_eq!((head.origin.as_str(), head.size), (ORIGIN, size));
        receipt.verify(None, &keys).unwrap();
        assert_eq!(receipt.verify(Some(b"other"), &keys), Err(ReceiptError::OtherEntry));
    }
}

#[test]
fn a_receipt_with_another_claim_is_refused_by_name() {
    let keys = [key().verifying_key()];
    let good = receipt(3, 7);
    let other_key = SigningKey::from_seed(ORIGIN, &[8; 32]).unwrap().verifying_key();
    assert!(matches!(good.verify(None, &[other_key]), Err(ReceiptError::Checkpoint(_))));
    let wrong = Receipt { index: 4, ..good.clone() };
    assert_eq!(wrong.verify(None, &keys), Err(ProofError::RootMismatch.into()));
    let wrong = Receipt { tree_size: 8, ..good.clone() };
    let sizes = ReceiptError::SizeMismatch { receipt: 8, checkpoint: 7 };
    assert_eq!(wrong.verify(None, &keys), Err(sizes));
    let mut wrong = good.clone();
    wrong.proof.push(good.leaf_hash);
    let length = ProofError::WrongLength { expected: 3, found: 4 };
    assert_eq!(wrong.verify(None, &keys), Err(length.into()));
}

#[test]
fn any_flipped_bit_of_a_receipt_is_found() {
    let keys = [key().verifying_key()];
    let json = serde_json::to_string(&receipt(3, 7)).unwrap();
    let holds = |text: &[u8]| {
        serde_json::from_slice::<Receipt>(text)
            .is_ok_and(|receipt| receipt.verify(Some(&entry(3)), &keys).is_ok())
    };
    assert!(holds(json.as_bytes()));
    check_flips(json.as_bytes(), holds);
}

#[test]
fn a_proof_file_comes_back_and_any_flipped_bit_of_it_is_found() {
    let keys = [key().verifying_key()];
    let good = receipt(3, 7);
    let file = good.to_tlog_proof();
    assert!(file.starts_with("c2sp.org/tlog-proof@v1\nindex 3\n"), "{file}");
    assert_eq!(Receipt::from_tlog_proof(&file, good.leaf_hash).unwrap(), good);
    let with_extra = file.replacen("index", "extra AAAA\nindex", 1);
    assert_eq!(Receipt::from_tlog_proof(&with_extra, good.leaf_hash).unwrap(), good);
    let holds = |bytes: &[u8]| {
        std::str::from_utf8(bytes).is_ok_and(|text| {
            Receipt::from_tlog_proof(text, good.leaf_hash)
                .is_ok_and(|receipt| receipt.verify(None, &keys).is_ok())
        })
    };
    assert!(holds(file.as_bytes()));
    check_flips(file.as_bytes(), holds);
}

#[test]
fn malformed_proof_files_are_refused() {
    let good = receipt(3, 7);
    let file = good.to_tlog_proof();
    let cases = [
        String::new(),
        file.replace("@v1", "@v2"),
        file.replace("index 3", "index 03"),
        file.replace("index 3\n", ""),
        file.replace("index", "extra ?\nindex"),
        file.replace("index", "extra AAAA\nextra AAAA\nindex"),
        file.replace(
            "index 3\n",
            &format!("index 3\n{}", format!("{}\n", good.leaf_hash).repeat(65)),
        ),
        file.replacen("\n\n", "\n", 1),
        file.replace('\n', "\r\n"),
    ];
    for text in cases {
        assert!(Receipt::from_tlog_proof(&text, good.leaf_hash).is_err(), "{text:.100}");
    }
}

fn check_flips(good: &[u8], holds: impl Fn(&[u8]) -> bool) {
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut damaged = good.to_vec();
            damaged[at] ^= 1 << bit;
            assert!(!holds(&damaged), "bit {bit} of byte {at}: {}", damaged.escape_ascii());
        }
    }
}
