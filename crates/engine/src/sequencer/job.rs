//! A job: a decision to be taken when its turn comes, and what is done with the result.

use jiff::Timestamp;
use sluice_core::event::Event;
use sluice_core::standing::{Actor, Standing};
use sluice_ledger::Receipt;
use sluice_store::{Row, RowOutcome};

use crate::envelope::Cause;
use crate::error::EngineError;

/// What a decision comes to.
pub(crate) enum Step<T> {
    /// Record it, then answer.
    Record(T, Commit),
    /// Nothing to record; answer.
    Answer(T),
    /// No; recorded where an auditor would ask.
    Refuse(EngineError, Option<Commit>),
}

/// What is to be recorded, all of it or nothing.
pub(crate) struct Commit {
    /// Events, in order.
    pub(crate) events: Vec<Event>,
    /// Rows that are not derived from events (bodies, people, the inbox).
    pub(crate) rows: Vec<Row>,
    /// Who causes it.
    pub(crate) actor: Actor,
    /// Why.
    pub(crate) cause: Option<Cause>,
    /// Remembers the answer under this key.
    pub(crate) key: Option<IdempotencyKey>,
}

/// An idempotency key with the hash of the request it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey {
    pub(crate) scope: String,
    pub(crate) key: String,
    pub(crate) body_hash: [u8; 32],
    /// The entry that holds the answer, where it is not the last of the commit.
    pub(crate) seq: Option<u64>,
}

impl Commit {
    pub(crate) fn of(events: Vec<Event>, actor: Actor) -> Self {
        Self { events, rows: Vec::new(), actor, cause: None, key: None }
    }

    pub(crate) fn with_key(mut self, key: IdempotencyKey) -> Self {
        self.cause = Some(Cause::Request { scope: key.scope.clone(), key: key.key.clone() });
        self.key = Some(key);
        self
    }
}

/// What was recorded.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// One receipt for each event.
    pub(crate) receipts: Vec<Receipt>,
    /// What became of each of the commit's own rows.
    pub(crate) rows: Vec<RowOutcome>,
    /// Entries in the ledger.
    pub(crate) size: u64,
    /// The standing that the answer may be read from.
    pub(crate) standing: std::sync::Arc<Standing>,
}

impl Done {
    /// The receipt of the last event.
    pub(crate) fn receipt(&self) -> Option<Receipt> {
        self.receipts.last().cloned()
    }
}

/// Called with the result, on the sequencer's thread: it only hands it on.
pub(crate) type Finish = Box<dyn FnOnce(Result<Done, EngineError>) + Send>;

type Decide = Box<dyn FnOnce(&Standing, Timestamp) -> (Option<Commit>, Finish) + Send>;

/// A decision to be taken when its turn comes.
pub(crate) struct Job {
    decide: Decide,
}

impl Job {
    pub(crate) fn new(
        decide: impl FnOnce(&Standing, Timestamp) -> (Option<Commit>, Finish) + Send + 'static,
    ) -> Self {
        Self { decide: Box::new(decide) }
    }

    pub(crate) fn decide(self, standing: &Standing, now: Timestamp) -> (Option<Commit>, Finish) {
        (self.decide)(standing, now)
    }
}
