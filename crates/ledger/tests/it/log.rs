//! Whole logs: a real one of another implementation, and our own at sizes where levels begin.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;

use sluice_ledger::log::{TileReader, verify_continues};
use sluice_ledger::proof::{consistency, inclusion};
use sluice_ledger::{
    BundleId, Checkpoint, Hash, LogProblem, LogReport, LogSource, LogVerifier, TileId,
    VerifyingKey, audit, verify_log,
};

use crate::memory_log::{Absent, MemoryLog, Nodes, entry, key, leaves};
use crate::published::tlog;

/// A published log in a folder, at one of its sizes.
pub(crate) struct FolderLog {
    pub(crate) folder: PathBuf,
    pub(crate) size: u64,
}

impl FolderLog {
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Absent> {
        std::fs::read(self.folder.join(path)).map_err(|_| Absent(path.to_owned()))
    }
}

impl LogSource for FolderLog {
    type Error = Absent;
    fn checkpoint(&self) -> Result<String, Absent> {
        let bytes = self.read(&format!("checkpoint.{}", self.size))?;
        String::from_utf8(bytes).map_err(|_| Absent("text".to_owned()))
    }
    fn tile(&self, tile: &TileId) -> Result<Vec<u8>, Absent> {
        self.read(&tile.path())
    }
    fn entries(&self, bundle: &BundleId) -> Result<Vec<u8>, Absent> {
        self.read(&bundle.path())
    }
}

pub(crate) fn foreign_log(size: u64) -> Option<(FolderLog, VerifyingKey)> {
    let folder = tlog()?.join("tessera-log");
    let text = std::fs::read_to_string(folder.join("verifier-key.txt")).unwrap();
    Some((FolderLog { folder, size }, VerifyingKey::parse(&text).unwrap()))
}

#[test]
fn a_log_of_another_implementation_verifies_at_every_size_and_continues() {
    let mut older: Vec<Checkpoint> = Vec::new();
    for size in 0..=8 {
        let Some((log, key)) = foreign_log(size) else { return };
        let report = verify_log(&log, &[key], &mut |_| {}).unwrap();
        assert_eq!(report.checkpoint.size, size);
        for head in &older {
            verify_continues(&log, head, &report.checkpoint).unwrap();
        }
        older.push(report.checkpoint);
    }
}

#[test]
fn our_logs_verify_at_the_sizes_where_tiles_begin_and_end() {
    for size in [0, 1, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 66_000] {
        let log = MemoryLog::of_size(size);
        let report = verify(&log, 1).unwrap();
        assert_eq!(report, verify(&log, 3).unwrap(), "size {size}");
        assert_eq!(report.checkpoint.size, size);
        let files = report.bundles + report.tiles + 1;
        assert_eq!(files, log.files.len() as u64, "every file of size {size} was read");
    }
}

#[test]
fn the_first_problem_is_the_same_on_any_number_of_threads() {
    let mut log = MemoryLog::of_size(9000);
    for path in ["tile/entries/007", "tile/entries/020", "tile/0/030"] {
        log.files.get_mut(path).unwrap()[5] ^= 1;
    }
    log.files.remove("tile/entries/031");
    for threads in [1, 2, 5] {
        let problem = verify(&log, threads).unwrap_err();
        let first = 7 * 256;
        let expected = matches!(problem, LogProblem::EntryMismatch { index, .. } if index == first);
        assert!(expected, "{threads} threads: {problem}");
    }
}

#[test]
fn problems_name_what_is_wrong() {
    let good = MemoryLog::of_size(700);
    type Damage = fn(&mut Vec<u8>);
    let cases: [(&str, Damage, &str); 7] = [
        ("tile/entries/001", |b| b[9] ^= 1, "entry 256 does not have the hash in `tile/0/001`"),
        ("tile/0/002.p/188", |b| b[40] ^= 1, "entry 513 does not have the hash"),
        ("tile/1/000.p/2", |b| b[40] ^= 1, "hash 1 of `tile/1/000.p/2` is not that of"),
        ("tile/1/000.p/2", |b| b.truncate(40), "`tile/1/000.p/2` is not a tile of its width"),
        ("tile/entries/000", |b| b.push(0), "`tile/entries/000` is not a bundle of its entries"),
        ("tile/entries/000", |b| b.clear(), "`tile/entries/000` is not a bundle of its entries"),
        ("checkpoint", |b| b.truncate(9), "the log's checkpoint is refused"),
    ];
    for (path, damage, message) in cases {
        let mut log = good.clone();
        damage(log.files.get_mut(path).unwrap());
        let problem = verify(&log, 2).unwrap_err().to_string();
        assert!(problem.contains(message), "{path}: {problem}");
    }
    for path in good.files.keys() {
        let mut log = good.clone();
        log.files.remove(path);
        let problem = verify(&log, 2).unwrap_err();
        assert!(matches!(&problem, LogProblem::Read { what, .. } if what == path), "{problem}");
    }
}

