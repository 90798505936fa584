//! `sluice verify --log` on a real log of others, whole and damaged.

use std::fs;
use std::path::Path;

use sluice_ledger::note::split;
use sluice_ledger::{Checkpoint, CosigningKey, Receipt, SigningKey, VerifyingKey, leaf_hash};

use crate::support::{run, shared};

#[test]
fn a_log_of_others_verifies_at_every_size() {
    let Some(folder) = shared("tlog").map(|folder| folder.join("tessera-log")) else { return };
    let key = key(&folder);
    for size in 1..=8 {
        let checkpoint = folder.join(format!("checkpoint.{size}"));
        let ran = run([
            "verify",
            "--log",
            path(&folder),
            "--checkpoint",
            path(&checkpoint),
            "--key",
            &key,
            "--json",
        ]);
        assert_eq!(ran.code, 0, "size {size}: {}", ran.all());
        assert_eq!(ran.json()["size"], size);
    }
}

#[test]
fn a_newer_log_continues_an_older_one() {
    let Some(folder) = shared("tlog").map(|folder| folder.join("tessera-log")) else { return };
    let (older, newer) = (folder.join("checkpoint.3"), folder.join("checkpoint.8"));
    let ran = run([
        "verify",
        "--log",
        path(&folder),
        "--checkpoint",
        path(&newer),
        "--key",
        &key(&folder),
        "--continues",
        path(&older),
    ]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

#[test]
fn every_kind_of_damage_is_found_and_named() {
    let Some(folder) = shared("tlog").map(|folder| folder.join("tessera-log")) else { return };
    let key = key(&folder);
    let damages: &[(&str, Damage)] = &[
        ("a byte of an entry", |log| flip(&log.join("tile/entries/000.p/8"), 4)),
        ("a byte of a hash", |log| flip(&log.join("tile/0/000.p/8"), 40)),
        ("a byte of the root", |log| flip(&log.join("checkpoint"), 30)),
        ("a shorter bundle", |log| cut(&log.join("tile/entries/000.p/8"))),
        ("a missing tile", |log| fs::remove_file(log.join("tile/0/000.p/8")).unwrap()),
    ];
    for (name, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        copy(&folder, dir.path());
        fs::copy(folder.join("checkpoint.8"), dir.path().join("checkpoint")).unwrap();
        assert_eq!(run(["verify", "--log", path(dir.path()), "--key", &key]).code, 0);
        damage(dir.path());
        let ran = run(["verify", "--log", path(dir.path()), "--key", &key]);
        assert_eq!(ran.code, 3, "{name}: {}", ran.all());
        assert!(ran.stderr.contains("error[tampering_found]"), "{name}: {}", ran.all());
    }
}

#[test]
fn what_cannot_be_read_was_not_checked() {
    let key = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    for (arguments, code) in [
        (vec!["verify", "--log", "no-such-folder", "--key", key], 1),
        (vec!["verify", "--data", "no-such-folder", "--key", key], 1),
        (vec!["verify", "--receipt", "no-such-file", "--key", key], 1),
        (vec!["verify", "--server", "http://127.0.0.1:1"], 1),
        (vec!["verify", "--server", "http://127.0.0.1:1", "--key", key], 1),
        (vec!["verify", "--server", "http://nobody.invalid:1"], 1),
        (vec!["verify", "--data", ".", "--anchor", "no-such-file", "--key", key], 1),
        (vec!["verify", "--log", "no-such-folder", "--key", "nonsense"], 2),
        (vec!["verify", "--log", "no-such-folder"], 2),
        (vec!["verify"], 2),
    ] {
        let ran = run(&arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.all());
    }
}

#[test]
fn a_file_that_is_no_signed_head_has_shown_nothing() {
    let Some(folder) = shared("tlog").map(|folder| folder.join("tessera-log")) else { return };
    let (dir, key) = (tempfile::tempdir().unwrap(), key(&folder));
    let wrong = dir.path().join("in.json");
    fs::write(&wrong, "{}\n").unwrap();
    let head = folder.join("checkpoint.8");
    for more in [
        vec!["--checkpoint", path(&wrong)],
        vec!["--checkpoint", "no-such-file"],
        vec!["--checkpoint", path(&head), "--continues", path(&wrong)],
    ] {
        let fixed = ["verify", "--log", path(&folder), "--key", &key];
        let ran = run(fixed.into_iter().chain(more.iter().copied()));
        assert_eq!(ran.code, 1, "{more:?}: {}", ran.all());
    }
}

#[test]
fn as_many_witnesses_as_are_demanded_have_to_have_cosigned() {
    let Some(folder) = shared("tlog").map(|folder| folder.join("tessera-log")) else { return };
    let (dir, key) = (tempfile::tempdir().unwrap(), key(&folder));
    copy(&folder, dir.path());
    let head = fs::read_to_string(folder.join("checkpoint.8")).unwrap();
    let witness =
        |number: u8| CosigningKey::from_seed(&format!("w{number}.example"), &[number; 32]).unwrap();
    let (text, _) = split(&head).unwrap();
    let line = |number: u8, text: &str| witness(number).cosign(text, 1_700_000_000);
    let vkey = |number: u8| witness(number).public().to_string();
    let (w1, w2, w3) = (vkey(1), vkey(2), vkey(3));
    let good = format!("{head}{}{}", line(1, text), line(2, text));
    let forged = format!("{head}{}{}", line(1, text), line(2, "another\n"));
    let late = format!("{head}{}", witness(1).cosign(text, 99_000_000_000));
    let log = VerifyingKey::parse(&key).unwrap().to_string();
    for (head, demanded, code, told) in [
        (&good, vec![w1.as_str(), &w2], 0, "by `w2.example` at 2023-11-14T22:13:20Z"),
        (&good, vec![&w1, &w2, &w3, "2"], 0, "by `w1.example`"),
        (&good, vec![&w1, &w2, &w3], 3, "error[not_witnessed]"),
        (&good, vec![&w3], 3, "`w3.example` has none"),
        (&head, vec![&w1], 3, "error[not_witnessed]"),
        (&late, vec![&w1], 3, "a time that is none"),
        (&forged, vec![&w1, &w2], 3, "error[tampering_found]"),
        (&forged, vec![&w1, &w2, "1"], 3, "error[tampering_found]"),
        (&forged, vec![&w1], 0, "by `w1.example`"),
        (&good, vec![&w1, &w1], 2, "would count twice"),
        (&good, vec![&w1, "2"], 2, "2 of 1"),
        (&good, vec![&w1, "0"], 2, "0 of 1"),
        (&good, vec![&log], 2, "the key of a log"),
        (&good, vec!["nonsense"], 2, "no public key of a witness"),
    ] {
        fs::write(dir.path().join("checkpoint"), head).unwrap();
        let mut arguments = vec!["verify", "--log", path(dir.path()), "--key", &key];
        for one in &demanded {
            let is_number = one.len() == 1;
            arguments.extend([if is_number { "--witnesses" } else { "--witness" }, one]);
        }
        let ran = run(&arguments);
        assert_eq!(ran.code, code, "{demanded:?}: {}", ran.all());
        assert!(ran.all().contains(told), "{demanded:?}: {}", ran.all());
    }
    fs::write(dir.path().join("checkpoint"), &good).unwrap();
    let fixed = ["verify", "--log", path(dir.path()), "--key", &key, "--json", "--witness", &w1];
    assert_eq!(run(fixed).json()["cosigned"][0]["witness"], w1.as_str());
    let data = ["verify", "--data", path(dir.path()), "--witness", &w1];
    assert_eq!(run(data).code, 2, "a folder has its own");
}

#[test]
fn a_receipt_under_a_witnessed_head_needs_nobodys_word() {
    let dir = tempfile::tempdir().unwrap();
    let log = SigningKey::from_seed("log.example", &[7; 32]).unwrap();
    let witness = CosigningKey::from_seed("w.example", &[1; 32]).unwrap();
    let root = leaf_hash(b"{}");
    let head = Checkpoint { origin: "log.example".into(), size: 1, root };
    let note = head.sign(&[&log]).unwrap();
    let cosigned = format!("{note}{}", witness.cosign(&head.text(), 1_700_000_000));
    let (vkey, key) = (witness.public().to_string(), log.verifying_key().to_string());
    let file = dir.path().join("receipt.json");
    for (checkpoint, code) in [(note, 3), (cosigned, 0)] {
        let receipt =
            Receipt { index: 0, leaf_hash: root, tree_size: 1, proof: vec![], checkpoint };
        fs::write(&file, serde_json::to_string(&receipt).unwrap()).unwrap();
        let plain = ["verify", "--receipt", path(&file), "--key", &key];
        assert_eq!(run(plain).code, 0);
        let ran = run(plain.into_iter().chain(["--witness", &vkey]));
        assert_eq!(ran.code, code, "{}", ran.all());
    }
}

type Damage = fn(&Path);

fn key(folder: &Path) -> String {
    fs::read_to_string(folder.join("verifier-key.txt")).unwrap().trim().to_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn cut(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
