//! What to open, and how.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sluice_ledger::SigningKey;

use crate::open::ANCHOR;

/// The folder of an instance, and who it belongs to.
#[derive(Clone)]
pub struct StoreOptions {
    /// The instance's folder; made when it does not exist.
    pub dir: PathBuf,
    /// The anchor file, better on another device; `dir/anchor` when absent.
    pub anchor: Option<PathBuf>,
    /// Names the log.
    pub origin: String,
    /// Signs checkpoints and seals the head.
    pub signing_key: Arc<SigningKey>,
    /// Take the database as it is when the anchor is missing. A decision for a person.
    pub adopt_missing_anchor: bool,
    /// For tests: the named point at which the process kills itself.
    pub crash_at: Option<String>,
    /// For tests: while set, the disk of the anchor is full.
    pub full_anchor: Option<Arc<AtomicBool>>,
    /// For tests: the most pages that the database may have, as if the disk were full.
    pub max_pages: Option<u32>,
    /// For tests: the bytes that the write-ahead log may have before readers are waited for.
    pub longest_log: Option<u64>,
}

impl StoreOptions {
    /// The usual options for this folder.
    pub fn new(
        dir: impl Into<PathBuf>,
        origin: impl Into<String>,
        signing_key: Arc<SigningKey>,
    ) -> Self {
        Self {
            dir: dir.into(),
            anchor: None,
            origin: origin.into(),
            signing_key,
            adopt_missing_anchor: false,
            crash_at: None,
            full_anchor: None,
            max_pages: None,
            longest_log: None,
        }
    }

    pub(crate) fn anchor_path(&self) -> PathBuf {
        self.anchor.clone().unwrap_or_else(|| self.dir.join(ANCHOR))
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("dir", &self.dir)
            .field("anchor", &self.anchor)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
