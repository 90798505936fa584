//! From committed to acknowledged: read back, sign, anchor, publish.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;
use sluice_ledger::{AnchorState, Checkpoint, Hash, Receipt, audit, leaf_hash};

use super::Writer;
use super::transaction::Written;
use crate::batch::{Committed, Outcome, Unresolved};
use crate::failure::{broken, is_full};
use crate::readers::{Head, Published};

impl Writer {
    /// Signs and anchors the head that was found at start, when the anchor does not hold it.
    pub(crate) fn anchor_head(&mut self, found: Option<AnchorState>) -> io::Result<()> {
        let head = &self.parts.head;
        let anchored = found.as_ref().map(|state| state.generation);
        let note: Arc<str> = match found {
            Some(state) if (state.size, state.root) == (head.size, head.root) => {
                state.checkpoint.into()
            }
            _ => self.sign(head),
        };
        if anchored != Some(self.parts.commits) {
            self.parts.anchor.write(&self.anchor_state(&note))?;
        }
        self.publish(note);
        Ok(())
    }

    /// Hashes what was committed in a second way. Nothing is signed that was not read back.
    pub(super) fn read_back(&self, written: &Written) {
        let before = &self.parts.frontier;
        let leaves = match read_leaves(&self.parts.audit, written.first_seq, written.head.size) {
            Ok(leaves) => leaves,
            Err(error) => broken("reading back what was committed", &error),
        };
        let root = audit::root_after(before.size(), before.hashes(), &leaves);
        if leaves.len() as u64 != written.head.size - written.first_seq
            || root != Some(written.head.root)
        {
            broken("reading back what was committed", &"it has another root than was computed");
        }
    }

    /// Anchors and publishes; the last steps before the answer.
    pub(super) fn acknowledge(&mut self, written: Written, note: Arc<str>) -> Outcome {
        let mut frontier = self.parts.frontier.clone();
        let proofs = sluice_ledger::append_with_proofs(&mut frontier, &written.leaves);
        let receipts = (written.first_seq..).zip(written.leaves).zip(proofs);
        let receipts = receipts
            .map(|((index, leaf_hash), proof)| Receipt {
                index,
                leaf_hash,
                tree_size: written.head.size,
                proof,
                checkpoint: note.to_string(),
            })
            .collect();
        self.parts.head = written.head.clone();
        self.parts.edge = written.edge;
        self.parts.frontier = frontier;
        self.parts.commits += 1;
        self.unanchored = Some(Arc::clone(&note));
        let committed = Committed {
            first_seq: written.first_seq,
            head: written.head,
            checkpoint_note: note,
            receipts,
            rows: written.rows,
        };
        let settled = self.settle_anchor();
        self.parts.crash.pass("before_ack");
        match settled {
            Ok(()) => Outcome::Committed(committed),
            Err(_) => Outcome::Unknown(Unresolved { committed }),
        }
    }

    /// Writes what the anchor still lacks. A full disk is an error to wait out; any other error
    /// means that the anchor's content is not known.
    pub(super) fn settle_anchor(&mut self) -> io::Result<()> {
        let Some(note) = self.unanchored.clone() else { return Ok(()) };
        let state = self.anchor_state(&note);
        let is_full_anchor =
            self.parts.full_anchor.as_ref().is_some_and(|full| full.load(Ordering::Relaxed));
        let written = if is_full_anchor {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            self.parts.anchor.write(&state)
        };
        match written {
            Ok(()) => {
                self.parts.crash.pass("after_anchor_write");
                self.unanchored = None;
                self.publish(note);
                Ok(())
            }
            Err(error) if is_full(&error) => {
                tracing::error!(%error, "the anchor cannot be written: the disk is full");
                Err(error)
            }
            Err(error) => broken("writing the anchor", &error),
        }
    }

    fn publish(&self, checkpoint: Arc<str>) {
        let (head, edge) = (self.parts.head.clone(), self.parts.edge.clone());
        self.parts.readers.publish(Published { head, edge, checkpoint });
    }

    fn anchor_state(&self, note: &str) -> AnchorState {
        let (size, root) = (self.parts.head.size, self.parts.head.root);
        let (origin, checkpoint) = (self.parts.origin.clone(), note.to_owned());
        AnchorState { generation: self.parts.commits, origin, size, root, checkpoint }
    }

    pub(super) fn sign(&self, head: &Head) -> Arc<str> {
        let origin = self.parts.origin.clone();
        let checkpoint = Checkpoint { origin, size: head.size, root: head.root };
        match checkpoint.sign(&[&self.parts.signing_key]) {
            Ok(note) => note.into(),
            Err(error) => broken("signing the checkpoint", &error),
        }
    }
}

fn read_leaves(connection: &Connection, from: u64, to: u64) -> rusqlite::Result<Vec<Hash>> {
    let mut query = connection
        .prepare_cached("SELECT bytes FROM entries WHERE seq >= ?1 AND seq < ?2 ORDER BY seq")?;
    let mut rows = query.query([from, to])?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        leaves.push(leaf_hash(row.get_ref(0)?.as_blob()?));
    }
    Ok(leaves)
}
