//! The anchor's file: two slots written in turn, each flushed before anybody hears of it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, PermissionsExt as _};
use std::path::Path;

use sluice_ledger::anchor::{self, ANCHOR_BYTES, AnchorError, AnchorState, SLOT_BYTES, slot_for};

/// The open anchor file.
#[derive(Debug)]
pub(crate) struct AnchorFile {
    file: File,
}

/// Why the anchor cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnchorReadError {
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Content(#[from] AnchorError),
}

/// Reads the anchor; `None` when there is no file, or nothing was ever written to it.
pub(crate) fn read(path: &Path) -> Result<Option<AnchorState>, AnchorReadError> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok(file) => file.take(ANCHOR_BYTES as u64 + 1).read_to_end(&mut bytes)?,
    };
    Ok(anchor::decode(&bytes)?)
}

impl AnchorFile {
    /// Opens or makes the file, with its whole length on the disk before it is relied on.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        let length = file.metadata()?.len();
        if length < ANCHOR_BYTES as u64 {
            let missing = vec![0; ANCHOR_BYTES.saturating_sub(length as usize)];
            file.write_all_at(&missing, length)?;
            file.sync_all()?;
            sync_folder_of(path)?;
        }
        Ok(Self { file })
    }

    /// Writes the next state and flushes it. On an error the state before is still whole.
    pub(crate) fn write(&self, state: &AnchorState) -> io::Result<()> {
        let slot = anchor::encode_slot(state).map_err(io::Error::other)?;
        let offset = slot_for(state.generation) * SLOT_BYTES;
        self.file.write_all_at(&slot, offset as u64)?;
        self.file.sync_data()
    }
}

/// Flushes the folder that holds `path`, so that a new name survives a power cut.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
