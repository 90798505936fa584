//! Folders that must not be served: older copies, swapped, cut and missing files.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use sluice_store::{
    NotCommitted, OpenError, Outcome, Problem, Readers, SafeHaltKind, Writer, verify_dir,
};

use crate::instance::{Instance, commit, copy, describe, entries, entry, signing_key};
use crate::rows::{delivery, write};

use SafeHaltKind::{Corrupt, Fork, MissingAnchor, OtherFormat, Rollback, WrongKey, WrongOrigin};

#[test]
fn an_older_copy_of_the_database_is_a_rollback() {
    let instance = Instance::new();
    filled(&instance, 0, 10);
    let older = fs::read(instance.file("sluice.db")).unwrap();
    filled(&instance, 10, 1);
    fs::write(instance.file("sluice.db"), older).unwrap();
    refused(&instance, Rollback);
    unverified(&instance, "older copy");
}

#[test]
fn an_older_copy_that_lacks_only_a_delivery_is_a_rollback() {
    let instance = Instance::new();
    filled(&instance, 0, 10);
    let older = fs::read(instance.file("sluice.db")).unwrap();
    let (mut writer, _readers) = instance.open();
    write(&mut writer, vec![sluice_store::Row::Delivery(delivery("gh", "a", b"one", 0))]);
    drop(writer);
    fs::write(instance.file("sluice.db"), older).unwrap();
    refused(&instance, Rollback);
    unverified(&instance, "older copy");
}

#[test]
fn another_history_of_the_same_size_is_a_fork() {
    let (instance, other) = (Instance::new(), Instance::new());
    filled(&instance, 0, 10);
    let (mut writer, _readers) = other.open();
    let mut batch = entries(0, 10);
    batch.entries[4].bytes.push(b'!');
    commit(&mut writer, batch);
    drop(writer);
    fs::copy(other.file("sluice.db"), instance.file("sluice.db")).unwrap();
    refused(&instance, Fork);
    unverified(&instance, "not those that were acknowledged");
}

#[test]
fn another_history_that_has_grown_further_is_a_fork() {
    let (instance, other) = (Instance::new(), Instance::new());
    filled(&instance, 0, 300);
    let (mut writer, _readers) = other.open();
    let mut batch = entries(0, 700);
    batch.entries[4].bytes.push(b'!');
    commit(&mut writer, batch);
    drop(writer);
    fs::copy(other.file("sluice.db"), instance.file("sluice.db")).unwrap();
    refused(&instance, Fork);
}

#[test]
fn a_database_ahead_of_its_anchor_is_taken_and_the_anchor_moved() {
    let instance = Instance::new();
    filled(&instance, 0, 300);
    let older = fs::read(instance.file("anchor")).unwrap();
    filled(&instance, 300, 300);
    fs::write(instance.file("anchor"), older).unwrap();
    let report = instance.verify().unwrap();
    assert_eq!((report.size, report.anchored_size), (600, 300));
    let (writer, readers) = instance.open();
    assert_eq!(writer.head().size, 600);
    assert!(readers.checkpoint_note().contains("\n600\n"));
    drop((writer, readers));
    let report = instance.verify().unwrap();
    assert_eq!(report.anchored_size, 600);
}

#[test]
fn a_database_of_another_build_is_refused_with_what_to_do_and_left_as_it_is() {
    for (format, sql) in [
        ("1", "DROP TABLE outbox; DROP TABLE secrets"),
        ("2.00000000", "CREATE TABLE tomorrow (id INTEGER PRIMARY KEY) STRICT"),
        ("3", ""),
    ] {
        let instance = Instance::new();
        filled(&instance, 0, 10);
        let connection = Connection::open(instance.file("sluice.db")).unwrap();
        connection.execute_batch(sql).unwrap();
        connection.execute("UPDATE meta SET value = ?1 WHERE key = 'format'", [format]).unwrap();
        drop(connection);
        let before = fs::read(instance.file("sluice.db")).unwrap();
        refused(&instance, OtherFormat);
        let error = instance.try_open().unwrap_err().to_string();
        for part in [&format!("has format `{format}`"), "another build", "the program that made it"]
        {
            assert!(error.contains(part), "{error}");
        }
        unverified(&instance, "another build");
        assert_eq!(fs::read(instance.file("sluice.db")).unwrap(), before, "{format}");
    }
}

