//! What a start takes for the standing, and what not.

use std::path::Path;
use std::sync::Arc;

use sluice_core::standing::Standing;
use sluice_engine::{Client, Engine, NewSession};
use sluice_testkit::FakeClock;

use crate::world::{World, open};

async fn login(engine: &Engine, handle: &str) {
    let new = NewSession {
        person: engine.person_by_handle(handle).unwrap(),
        client: Client::Cli,
        methods: ["password".to_owned()].into(),
        auth_time: None,
        narrowed_to: None,
        groups: None,
    };
    engine.open_session(new).await.unwrap();
}

/// Goes on in a folder by one entry; gives the standing, of which a snapshot is left.
async fn goes_on(dir: &Path, clock: &Arc<FakeClock>, handle: &str) -> Standing {
    let engine = open(dir, clock, 5);
    login(&engine, handle).await;
    let standing = engine.standing();
    engine.shutdown();
    standing.as_ref().clone()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Puts the snapshots of one folder in the place of those of another.
fn exchange(from: &Path, to: &Path) {
    let from = rusqlite::Connection::open(from.join("sluice.db")).unwrap();
    let to = rusqlite::Connection::open(to.join("sluice.db")).unwrap();
    to.execute_batch("DELETE FROM snapshots").unwrap();
    let mut rows = from.prepare("SELECT * FROM snapshots").unwrap();
    let mut rows = rows.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let values: Vec<rusqlite::types::Value> = (0..5).map(|at| row.get(at).unwrap()).collect();
        let params = rusqlite::params_from_iter(values);
        to.execute("INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5)", params).unwrap();
    }
}

#[tokio::test]
async fn the_snapshot_of_a_history_that_went_on_otherwise_is_not_taken() {
    let World { engine, dir, clock, .. } = World::start().await;
    engine.shutdown();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy(dir.path(), one.path());
    copy(dir.path(), other.path());
    let of_one = goes_on(one.path(), &clock, "dana").await;
    let of_other = goes_on(other.path(), &clock, "emre").await;
    assert_eq!(of_one.size, of_other.size);
    assert_ne!(of_one, of_other);

    exchange(other.path(), one.path());
    let engine = open(one.path(), &clock, 6);
    assert_eq!(*engine.standing(), of_one, "the entries say otherwise than the snapshot");
    // The next one takes the place of the one that was not taken.
    login(&engine, "dana").await;
    engine.shutdown();
    let database = rusqlite::Connection::open(one.path().join("sluice.db")).unwrap();
    let newest: u64 =
        database.query_row("SELECT max(size) FROM snapshots", [], |row| row.get(0)).unwrap();
    assert_eq!(newest, of_one.size + 1);
}
