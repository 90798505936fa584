//! The batch being made: jobs add to it one after the other, each on the standing that the one before left.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;
use sluice_core::standing::{Recorded, Standing, Topic};
use sluice_store::rows::IdempotencyRow;
use sluice_store::{Batch, EntryWrite, Readers, Row};

use super::job::{Commit, Finish};
use super::versions::StreamVersions;
use crate::envelope::{After, Writing};
use crate::error::EngineError;
use crate::owe::{self, Altered, Before, Owing};
use crate::stream::{opens_stream, stream_of};
use crate::views::{Folded, Projection};

/// The largest entry; C2SP entry bundles hold no larger one.
const MAX_ENTRY_BYTES: usize = 65_535;

/// The batch being made.
pub(super) struct Stage {
    pub(super) standing: Standing,
    pub(super) now: Timestamp,
    after: After,
    entries: Vec<EntryWrite>,
    rows: Vec<Row>,
    projection: Projection,
    owed: Vec<Row>,
    versions: StreamVersions,
    keys: BTreeSet<(String, String)>,
    /// What the batch touches.
    pub(super) topics: BTreeSet<Topic>,
    pub(super) waiting: Vec<Waiting>,
}

/// A job that waits for the batch to be durable.
pub(super) struct Waiting {
    pub(super) finish: Finish,
    pub(super) entries: Range<usize>,
    pub(super) rows: Range<usize>,
}

/// What follows when the batch is durable.
pub(super) struct Staged {
    pub(super) standing: Standing,
    pub(super) topics: BTreeSet<Topic>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) versions: StreamVersions,
    /// Whether neighbours are owed something by it.
    pub(super) owes: bool,
}

impl Stage {
    pub(super) fn new(
        standing: Standing,
        now: Timestamp,
        root: String,
        versions: StreamVersions,
    ) -> Self {
        let after = After { size: standing.size, root };
        Self {
            standing,
            now,
            after,
            entries: Vec::new(),
            rows: Vec::new(),
            projection: Projection::default(),
            owed: Vec::new(),
            versions,
            keys: BTreeSet::new(),
            topics: BTreeSet::new(),
            waiting: Vec::new(),
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.rows.is_empty()
    }

    /// Whether a key is taken by a job of this batch.
    pub(super) fn holds_key(&self, scope: &str, key: &str) -> bool {
        self.keys.contains(&(scope.to_owned(), key.to_owned()))
    }

    /// Adds what a job decided, or nothing of it.
    pub(super) fn add(&mut self, commit: Commit, finish: Finish, readers: &Readers) {
        let before = (self.entries.len(), self.rows.len());
        match self.write(&commit, readers) {
            Ok(()) => {
                self.fold(commit);
                let (entries, rows) = (before.0..self.entries.len(), before.1..self.rows.len());
                self.waiting.push(Waiting { finish, entries, rows });
            }
            Err(error) => {
                self.take_back(before.0);
                finish(Err(error));
            }
        }
    }

    /// Writes the entries down. Whatever can fail fails here, before anything is made of them.
    fn write(&mut self, commit: &Commit, readers: &Readers) -> Result<(), EngineError> {
        let Commit { events, actor, cause, .. } = commit;
        for (index, event) in (self.standing.size..).zip(events) {
            let stream = stream_of(event);
            let version = self.next_version(&stream, opens_stream(event), readers)?;
            let writing = Writing::new(
                index,
                (&stream, version),
                self.now,
                actor,
                cause.as_ref(),
                &self.after,
                event,
            );
            let bytes = writing.encode();
            if bytes.len() > MAX_ENTRY_BYTES {
                return Err(too_large(event.name()));
            }
            self.versions.note(&stream, version);
            self.entries.push(EntryWrite {
                bytes,
                stream,
                version,
                name: event.name().to_owned(),
                time_us: self.now.as_microsecond(),
            });
        }
        Ok(())
    }

    /// What follows from the entries: the standing after them, the views, the rows beside them.
    fn fold(&mut self, commit: Commit) {
        let Commit { events, rows, actor, key, .. } = commit;
        let tells = owe::anybody(&self.standing) || owe::somebody_new(&events);
        let mut owing = Owing::default();
        for (index, event) in (self.standing.size..).zip(events) {
            let recorded = Recorded { index, at: self.now, actor: actor.clone(), event };
            let before = Before::of(&self.standing, &recorded.event);
            let folded = self.projection.fold(&mut self.standing, &recorded);
            let Folded { topics, change, incident, problem } = folded;
            self.topics.extend(topics);
            if tells {
                let altered = Altered {
                    change: change.as_deref(),
                    incident: incident.as_deref(),
                    problem: problem.as_deref(),
                };
                owing.see(&self.standing, &recorded, &altered, &before);
            }
        }
        self.owed.extend(owing.rows(&self.standing));
        self.rows.extend(rows);
        if let Some(key) = key {
            self.keys.insert((key.scope.clone(), key.key.clone()));
            self.rows.push(Row::Idempotency(IdempotencyRow {
                scope: key.scope,
                key: key.key,
                body_hash: key.body_hash,
                seq: key.seq.or_else(|| self.standing.size.checked_sub(1)),
                at_us: self.now.as_microsecond(),
            }));
        }
    }

    fn next_version(
        &self,
        stream: &str,
        opens: bool,
        readers: &Readers,
    ) -> Result<u64, EngineError> {
        Ok(match self.versions.last(stream) {
            Some(last) => last + 1,
            None if opens => 0,
            None => readers.stream_version(stream)?.map_or(0, |last| last + 1),
        })
    }

    /// Takes back the entries from `first` on, and what was noted of their streams.
    fn take_back(&mut self, first: usize) {
        for entry in self.entries.split_off(first) {
            match self.entries.iter().rev().find(|kept| kept.stream == entry.stream) {
                Some(kept) => self.versions.note(&entry.stream, kept.version),
                None => self.versions.forget(&entry.stream),
            }
        }
    }

    /// The batch for the store, and what is left to be answered.
    pub(super) fn finish(mut self) -> (Batch, Staged) {
        let owes = !self.owed.is_empty();
        self.rows.append(&mut self.owed);
        self.rows.extend(std::mem::take(&mut self.projection).into_rows());
        let batch = Batch { entries: self.entries, rows: self.rows };
        let Self { standing, topics, waiting, versions, .. } = self;
        (batch, Staged { standing, topics, waiting, versions, owes })
    }
}

fn too_large(event: &str) -> EngineError {
    EngineError::Refused(sluice_core::refusal::Refusal::invalid(
        "too_large",
        format!("`{event}` would be larger than {MAX_ENTRY_BYTES} bytes"),
        "bring less at once: fewer artifacts, less evidence, shorter texts",
    ))
}

/// The root of the tree, as it stands in the envelope.
pub(super) fn root_text(root: &sluice_ledger::Hash) -> String {
    root.to_base64()
}