#[test]
fn a_missing_anchor_is_refused_unless_adopted() {
    for content in [None, Some(Vec::new()), Some(vec![0; 8_192])] {
        let mut instance = Instance::new();
        filled(&instance, 0, 10);
        match content {
            None => fs::remove_file(instance.file("anchor")).unwrap(),
            Some(bytes) => fs::write(instance.file("anchor"), bytes).unwrap(),
        }
        refused(&instance, MissingAnchor);
        unverified(&instance, "there is none");
        instance.options.adopt_missing_anchor = true;
        drop(instance.open());
        instance.options.adopt_missing_anchor = false;
        assert_eq!(instance.open().0.head().size, 10);
    }
}

#[test]
fn cut_and_missing_database_files_are_refused() {
    for keep in [0usize, 1, 100, 4_096, 20_000, 100_000] {
        let instance = Instance::new();
        filled(&instance, 0, 600);
        let bytes = fs::read(instance.file("sluice.db")).unwrap();
        fs::write(instance.file("sluice.db"), &bytes[..keep]).unwrap();
        refused(&instance, if keep == 0 { Rollback } else { Corrupt });
        unverified(&instance, "");
    }
    let instance = Instance::new();
    filled(&instance, 0, 600);
    fs::remove_file(instance.file("sluice.db")).unwrap();
    refused(&instance, Rollback);
    unverified(&instance, "cannot read");
}

#[test]
fn a_killed_servers_log_that_is_gone_or_cut_is_a_rollback() {
    let instance = Instance::new();
    filled(&instance, 0, 10);
    let (mut writer, _readers) = instance.open();
    commit(&mut writer, entries(10, 10));
    write(&mut writer, vec![sluice_store::Row::Delivery(delivery("gh", "a", b"one", 0))]);
    let killed = instance.copied();
    let log = fs::read(killed.file("sluice.db-wal")).unwrap();
    assert_eq!(killed.open().0.head().size, 20);
    for keep in [None, Some(0), Some(40), Some(log.len() / 2), Some(log.len() - 1)] {
        let killed = instance.copied();
        match keep {
            None => fs::remove_file(killed.file("sluice.db-wal")).unwrap(),
            Some(keep) => fs::write(killed.file("sluice.db-wal"), &log[..keep]).unwrap(),
        }
        refused(&killed, Rollback);
        unverified(&killed, "older copy");
        refused(&killed, Rollback);
    }
}

#[test]
fn a_refused_start_leaves_every_file_as_it_was() {
    let instance = Instance::new();
    filled(&instance, 0, 10);
    let (mut writer, _readers) = instance.open();
    commit(&mut writer, entries(10, 10));
    let killed = instance.copied();
    fs::remove_file(killed.file("anchor")).unwrap();
    let files = ["sluice.db", "sluice.db-wal"];
    let before = files.map(|name| fs::read(killed.file(name)).unwrap());
    refused(&killed, MissingAnchor);
    assert!(before == files.map(|name| fs::read(killed.file(name)).unwrap()));
}

#[test]
fn files_swapped_between_two_instances_are_refused() {
    for (file, by_origin) in
        [("sluice.db", true), ("sluice.db", false), ("anchor", true), ("anchor", false)]
    {
        let (instance, mut other) = (Instance::new(), Instance::new());
        if by_origin {
            other.options.origin = "sluice.example.com/other".to_owned();
        } else {
            other.options.signing_key = signing_key(8);
        }
        filled(&instance, 0, 10);
        filled(&other, 0, 10);
        fs::copy(other.file(file), instance.file(file)).unwrap();
        refused(&instance, if by_origin { WrongOrigin } else { WrongKey });
        unverified(&instance, "");
    }
}

