//! The last version of the streams that were written to lately, so that the next one need not be looked up.

use std::collections::BTreeMap;

/// Streams that are remembered from batch to batch; where there are more, all are forgotten and looked up again.
const KEPT: usize = 50_000;

/// Last versions by stream. Only the sequencer writes, so what it remembers holds.
#[derive(Debug, Default)]
pub(super) struct StreamVersions {
    last: BTreeMap<String, u64>,
}

impl StreamVersions {
    pub(super) fn last(&self, stream: &str) -> Option<u64> {
        self.last.get(stream).copied()
    }

    pub(super) fn note(&mut self, stream: &str, version: u64) {
        if let Some(last) = self.last.get_mut(stream) {
            *last = version;
            return;
        }
        self.last.insert(stream.to_owned(), version);
    }

    /// Makes room between two batches. Within one nothing is forgotten: the database does not hold it yet.
    pub(super) fn trim(&mut self) {
        if self.last.len() >= KEPT {
            self.last.clear();
        }
    }

    pub(super) fn forget(&mut self, stream: &str) {
        self.last.remove(stream);
    }
}
