//! `sluice verify --log` on a real log of others, whole and damaged.

use std::fs;
use std::path::Path;

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