#[test]
fn entries_added_by_somebody_without_the_key_are_refused() {
    let instance = Instance::new();
    filled(&instance, 0, 3);
    let forged = Instance::new();
    filled(&forged, 0, 4);
    let (connection, other) = (database(&instance), database(&forged));
    let root: Vec<u8> = other.query_row("SELECT root FROM head", [], |row| row.get(0)).unwrap();
    let entry = entry(3);
    let leaf = sluice_ledger::leaf_hash(&entry.bytes);
    connection
        .execute(
            "INSERT INTO entries VALUES (3, ?1, ?2, ?3, ?4, ?5, ?6)",
            (leaf.as_bytes(), entry.stream, entry.version, entry.name, entry.time_us, entry.bytes),
        )
        .unwrap();
    let sql = "UPDATE head SET size = 4, root = ?1, last_time_us = 1000003, commits = 3";
    connection.execute(sql, [root]).unwrap();
    drop(connection);
    refused(&instance, Corrupt);
}

#[test]
fn a_folder_in_use_is_not_verified() {
    let instance = Instance::new();
    let _open = instance.open();
    let verified = instance.verify();
    assert!(matches!(verified, Err(Problem::Running(_))));
}

#[test]
fn a_stopped_folder_shows_what_its_anchor_speaks_for() {
    let instance = Instance::new();
    filled(&instance, 0, 300);
    let older = fs::read(instance.file("anchor")).unwrap();
    filled(&instance, 300, 300);
    fs::write(instance.file("anchor"), older).unwrap();
    let readers = Readers::open(instance.dir(), None).unwrap();
    assert_eq!((readers.head().size, readers.entry(300).unwrap()), (300, None));
    readers.receipt(299).unwrap().verify(None, &[instance.verifying_key()]).unwrap();
    // The views are of all 600, as after a crash before the anchor: they are checked against all.
    assert_eq!(Readers::open_whole(instance.dir()).unwrap().head().size, 600);
}

#[test]
fn rows_edited_by_hand_are_named() {
    for (sql, named) in [
        ("UPDATE entries SET bytes = CAST(bytes || ' ' AS BLOB) WHERE seq = 5", "entry 5"),
        ("UPDATE entries SET stream = 'other' WHERE seq = 6", "entry 6"),
        ("UPDATE entries SET time_us = 0 WHERE seq = 7", "entry 7"),
        ("DELETE FROM entries WHERE seq = 8", "entry 8"),
        ("UPDATE entries SET seq = seq + 1000 WHERE seq = 9", "entry 9"),
        ("UPDATE tiles SET hashes = zeroblob(8192) WHERE idx = 1", "tile 1 of level 0"),
        ("DELETE FROM tiles WHERE idx = 0", "tile 0 of level 0"),
        ("INSERT INTO tiles VALUES (3, 3, zeroblob(8192))", "3 tiles are stored"),
        ("UPDATE inbox SET body = x'00'", "of `inbox`"),
        ("UPDATE tokens SET permissions = '[\"all\"]'", "of `tokens`"),
        ("UPDATE persons SET handle = 'eve'", "of `persons`"),
        ("UPDATE blobs SET bytes = x'00'", "of `blobs`"),
        ("UPDATE head SET last_time_us = 5", "the head row"),
        ("UPDATE head SET size = 599", "the head row"),
        ("UPDATE head SET size = 601", "entry 600"),
        ("DROP INDEX entries_by_stream", "index"),
        ("DROP INDEX inbox_by_state", "tables or indexes"),
        ("CREATE TABLE more (a)", "tables or indexes"),
    ] {
        let instance = Instance::new();
        filled(&instance, 0, 600);
        let (mut writer, _readers) = instance.open();
        write(&mut writer, crate::rows::beside());
        drop(writer);
        database(&instance).execute_batch(sql).unwrap();
        unverified(&instance, named);
    }
}

