//! Processes that die in the middle of a commit, and what is found afterwards.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use sluice_store::{CRASH_POINTS, OpenError, SafeHaltKind, Store};

use crate::instance::{Instance, commit, entries, entry, options, start_again};
use crate::rows::beside;

const FOLDER: &str = "SLUICE_STORE_TEST_FOLDER";
const POINT: &str = "SLUICE_STORE_TEST_POINT";
const TIME: &str = "time";

#[test]
fn at_every_named_point_what_was_acknowledged_survives_a_crash() {
    for point in CRASH_POINTS {
        let instance = Instance::new();
        let status = child(instance.dir(), Some(point)).wait().unwrap();
        assert!(!status.success(), "`{point}` was not reached");
        let is_committed = !matches!(point, "before_begin" | "after_entries" | "before_commit");
        let (mut writer, readers) = instance.open();
        let size = if is_committed { 520 } else { 260 };
        assert_eq!(writer.head().size, size, "after a crash at `{point}`");
        let inbox = readers.inbox_next(10).unwrap().len();
        assert_eq!(inbox, usize::from(is_committed), "after a crash at `{point}`");
        check_content(&instance, &readers.entries(0, 10_000).unwrap());
        assert_eq!(commit(&mut writer, entries(size, 300)).head.size, size + 300);
        drop((writer, readers));
        let report = instance.verify().unwrap();
        assert_eq!((report.size, report.anchored_size), (size + 300, size + 300));
    }
}

#[test]
fn a_bit_that_flips_on_the_way_to_the_disk_is_never_signed() {
    let instance = Instance::new();
    let status = child(instance.dir(), Some("flipped_bit")).wait().unwrap();
    assert!(!status.success());
    let error = instance.try_open().unwrap_err();
    assert!(matches!(error, OpenError::SafeHalt { kind: SafeHaltKind::Corrupt, .. }), "{error}");
}

#[test]
fn time_that_runs_backwards_ends_the_process_before_anything_is_written() {
    let instance = Instance::new();
    let status = child(instance.dir(), Some(TIME)).wait().unwrap();
    assert!(!status.success());
    assert_eq!(instance.open().0.head().size, 260);
}

#[test]
fn a_crash_at_the_first_start_leaves_a_folder_that_opens() {
    let instance = Instance::new();
    drop(instance.open());
    fs::remove_file(instance.file("anchor")).unwrap();
    let (mut writer, _readers) = instance.open();
    assert_eq!(commit(&mut writer, entries(0, 3)).head.size, 3);
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing_that_it_acknowledged() {
    let instance = Instance::new();
    let mut acknowledged = 0;
    for round in 0..10u64 {
        let mut running = child(instance.dir(), None);
        let lines = BufReader::new(running.stdout.take().unwrap()).lines();
        let acks = lines.map_while(Result::ok).filter_map(|line| {
            line.strip_prefix("acknowledged ").and_then(|size| size.parse::<u64>().ok())
        });
        acknowledged = acks.take(5 + 13 * round as usize).last().unwrap_or(acknowledged);
        running.kill().unwrap();
        running.wait().unwrap();
        let (writer, readers) = instance.open();
        assert!(writer.head().size >= acknowledged, "round {round}");
        check_content(&instance, &readers.entries(0, 10_000).unwrap());
    }
    assert!(acknowledged > 0);
    assert_eq!(instance.verify().unwrap().size, instance.open().0.head().size);
}

/// Not a test of its own: what the processes of the other tests run.
#[test]
fn dying_process() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let mut options = options(Path::new(&folder));
    let Some(point) = env::var_os(POINT) else { commit_for_ever(&options) };
    let (mut writer, readers) = Store::open(&options).unwrap();
    commit(&mut writer, entries(0, 260));
    drop((writer, readers));
    options.crash_at = Some(point.into_string().unwrap());
    let (mut writer, _readers) = Store::open(&options).unwrap();
    let mut batch = entries(260, 260);
    batch.rows = beside();
    if options.crash_at.as_deref() == Some(TIME) {
        batch.entries[7].time_us = batch.entries[6].time_us - 1;
    }
    commit(&mut writer, batch);
    // The parent expects a failure: it reads success as a point that was not reached.
}

#[expect(clippy::print_stdout, reason = "the parent reads what is acknowledged")]
fn commit_for_ever(options: &sluice_store::StoreOptions) -> ! {
    let (mut writer, _readers) = Store::open(options).unwrap();
    loop {
        let size = writer.head().size;
        let head = commit(&mut writer, entries(size, 1 + size % 7)).head;
        println!("\nacknowledged {}", head.size);
    }
}

fn child(folder: &Path, point: Option<&str>) -> Child {
    start_again(|command| {
        command
            .args(["--exact", "crash::dying_process", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(point) = point {
            command.env(POINT, point);
        }
    })
}

#[test]
fn a_folder_is_free_when_its_writer_is_gone_whatever_is_started_meanwhile() {
    let instance = Instance::new();
    drop(instance.open());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let mut other = start_again(|command| {
                    command.args(["--list"]).stdout(Stdio::null()).stderr(Stdio::null());
                });
                other.wait().unwrap();
            }
        });
        let taken = (0..100).filter(|_| instance.try_open().is_err()).count();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(taken, 0, "somebody else's process held the folder");
    });
}

fn check_content(instance: &Instance, found: &[sluice_store::Entry]) {
    for (seq, found) in (0..).zip(found) {
        assert_eq!(found.bytes, entry(seq).bytes, "{}", instance.dir().display());
    }
}
