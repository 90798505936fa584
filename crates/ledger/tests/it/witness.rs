//! What is sent to a witness, and what its answers mean.

use sluice_ledger::note::split;
use sluice_ledger::witness::{
    MAX_ANSWER_BYTES, WitnessAnswer, WitnessRefusal, add_checkpoint, read_answer,
};
use sluice_ledger::{Checkpoint, CosigningKey, leaf_hash};

use crate::memory_log::{Nodes, ORIGIN, key, leaves};

const NOW_S: u64 = 1_700_000_000;

fn witness(name: &str, seed: u8) -> CosigningKey {
    CosigningKey::from_seed(name, &[seed; 32]).unwrap()
}

fn sent() -> String {
    let head = Checkpoint { origin: ORIGIN.into(), size: 42, root: leaf_hash(b"x") };
    head.sign(&[&key()]).unwrap()
}

fn line(by: &CosigningKey, time_s: u64) -> String {
    let note = sent();
    by.cosign(split(&note).unwrap().0, time_s)
}

fn read(status: u16, media_type: &str, body: &[u8]) -> Result<WitnessAnswer, WitnessRefusal> {
    let ours = witness("w.example", 1);
    read_answer((status, Some(media_type), body), &sent(), ours.public(), NOW_S)
}

#[test]
fn the_question_is_size_proof_and_head() {
    let proof = Nodes::of(&leaves(8)).consistency(3, 8);
    let body = add_checkpoint(3, &proof, "head\n").unwrap();
    let lines: Vec<&str> = body.split('\n').collect();
    assert_eq!(lines[0], "old 3");
    let hashes: Vec<String> = proof.iter().map(|hash| hash.to_base64()).collect();
    assert_eq!(lines[1..=proof.len()], hashes);
    assert_eq!(lines[proof.len() + 1..], ["", "head", ""]);
    assert_eq!(add_checkpoint(0, &[], "head\n").unwrap(), "old 0\n\nhead\n");
    assert!(add_checkpoint(1, &[leaf_hash(b"x"); 63], "head\n").is_some());
    assert!(add_checkpoint(1, &[leaf_hash(b"x"); 64], "head\n").is_none());
}

#[test]
fn of_several_lines_the_latest_of_the_known_key_is_taken() {
    let (ours, other) = (witness("w.example", 1), witness("w.example", 2));
    let body = [line(&other, NOW_S), line(&ours, NOW_S - 9), line(&ours, NOW_S)].concat();
    match read(200, "text/plain", body.as_bytes()).unwrap() {
        WitnessAnswer::Cosigned(one) => {
            assert_eq!((one.time_s, one.line.clone()), (NOW_S, line(&ours, NOW_S)));
        }
        WitnessAnswer::OtherSize(size) => unreachable!("{size}"),
    }
}

#[test]
fn another_size_is_told_in_one_way() {
    let told = |media_type, body: &str| read(409, media_type, body.as_bytes());
    assert_eq!(told("text/x.tlog.size", "41\n"), Ok(WitnessAnswer::OtherSize(41)));
    for (media_type, body) in [
        ("text/plain", "41\n"),
        ("text/x.tlog.size", "41"),
        ("text/x.tlog.size", "041\n"),
        ("text/x.tlog.size", "-1\n"),
        ("text/x.tlog.size", "41\n\n"),
        ("text/x.tlog.size", "18446744073709551616\n"),
        ("text/x.tlog.size", "<html>"),
    ] {
        let refused = told(media_type, body);
        assert!(matches!(refused, Err(WitnessRefusal::Malformed(_))), "{body:?}: {refused:?}");
    }
}

#[test]
fn every_other_answer_has_its_name() {
    use WitnessRefusal::{
        BadRequest, Busy, Failing, Forged, Inconsistent, KeyRefused, Malformed, OtherKey,
        Unexpected, UnknownLog, Untimely,
    };
    let ours = witness("w.example", 1);
    let head = Checkpoint { origin: ORIGIN.into(), size: 41, root: leaf_hash(b"y") };
    let of_another_head = ours.cosign(&head.text(), NOW_S);
    let beside_a_good_one = [line(&ours, NOW_S), of_another_head.clone()].concat();
    let large = vec![b'\n'; MAX_ANSWER_BYTES + 1];
    let cases: Vec<(u16, Vec<u8>, WitnessRefusal)> = vec![
        (200, of_another_head.into(), Forged),
        (200, beside_a_good_one.into(), Forged),
        (200, line(&witness("w.example", 2), NOW_S).into(), OtherKey),
        (200, line(&witness("v.example", 1), NOW_S).into(), OtherKey),
        (200, line(&ours, 0).into(), Untimely),
        (200, line(&ours, NOW_S + 301).into(), Untimely),
        (200, b"<html></html>\n".into(), Malformed("it is not made of signature lines")),
        (200, b"\xff\n".into(), Malformed("it is not text")),
        (200, line(&ours, NOW_S).trim_end().into(), Malformed("its last line does not end")),
        (200, b"".into(), Malformed("its last line does not end")),
        (200, large, Malformed("it has more than 16 KiB")),
        (400, vec![], BadRequest),
        (403, vec![], KeyRefused),
        (404, vec![], UnknownLog),
        (422, vec![], Inconsistent),
        (429, vec![], Busy),
        (500, vec![], Failing(500)),
        (503, vec![], Failing(503)),
        (204, vec![], Unexpected(204)),
        (302, vec![], Unexpected(302)),
    ];
    for (status, body, expected) in cases {
        assert_eq!(read(status, "text/plain", &body), Err(expected), "{status}");
    }
}
