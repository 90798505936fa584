//! The installation's own keys: made once, and never exchanged unnoticed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sluice_engine::{Engine, EngineOptions, Vault};
use sluice_testkit::{FakeClock, SeededRng};

#[test]
fn a_key_that_was_exchanged_damaged_or_lost_keeps_the_folder_shut() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!((open(ours.path(), 1), open(theirs.path(), 2)), (0, 0));
    for name in ["origin", "log.key", "pass.key", "people.key", "made"] {
        let in_keys = |dir: &Path| dir.join("keys").join(name);
        let (file, other) = (in_keys(ours.path()), in_keys(theirs.path()));
        let kept = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(open(ours.path(), 3), 3, "without `{name}`");
        assert!(!file.exists(), "`{name}` is not made anew");
        fs::copy(other, &file).unwrap();
        assert_eq!(open(ours.path(), 3), 3, "with the `{name}` of another");
        fs::write(&file, &kept[..kept.len() / 2]).unwrap();
        assert_eq!(open(ours.path(), 3), 3, "with a half of `{name}`");
        fs::write(&file, kept).unwrap();
        assert_eq!(open(ours.path(), 3), 0, "with its own `{name}`");
    }
}

#[test]
fn a_first_start_that_was_cut_off_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    fs::create_dir(&keys).unwrap();
    fs::write(keys.join("log.key.unfinished"), "AAAA").unwrap();
    assert_eq!(open(dir.path(), 1), 0);
    assert!(!keys.join("log.key.unfinished").exists());
}

#[tokio::test]
async fn a_master_key_that_does_not_open_what_is_kept_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let with = |current: Option<[u8; 32]>, previous: Option<[u8; 32]>| {
        Engine::open(EngineOptions {
            clock: Arc::new(FakeClock::at("2026-03-04T09:00:00Z")),
            rng: Arc::new(SeededRng::new(1)),
            vault: current.and_then(|key| Vault::new(&key, previous.as_ref())),
            ..EngineOptions::new(dir.path())
        })
    };
    let (old, new) = ([7; 32], [8; 32]);
    let engine = with(Some(old), None).unwrap();
    let token = engine.bootstrap_token().await.unwrap().unwrap();
    let admin = engine.authenticate(&token).unwrap();
    engine.set_secret(&admin, "github/hook".parse().unwrap(), b"hush").await.unwrap();
    engine.shutdown();
    let refused = with(Some(new), None).err().expect("it does not begin");
    assert_eq!(refused.exit_code(), 1);
    for part in ["1 of 1 secrets", "`github/hook`", "previous_master_key_file"] {
        assert!(refused.to_string().contains(part), "{part} in {refused}");
    }
    with(None, None).unwrap().shutdown();
    let engine = with(Some(new), Some(old)).unwrap();
    let admin = engine.authenticate(&token).unwrap();
    engine.rewrap_secrets(&admin).await.unwrap();
    engine.shutdown();
    with(Some(new), None).unwrap().shutdown();
    assert!(with(Some(old), None).is_err(), "it is under the new one now");
}

/// 0 if the folder opens, else the exit code of the process.
fn open(dir: &Path, seed: u64) -> u8 {
    let options = EngineOptions {
        origin: None,
        clock: Arc::new(FakeClock::at("2026-03-04T09:00:00Z")),
        rng: Arc::new(SeededRng::new(seed)),
        ..EngineOptions::new(dir)
    };
    match Engine::open(options) {
        Ok(engine) => {
            engine.shutdown();
            0
        }
        Err(error) => error.exit_code(),
    }
}
