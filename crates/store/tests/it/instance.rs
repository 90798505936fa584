//! A small instance in a temporary folder, and batches to put into it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use sluice_ledger::{SigningKey, VerifyingKey};
use sluice_store::{Batch, Committed, Described, EntryWrite, OpenError, Outcome, Readers, Store};
use sluice_store::{Problem, StoreOptions, VerifyReport, Writer, verify_dir};
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "sluice.example.com/acme";

pub(crate) struct Instance {
    _folder: TempDir,
    pub(crate) options: StoreOptions,
}

impl Instance {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder.path().join("data"));
        Self { _folder: folder, options }
    }

    /// A copy of the folder as it is at this moment, as if the process had been killed.
    pub(crate) fn copied(&self) -> Self {
        let folder = copy(self.dir());
        let options = StoreOptions { dir: folder.path().to_path_buf(), ..self.options.clone() };
        Self { _folder: folder, options }
    }

    pub(crate) fn open(&self) -> (Writer, Readers) {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<(Writer, Readers), OpenError> {
        let _quiet = nobody_forks();
        Store::open(&self.options)
    }

    /// Checks the whole folder.
    pub(crate) fn verify(&self) -> Result<VerifyReport, Problem> {
        let _quiet = nobody_forks();
        verify_dir(self.dir(), None, &self.verifying_key(), &describe)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.options.dir
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.options.dir.join(name)
    }

    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        self.options.signing_key.verifying_key()
    }
}

/// Held for writing while a process is started. Between its fork and its first instruction it has all that was open
/// in this process, the locks on folders of other tests included, and those that are given back meanwhile stay taken.
static FORKING: RwLock<()> = RwLock::new(());

/// While this is held, no test is between fork and start.
pub(crate) fn nobody_forks() -> RwLockReadGuard<'static, ()> {
    FORKING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Starts this program once more. The path would lead to another one, or none, where it was built anew meanwhile.
pub(crate) fn start_again(with: impl FnOnce(&mut Command)) -> Child {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("started-again");
    with(&mut command);
    let _forking = FORKING.write().unwrap_or_else(PoisonError::into_inner);
    let mut child = command.spawn().unwrap();
    // The kernel closes what the child has of ours only after `spawn` has returned, and names the child after that.
    let named = |child: &Child| fs::read(format!("/proc/{}/cmdline", child.id()));
    while !named(&child).is_ok_and(|name| name.starts_with(b"started-again")) {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::yield_now();
    }
    child
}

pub(crate) fn options(dir: &Path) -> StoreOptions {
    StoreOptions::new(dir, ORIGIN, signing_key(7))
}

pub(crate) fn copy(dir: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in fs::read_dir(dir).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
    }
    to
}

pub(crate) fn signing_key(seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(ORIGIN, &[seed; 32]).unwrap())
}

/// The entry at this position: it alone decides stream, version, name and time.
pub(crate) fn entry(seq: u64) -> EntryWrite {
    let (stream, version) = (format!("change/{}", seq % 3), seq / 3 + 1);
    let (name, time_us) = ("change.noted".to_owned(), 1_000_000 + seq as i64);
    let bytes = format!("{stream}|{version}|{name}|{time_us}|{}", "x".repeat(seq as usize % 50));
    EntryWrite { bytes: bytes.into_bytes(), stream, version, name, time_us }
}

/// Reads back what [`entry`] wrote, as the caller of a verification does.
pub(crate) fn describe(bytes: &[u8]) -> Result<Described<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let fields: Vec<&str> = text.split('|').collect();
    let [stream, version, name, time, _] = fields[..] else { return Err("not five fields".into()) };
    let version = version.parse().map_err(|_| "no version")?;
    let time_us = time.parse().map_err(|_| "no time")?;
    Ok(Described { stream: stream.into(), version, name: name.into(), time_us })
}

/// A batch of the next `count` entries after `from`.
pub(crate) fn entries(from: u64, count: u64) -> Batch {
    Batch { entries: (from..from + count).map(entry).collect(), rows: Vec::new() }
}

/// Commits a batch that must be taken.
pub(crate) fn commit(writer: &mut Writer, batch: Batch) -> Committed {
    match writer.commit(batch) {
        Outcome::Committed(committed) => committed,
        other => panic!("not committed: {other:?}"),
    }
}
