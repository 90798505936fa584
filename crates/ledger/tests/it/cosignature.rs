//! Cosignatures of witnesses and quorums of them.

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use sluice_ledger::checkpoint::CheckpointError;
use sluice_ledger::note::{KeyError, NoteError, cosignatures, split};
use sluice_ledger::{
    BadQuorum, Checkpoint, CosignerKey, CosigningKey, Quorum, QuorumError, SigningKey,
    VerifyingKey, leaf_hash,
};

use crate::memory_log::{ORIGIN, key};

const NOW_S: u64 = 1_700_000_000;

/// The checkpoint that the specification of cosignatures shows.
const SHOWN: &str = "example.com/behind-the-sofa\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

fn witness(number: u8) -> CosigningKey {
    CosigningKey::from_seed(&format!("w{number}.example"), &[number; 32]).unwrap()
}

fn published() -> String {
    let head = Checkpoint { origin: ORIGIN.into(), size: 42, root: leaf_hash(b"x") };
    head.sign(&[&key()]).unwrap()
}

/// The published head with cosignatures of these witnesses at these times.
fn cosigned(by: &[(u8, u64)]) -> String {
    let note = published();
    let (text, _) = split(&note).unwrap();
    let lines = by.iter().map(|(number, time_s)| witness(*number).cosign(text, *time_s));
    format!("{note}{}", lines.collect::<String>())
}

fn quorum(numbers: &[u8], needed: usize) -> Quorum {
    let keys = numbers.iter().map(|number| witness(*number).public().clone()).collect();
    Quorum::new(keys, Some(needed)).unwrap()
}

fn check(quorum: &Quorum, note: &str) -> Result<Vec<String>, QuorumError> {
    let head = quorum.check(note, &[key().verifying_key()], NOW_S)?;
    Ok(head.cosignatures.iter().map(|one| one.key.name().to_owned()).collect())
}

#[test]
fn a_cosignature_is_made_as_the_specification_says() {
    let note = published();
    let (text, _) = split(&note).unwrap();
    let plain = SigningKey::from_seed("w1.example", &[1; 32]).unwrap();
    let public = plain.verifying_key().to_string();
    let typed = BASE64.decode(public.splitn(3, '+').last().unwrap().as_bytes()).unwrap();
    let id = Sha256::digest([b"w1.example\n\x04", &typed[1..]].concat());
    let signature = plain.sign(format!("cosignature/v1\ntime {NOW_S}\n{text}").as_bytes());
    let bytes = [&id[..4], &NOW_S.to_be_bytes(), &signature].concat();
    let line = format!("\u{2014} w1.example {}\n", BASE64.encode(&bytes));
    assert_eq!(witness(1).cosign(text, NOW_S), line);
    let vkey = format!(
        "w1.example+{}+{}",
        HEXLOWER.encode(&id[..4]),
        BASE64.encode(&[&[4], &typed[1..]].concat())
    );
    assert_eq!(witness(1).public().to_string(), vkey);
    assert_eq!(CosignerKey::parse(&format!("{vkey}\n")).unwrap(), *witness(1).public());
    let found = cosignatures(text, &line, &[witness(1).public().clone()]).unwrap();
    assert_eq!((found[0].time_s, found[0].line.as_str()), (NOW_S, line.as_str()));
}

#[test]
fn the_example_of_the_specification_has_the_form_that_is_read_here() {
    let (text, lines) = split(SHOWN).unwrap();
    assert_eq!(Checkpoint::parse(text).unwrap().size, 20_852_163);
    let encoded = lines.lines().last().unwrap().rsplit(' ').next().unwrap();
    let bytes = BASE64.decode(encoded.as_bytes()).unwrap();
    assert_eq!(bytes.len(), 4 + 8 + 64);
    assert_eq!(u64::from_be_bytes(bytes[4..12].try_into().unwrap()), 1_679_315_147);
    // Its key is not published: to whoever does not know it, the line says nothing.
    assert_eq!(Checkpoint::cosignatures(SHOWN, &[witness(1).public().clone()]), Ok(vec![]));
}

#[test]
fn the_key_of_a_log_is_none_of_a_witness_nor_the_other_way_round() {
    let log = SigningKey::from_seed("w1.example", &[1; 32]).unwrap().verifying_key();
    let witness = witness(1).public().clone();
    let wrong = |found, expected| KeyError::Type { found, expected };
    assert_eq!(CosignerKey::parse(&log.to_string()), Err(wrong(1, 4)));
    assert_eq!(VerifyingKey::parse(&witness.to_string()), Err(wrong(4, 1)));
    let pq = format!("w1.example+00000000+{}", BASE64.encode(&[6; 33]));
    let told = CosignerKey::parse(&pq).unwrap_err().to_string();
    assert!(told.contains("ML-DSA-44"), "{told}");
    assert_ne!(log.key_id(), witness.key_id());
}

