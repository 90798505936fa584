//! Snapshots of the standing, so that a restart reads the tail of the ledger and not its history.
//!
//! A snapshot is JSON of the standing, signed by the log's key together with what it was made from and by: the log, the
//! tree at its size, and the rules of this build. One of which any of that is something else is not taken, and the log of
//! the program says why: the ledger is the truth.

use std::sync::Arc;
use std::thread::JoinHandle;

use sluice_core::ids::Digest;
use sluice_core::standing::{RULES, Standing};
use sluice_ledger::{Hash, SigningKey, note};
use sluice_store::rows::SnapshotRow;
use sluice_store::{Batch, Outcome, Readers, Row, Writer};

/// Name of the snapshot in the store.
const NAME: &str = "standing";

/// Entries after which a new snapshot is worth its cost.
const EVERY: u64 = 50_000;

/// Whose snapshots they are.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) origin: Arc<str>,
    pub(crate) key: Arc<SigningKey>,
}

/// Makes and finds snapshots.
pub(crate) struct Snapshots {
    owner: Owner,
    last: u64,
    /// One that is being written down beside the work.
    making: Option<JoinHandle<Option<SnapshotRow>>>,
}

impl Snapshots {
    pub(crate) fn new(owner: Owner, last: u64) -> Self {
        Self { owner, last, making: None }
    }

    /// Makes one when enough has happened since the last. Writing a large standing down takes its time, so that it is
    /// done on a thread of its own; it is stored when it is ready.
    pub(crate) fn when_due(&mut self, writer: &mut Writer, standing: &Arc<Standing>) {
        if self.making.as_ref().is_some_and(JoinHandle::is_finished) {
            self.store_made(writer);
        }
        if self.making.is_none() && standing.size >= self.last + EVERY {
            self.last = standing.size;
            let Some(root) = root_of(writer, standing) else { return };
            let (owner, standing) = (self.owner.clone(), Arc::clone(standing));
            let thread = std::thread::Builder::new().name("snapshot".into());
            match thread.spawn(move || write(&owner, &root, &standing)) {
                Ok(making) => self.making = Some(making),
                Err(error) => tracing::warn!(%error, "a snapshot could not be made"),
            }
        }
    }

    /// Makes one at the end, unless nothing has happened since the last.
    pub(crate) fn leave(&mut self, writer: &mut Writer, standing: &Standing) {
        self.store_made(writer);
        if standing.size > self.last
            && let Some(root) = root_of(writer, standing)
            && let Some(row) = write(&self.owner, &root, standing)
        {
            store(writer, row);
        }
    }

    /// Stores the one that is being made, when it is ready.
    fn store_made(&mut self, writer: &mut Writer) {
        let made = self.making.take().and_then(|making| making.join().ok().flatten());
        if let Some(row) = made {
            store(writer, row);
        }
    }
}

/// The root of the tree that a standing was folded from.
fn root_of(writer: &Writer, standing: &Standing) -> Option<Hash> {
    let head = writer.head();
    (head.size == standing.size).then_some(head.root)
}

fn write(owner: &Owner, root: &Hash, standing: &Standing) -> Option<SnapshotRow> {
    let bytes = match serde_json::to_vec(standing) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "the standing cannot be written down; starts will be slower");
            return None;
        }
    };
    match note::sign(&statement(&owner.origin, standing.size, root, &bytes), &[&owner.key]) {
        Ok(note) => Some(SnapshotRow { name: NAME.into(), size: standing.size, bytes, note }),
        Err(error) => {
            tracing::error!(%error, "a snapshot cannot be signed; starts will be slower");
            None
        }
    }
}

fn store(writer: &mut Writer, row: SnapshotRow) {
    let size = row.size;
    match writer.commit(Batch { entries: Vec::new(), rows: vec![Row::Snapshot(row)] }) {
        Outcome::Committed(_) => tracing::debug!(size, "made a snapshot"),
        Outcome::NotCommitted(why) => {
            tracing::warn!(reason = why.as_str(), "a snapshot was not stored")
        }
        Outcome::Unknown(_) => tracing::warn!("a snapshot may not be stored"),
    }
}

/// The standing of the newest snapshot, where it is of this log as it is stored and of this build.
pub(crate) fn find(readers: &Readers, owner: &Owner) -> Option<Standing> {
    let row = match readers.snapshot(NAME) {
        Ok(row) => row?,
        Err(error) => {
            tracing::warn!(%error, "the snapshot cannot be read; the ledger is read from its start");
            return None;
        }
    };
    match open(readers, owner, &row) {
        Ok(standing) => Some(standing),
        Err(reason) => {
            let size = row.size;
            tracing::warn!(size, %reason, "the snapshot is not taken; the ledger is read from its start");
            None
        }
    }
}

fn open(readers: &Readers, owner: &Owner, row: &SnapshotRow) -> Result<Standing, String> {
    let root = readers.root_at(row.size).map_err(|error| error.to_string())?;
    let key = owner.key.verifying_key();
    let opened = note::open(&row.note, &[key]).map_err(|error| error.to_string())?;
    let expected = statement(&owner.origin, row.size, &root, &row.bytes);
    if opened.text != expected {
        let mut lines = expected.lines().zip(opened.text.lines());
        let other = lines.find(|(expected, found)| expected != found);
        let told = other.map(|(expected, found)| format!("it has `{found}`, not `{expected}`"));
        return Err(told.unwrap_or_else(|| "it says something else".to_owned()));
    }
    let standing: Standing =
        serde_json::from_slice(&row.bytes).map_err(|error| error.to_string())?;
    if standing.size == row.size {
        Ok(standing)
    } else {
        Err(format!("it is a standing of {} entries", standing.size))
    }
}

fn statement(origin: &str, size: u64, root: &Hash, bytes: &[u8]) -> String {
    let (root, digest) = (root.to_base64(), Digest::of(bytes));
    format!("sluice snapshot\nlog {origin}\nrules {RULES}\nsize {size}\nroot {root}\n{digest}\n")
}
