//! The folder of an instance: its lock and its reserve.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use crate::error::OpenError;

const LOCK: &str = "lock";
const RESERVE: &str = "reserve";
const RESERVE_BYTES: usize = 1 << 20;

/// Makes the folder where there is none, for whoever runs the server alone. One that is there stays as open as it is.
pub fn make_folder(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Makes a file of the instance, where there is none, and closes it to everybody but whoever runs the server. What SQLite
/// puts beside a database is as open as the database is.
pub(crate) fn close_to_others(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))
}

/// Takes the folder for this process; given back when the file is dropped.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let io = |source| OpenError::Io { path: path.clone(), source };
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(dir.to_path_buf())),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Keeps a server from starting while the folder is read. No lock file is made for that.
pub(crate) fn lock_for_reading(dir: &Path) -> Result<Option<File>, OpenError> {
    let Ok(file) = File::open(dir.join(LOCK)) else { return Ok(None) };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(dir.to_path_buf())),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

/// Sets space aside, so that a full disk can still be looked at. A full disk is no reason to stop.
pub(crate) fn keep_reserve(dir: &Path) {
    let path = dir.join(RESERVE);
    if fs::metadata(&path).is_ok_and(|found| found.len() >= RESERVE_BYTES as u64) {
        return;
    }
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0; RESERVE_BYTES])?;
        file.sync_all()
    });
    if let Err(error) = written {
        // What was written of it would take the last space away.
        let _ = fs::remove_file(&path);
        tracing::warn!(%error, "cannot set disk space aside");
    }
}

/// Gives the reserved space back; the next start sets it aside again.
pub fn release_reserve(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(RESERVE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