#[test]
fn a_damaged_row_is_an_error_and_never_an_answer() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    commit(&mut writer, entries(0, 600));
    write(&mut writer, crate::rows::beside());
    database(&instance)
        .execute_batch(
            "UPDATE entries SET bytes = CAST(bytes || ' ' AS BLOB) WHERE seq = 5;
             UPDATE tokens SET permissions = 'all'; UPDATE blobs SET bytes = x'00'",
        )
        .unwrap();
    assert!(readers.entry(5).unwrap_err().is_damage());
    assert!(readers.entries(0, 10).unwrap_err().is_damage());
    assert!(readers.stream("change/2", 0, 10).unwrap_err().is_damage());
    assert!(readers.token_by_hash(&[4; 32]).unwrap_err().is_damage());
    assert!(readers.entry(6).unwrap().is_some());
}

#[test]
fn a_full_disk_refuses_a_batch_and_goes_on_when_space_returns() {
    let mut instance = Instance::new();
    filled(&instance, 0, 10);
    let pages: u32 =
        database(&instance).query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    instance.options.max_pages = Some(pages + 4);
    let (mut writer, readers) = instance.open();
    for _ in 0..3 {
        let outcome = writer.commit(entries(10, 4_000));
        assert!(matches!(outcome, Outcome::NotCommitted(NotCommitted::Full)), "{outcome:?}");
        assert_eq!((writer.head().size, readers.head().size), (10, 10));
    }
    assert_eq!(commit(&mut writer, entries(10, 1)).head.size, 11);
    drop((writer, readers));
    instance.options.max_pages = None;
    let (mut writer, _readers) = instance.open();
    assert_eq!(commit(&mut writer, entries(11, 4_000)).head.size, 4_011);
    drop(writer);
    instance.verify().unwrap();
}

#[test]
fn a_batch_that_cannot_be_anchored_is_acknowledged_only_when_space_returns() {
    let mut instance = Instance::new();
    let full = Arc::new(AtomicBool::new(false));
    instance.options.full_anchor = Some(Arc::clone(&full));
    let (mut writer, readers) = instance.open();
    commit(&mut writer, entries(0, 10));
    full.store(true, Ordering::Relaxed);
    let Outcome::Unknown(unresolved) = writer.commit(entries(10, 5)) else { panic!("anchored") };
    assert_eq!((readers.head().size, readers.entry(12).unwrap()), (10, None));
    let next = writer.commit(entries(15, 5));
    assert!(matches!(next, Outcome::NotCommitted(NotCommitted::Full)));
    let Outcome::Unknown(unresolved) = writer.resolve(unresolved) else { panic!("anchored") };
    full.store(false, Ordering::Relaxed);
    let Outcome::Committed(committed) = writer.resolve(unresolved) else { panic!("not anchored") };
    assert_eq!((committed.first_seq, committed.receipts.len()), (10, 5));
    assert_eq!((readers.head().size, commit(&mut writer, entries(15, 5)).head.size), (15, 20));
}

#[test]
fn a_batch_above_a_limit_is_refused() {
    let instance = Instance::new();
    let (mut writer, _readers) = instance.open();
    let mut batch = entries(0, 1);
    batch.entries[0].bytes = vec![0; 65_536];
    for batch in [entries(0, 5_000), batch] {
        let outcome = writer.commit(batch);
        assert!(matches!(outcome, Outcome::NotCommitted(NotCommitted::Refused(_))));
    }
}

fn filled(instance: &Instance, from: u64, count: u64) {
    let (mut writer, _readers) = instance.open();
    commit(&mut writer, entries(from, count));
}

fn database(instance: &Instance) -> Connection {
    Connection::open(instance.file("sluice.db")).unwrap()
}

fn refused(instance: &Instance, expected: SafeHaltKind) {
    let opened: Result<(Writer, Readers), OpenError> = instance.try_open();
    match opened {
        Err(OpenError::SafeHalt { kind, message }) => assert_eq!(kind, expected, "{message}"),
        other => panic!("expected {expected}, got {other:?}"),
    }
}

fn unverified(instance: &Instance, message: &str) {
    let copy = copy(instance.dir());
    let key = instance.verifying_key();
    let problem = verify_dir(copy.path(), None, &key, &describe).unwrap_err();
    assert!(problem.to_string().contains(message), "{problem} instead of {message}");
}
