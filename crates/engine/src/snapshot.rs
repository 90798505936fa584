//! Snapshots of the standing, so that a restart reads the tail of the ledger and not its history.
//!
//! A snapshot is JSON of the standing, signed by the log's key over its size and digest. One that does not verify, or
//! was made by another layout, is ignored: the ledger is the truth.

use std::sync::Arc;
use std::thread::JoinHandle;

use sluice_core::ids::Digest;
use sluice_core::standing::Standing;
use sluice_ledger::{SigningKey, note};
use sluice_store::rows::SnapshotRow;
use sluice_store::{Batch, Outcome, Readers, Row, Writer};

/// Name of the snapshot in the store. A new layout of the standing gets a new name.
const NAME: &str = "standing/15";

/// Entries after which a new snapshot is worth its cost.
const EVERY: u64 = 50_000;

/// Makes and finds snapshots.
pub(crate) struct Snapshots {
    key: Arc<SigningKey>,
    last: u64,
    /// One that is being written down beside the work.
    making: Option<JoinHandle<Option<SnapshotRow>>>,
}

impl Snapshots {
    pub(crate) fn new(key: Arc<SigningKey>, last: u64) -> Self {
        Self { key, last, making: None }
    }

    /// Makes one when enough has happened since the last. Writing a large standing down takes its time, so that it is
    /// done on a thread of its own; it is stored when it is ready.
    pub(crate) fn when_due(&mut self, writer: &mut Writer, standing: &Arc<Standing>) {
        if self.making.as_ref().is_some_and(JoinHandle::is_finished) {
            self.store_made(writer);
        }
        if self.making.is_none() && standing.size >= self.last + EVERY {
            self.last = standing.size;
            let (key, standing) = (Arc::clone(&self.key), Arc::clone(standing));
            let thread = std::thread::Builder::new().name("snapshot".into());
            match thread.spawn(move || write(&key, &standing)) {
                Ok(making) => self.making = Some(making),
                Err(error) => tracing::warn!(%error, "a snapshot could not be made"),
            }
        }
    }

    /// Makes one at the end, unless nothing has happened since the last.
    pub(crate) fn leave(&mut self, writer: &mut Writer, standing: &Standing) {
        self.store_made(writer);
        if standing.size > self.last
            && let Some(row) = write(&self.key, standing)
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

fn write(key: &SigningKey, standing: &Standing) -> Option<SnapshotRow> {
    let bytes = match serde_json::to_vec(standing) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "the standing cannot be written down; starts will be slower");
            return None;
        }
    };
    match note::sign(&statement(standing.size, &bytes), &[key]) {
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

/// The newest snapshot that verifies.
pub(crate) fn find(readers: &Readers, key: &SigningKey) -> Option<Standing> {
    let row = readers.snapshot(NAME).ok().flatten()?;
    let opened = note::open(&row.note, &[key.verifying_key()]).ok()?;
    if opened.text != statement(row.size, &row.bytes) {
        tracing::warn!("a snapshot does not verify; the ledger is read from its start");
        return None;
    }
    let standing: Standing = serde_json::from_slice(&row.bytes).ok()?;
    (standing.size == row.size).then_some(standing)
}

fn statement(size: u64, bytes: &[u8]) -> String {
    format!("sluice snapshot\n{NAME}\n{size}\n{}\n", Digest::of(bytes))
}
