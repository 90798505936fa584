//! The write-ahead log: how large it becomes, and what was erased.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use sluice_store::Row;
use sluice_store::rows::{PersonRow, ProvisionedRow};

use crate::instance::Instance;
use crate::rows::{delivery, write};

const NAME: &str = "Grace Brewster Hopper";

/// How often the name is in the files of the folder.
fn found(instance: &Instance) -> usize {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(instance.dir()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap_or_default());
    }
    bytes.windows(NAME.len()).filter(|part| *part == NAME.as_bytes()).count()
}

fn reader(instance: &Instance) -> Connection {
    let reader = Connection::open(instance.dir().join("sluice.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM persons;").unwrap();
    reader
}

fn person(name: &str) -> Row {
    let (person_id, handle) = ("p1".to_owned(), "grace".to_owned());
    Row::Person(PersonRow { person_id, handle, name: name.to_owned() })
}

fn provisioned(body: String) -> Row {
    Row::Provisioned(ProvisionedRow { id: "u1".to_owned(), person_id: "p1".to_owned(), body })
}

#[test]
fn what_is_erased_while_somebody_reads_is_gone_when_they_have_ended() {
    let instance = Instance::new();
    let (mut writer, _readers) = instance.open();
    write(&mut writer, vec![person(NAME)]);
    let reader = reader(&instance);
    write(&mut writer, vec![Row::ErasePerson { person_id: "p1".to_owned() }]);
    assert!(found(&instance) > 0, "the reader still sees the name");
    drop(reader);
    writer.maintain();
    assert_eq!(found(&instance), 0);
}

#[test]
fn what_is_replaced_is_gone_in_an_idle_moment() {
    let instance = Instance::new();
    let (mut writer, _readers) = instance.open();
    // Longer than a page: the rest of it lies on pages of its own, which are free when it is replaced.
    let long = format!("{}{NAME}{}", " ".repeat(9_000), " ".repeat(9_000));
    write(&mut writer, vec![person(NAME), provisioned(long)]);
    write(&mut writer, vec![person("Nobody"), provisioned("{}".to_owned())]);
    writer.maintain();
    assert_eq!(found(&instance), 0);
}

#[test]
fn the_log_stays_short_while_readers_overlap() {
    let mut instance = Instance::new();
    let longest = 4 << 20;
    instance.options.longest_log = Some(longest);
    let (mut writer, readers) = instance.open();
    write(&mut writer, vec![Row::Delivery(delivery("gh", "first", b"first", 0))]);
    let ended = Arc::new(AtomicBool::new(false));
    let reading: Vec<_> = (0..3)
        .map(|_| {
            let (ended, path) = (Arc::clone(&ended), instance.dir().join("sluice.db"));
            std::thread::spawn(move || {
                let reader = Connection::open(path).unwrap();
                let long = "SELECT count(*) FROM inbox; WITH RECURSIVE n(i) AS
                    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT sum(i) FROM n;";
                while !ended.load(Ordering::Relaxed) {
                    reader.execute_batch(&format!("BEGIN; {long} COMMIT;")).unwrap();
                }
            })
        })
        .collect();
    let mut body = vec![0; 256 << 10];
    for number in 0_u32..160 {
        body.splice(0..4, number.to_le_bytes());
        let heard = delivery("gh", &number.to_string(), &body, i64::from(number));
        write(&mut writer, vec![Row::Delivery(heard)]);
    }
    let size = std::fs::metadata(instance.dir().join("sluice.db-wal")).unwrap().len();
    ended.store(true, Ordering::Relaxed);
    reading.into_iter().for_each(|thread| thread.join().unwrap());
    drop(readers);
    assert!(size < 7 * longest, "the log has {size} bytes");
}