#[test]
fn a_consistent_log_under_another_signed_root_is_found() {
    let mut log = MemoryLog::of_size(700);
    let root = audit::root(&leaves(699));
    let head = Checkpoint { origin: key().name().into(), size: 700, root };
    log.files.insert("checkpoint".into(), head.sign(&[&key()]).unwrap().into_bytes());
    assert!(matches!(verify(&log, 1), Err(LogProblem::RootMismatch { size: 700, .. })));
}

#[test]
fn a_replaced_log_does_not_continue_the_older_head() {
    let log = MemoryLog::of_size(700);
    let head = verify(&log, 1).unwrap().checkpoint;
    let origin = head.origin.clone();
    for size in [0, 1, 256, 300, 700] {
        let older = Checkpoint { origin: origin.clone(), size, root: audit::root(&leaves(size)) };
        verify_continues(&log, &older, &head).unwrap();
        let forked = Checkpoint { root: audit::root(&leaves(701)), ..older };
        assert!(verify_continues(&log, &forked, &head).is_err(), "{size}");
    }
    let longer = Checkpoint { origin, size: 701, root: audit::root(&leaves(701)) };
    assert!(verify_continues(&log, &longer, &head).is_err());
    let foreign = Checkpoint { origin: "other".into(), ..head.clone() };
    assert!(verify_continues(&log, &foreign, &head).is_err());
}

#[test]
fn the_callers_check_sees_every_entry_once() {
    let log = MemoryLog::of_size(700);
    let keys = [key().verifying_key()];
    let seen = Mutex::new(Vec::new());
    let check = |index: u64, bytes: &[u8]| {
        seen.lock().unwrap().push(index);
        if bytes == entry(index) { Ok(()) } else { Err("other".to_owned()) }
    };
    LogVerifier::new(&keys)
        .threads(threads(3))
        .check_entries(&check)
        .run(&log, &mut |_| {})
        .unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (0..700).collect::<Vec<_>>());

    let refuse = |index: u64, _: &[u8]| if index < 300 { Ok(()) } else { Err("no".to_owned()) };
    let verifier = LogVerifier::new(&keys).check_entries(&refuse);
    let problem = verifier.run(&log, &mut |_| {}).unwrap_err();
    assert_eq!(problem.to_string(), "entry 300 is refused: no");
}

#[test]
fn a_panic_in_a_worker_reaches_the_caller() {
    let log = MemoryLog::of_size(20_000);
    let keys = [key().verifying_key()];
    let check = |index: u64, _: &[u8]| -> Result<(), String> {
        assert!(index != 5000, "on purpose");
        Ok(())
    };
    let verifier = LogVerifier::new(&keys).threads(threads(2)).check_entries(&check);
    let run = std::panic::AssertUnwindSafe(|| verifier.run(&log, &mut |_| {}).is_ok());
    assert!(std::panic::catch_unwind(run).is_err());
}

#[test]
fn progress_grows_to_the_size() {
    let mut seen = Vec::new();
    let keys = [key().verifying_key()];
    verify_log(&MemoryLog::of_size(700), &keys, &mut |p| seen.push((p.entries_done, p.entries)))
        .unwrap();
    assert_eq!(seen, [(256, 700), (512, 700), (700, 700)]);
}

#[test]
fn proofs_from_tiles_are_those_from_nodes() {
    for size in [1, 2, 255, 256, 257, 700, 66_000] {
        let log = MemoryLog::of_size(size);
        let nodes = Nodes::of(&leaves(size));
        let reader = TileReader::new(&log, size);
        for index in [0, 1, 77, 255, 256, 511, 600, 65_535, 65_999] {
            if index < size {
                let proof: Vec<Hash> = inclusion(index, size, &reader).unwrap();
                assert_eq!(proof, nodes.inclusion(index, size), "{index} of {size}");
                let proof = consistency(index, size, &reader).unwrap();
                assert_eq!(proof, nodes.consistency(index, size), "{index} to {size}");
            }
        }
        assert!(inclusion(size, size, &reader).is_err());
        assert!(consistency(size + 1, size, &reader).is_err());
    }
}

fn verify(log: &MemoryLog, count: usize) -> Result<LogReport, LogProblem> {
    let keys = [key().verifying_key()];
    LogVerifier::new(&keys).threads(threads(count)).run(log, &mut |_| {})
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}