#[test]
fn so_many_witnesses_as_are_needed_make_a_quorum() {
    let all = [(1, NOW_S), (2, NOW_S - 60), (3, NOW_S)];
    assert_eq!(check(&quorum(&[1, 2], 2), &cosigned(&all)).unwrap(), ["w1.example", "w2.example"]);
    assert_eq!(check(&quorum(&[3, 4], 1), &cosigned(&all)).unwrap(), ["w3.example"]);
    let too_few = check(&quorum(&[2, 3, 4], 3), &cosigned(&all)).unwrap_err();
    assert_eq!(
        too_few.to_string(),
        "2 of the 3 witnesses that are needed have cosigned the head of size 42; `w4.example` has none"
    );
    // Who says the same thing twice is still one.
    let twice = cosigned(&[(1, NOW_S), (1, NOW_S - 1)]);
    assert!(check(&quorum(&[1, 2], 2), &twice).is_err());
    let head = quorum(&[1], 1).check(&twice, &[key().verifying_key()], NOW_S).unwrap();
    assert_eq!(head.cosignatures[0].time_s, NOW_S);
}

#[test]
fn a_time_that_is_none_does_not_count() {
    for (time_s, counts) in [
        (0, false),
        (1, true),
        (NOW_S + 300, true),
        (NOW_S + 301, false),
        (i64::MAX as u64, false),
        (i64::MAX as u64 + 1, false),
    ] {
        let note = cosigned(&[(1, time_s)]);
        assert_eq!(check(&quorum(&[1], 1), &note).is_ok(), counts, "{time_s}");
    }
    let told = check(&quorum(&[1], 1), &cosigned(&[(1, 0)])).unwrap_err().to_string();
    assert!(told.ends_with("`w1.example` has one with a time that is none"), "{told}");
}

#[test]
fn a_cosignature_that_a_known_witness_did_not_make_refuses_the_head() {
    let head = Checkpoint { origin: ORIGIN.into(), size: 43, root: leaf_hash(b"y") };
    let of_another = witness(1).cosign(&head.text(), NOW_S);
    let note = format!("{}{of_another}", cosigned(&[(2, NOW_S)]));
    let bad = NoteError::BadSignature { name: "w1.example".into() };
    let refused = Err(QuorumError::Checkpoint(CheckpointError::Note(bad)));
    assert_eq!(check(&quorum(&[1, 2], 1), &note), refused);
    assert_eq!(check(&quorum(&[2], 1), &note).unwrap(), ["w2.example"]);
    // A byte of the time alters what was signed.
    let good = cosigned(&[(1, NOW_S)]);
    let (before, encoded) = good.trim_end().rsplit_once(' ').unwrap();
    let mut bytes = BASE64.decode(encoded.as_bytes()).unwrap();
    for at in 4..bytes.len() {
        bytes[at] ^= 1;
        let altered = format!("{before} {}\n", BASE64.encode(&bytes));
        assert!(check(&quorum(&[1], 1), &altered).is_err(), "byte {at}");
        bytes[at] ^= 1;
    }
    bytes.truncate(40);
    assert!(check(&quorum(&[1], 1), &format!("{before} {}\n", BASE64.encode(&bytes))).is_err());
}

#[test]
fn witnesses_alone_do_not_make_a_head_one_of_the_log() {
    let other = SigningKey::from_seed(ORIGIN, &[9; 32]).unwrap();
    let head = Checkpoint { origin: ORIGIN.into(), size: 42, root: leaf_hash(b"x") };
    let note = head.sign(&[&other]).unwrap();
    let note = format!("{note}{}", witness(1).cosign(&head.text(), NOW_S));
    assert!(check(&quorum(&[1], 1), &note).is_err());
}

#[test]
fn a_quorum_is_possible_and_counts_no_key_twice() {
    let keys = |numbers: &[u8]| -> Vec<CosignerKey> {
        numbers.iter().map(|number| witness(*number).public().clone()).collect()
    };
    assert_eq!(Quorum::new(keys(&[1, 2, 3]), None).unwrap().needed(), 3);
    for (witnesses, needed) in [(vec![], None), (keys(&[1]), Some(0)), (keys(&[1]), Some(2))] {
        let bad = Quorum::new(witnesses, needed).unwrap_err();
        assert!(matches!(bad, BadQuorum::Needed { .. }), "{bad}");
    }
    let again = CosigningKey::from_seed("other.example", &[1; 32]).unwrap().public().clone();
    let same = BadQuorum::SameKey { one: "w1.example".into(), other: "other.example".into() };
    assert_eq!(Quorum::new([keys(&[1]), vec![again]].concat(), None), Err(same));
}
