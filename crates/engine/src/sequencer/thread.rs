//! The sequencer's thread.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use jiff::Timestamp;
use sluice_core::standing::Standing;
use sluice_store::{Committed, NotCommitted, Outcome, Readers, Unresolved, Writer};

use super::Shared;
use super::job::{Done, Job};
use super::stage::{Stage, Staged, Waiting, root_text};
use super::versions::StreamVersions;
use crate::clock::{Clock, SkewWatch};
use crate::error::{EngineError, Unavailable};
use crate::snapshot::Snapshots;

/// The most jobs in one batch.
const JOBS: usize = 256;

/// Entries after which a batch takes no further job.
const ENTRIES: usize = 1_024;

/// How long those who wait are left in doubt about a batch that is written but not anchored: they hear within two seconds.
const DOUBT: Duration = Duration::from_millis(1_800);

/// What the sequencer owns.
pub(crate) struct Parts {
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) skew: Arc<SkewWatch>,
    pub(crate) snapshots: Snapshots,
}

pub(super) struct Sequencing {
    parts: Parts,
    receiver: Receiver<Job>,
    shared: Arc<Shared>,
    versions: StreamVersions,
}

impl Sequencing {
    pub(super) fn new(parts: Parts, receiver: Receiver<Job>, shared: Arc<Shared>) -> Self {
        Self { parts, receiver, shared, versions: StreamVersions::default() }
    }

    /// Works until every sender is gone, then leaves a snapshot.
    pub(super) fn run(mut self) {
        loop {
            match self.receiver.recv_timeout(Duration::from_millis(200)) {
                Ok(job) => self.batch(job),
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let standing = self.shared.standing.load_full();
        self.parts.snapshots.leave(&mut self.parts.writer, &standing);
    }

    fn idle(&mut self) {
        self.parts.writer.maintain();
        let standing = self.shared.standing.load_full();
        self.parts.snapshots.when_due(&mut self.parts.writer, &standing);
    }

    fn batch(&mut self, first: Job) {
        let standing = self.shared.standing.load_full();
        let now = self.now(standing.last_time);
        let root = root_text(&self.parts.writer.head().root);
        let mut stage =
            Stage::new(standing.as_ref().clone(), now, root, std::mem::take(&mut self.versions));
        let mut answered = Vec::new();
        self.decide(first, &mut stage, &mut answered);
        for _ in 1..JOBS {
            if stage.entries() >= ENTRIES {
                break;
            }
            match self.receiver.try_recv() {
                Ok(job) => self.decide(job, &mut stage, &mut answered),
                Err(_) => break,
            }
        }
        let empty = stage.is_empty();
        let (batch, staged) = stage.finish();
        if empty {
            self.versions = staged.versions;
            let done = Self::nothing(&standing);
            for waiting in staged.waiting {
                (waiting.finish)(Ok(done.clone()));
            }
        } else {
            let outcome = self.parts.writer.commit(batch);
            self.settle(outcome, staged);
        }
        // What was only read may rest on what this batch wrote: it is answered after it.
        let done = Self::nothing(&self.shared.standing.load_full());
        for finish in answered {
            finish(Ok(done.clone()));
        }
        self.parts.snapshots.when_due(&mut self.parts.writer, &self.shared.standing.load_full());
    }

    fn decide(&self, job: Job, stage: &mut Stage, answered: &mut Vec<super::job::Finish>) {
        if self.shared.halted.lock().is_some() {
            // The sender is dropped with the job, and whoever waits hears of the halt.
            return;
        }
        let (standing, now) = (&stage.standing, stage.now);
        let decided =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.decide(standing, now)));
        match decided {
            Ok((None, finish)) => answered.push(finish),
            Ok((Some(commit), finish)) => match self.taken(&commit, stage) {
                Some(error) => finish(Err(error)),
                None => stage.add(commit, finish, &self.parts.readers),
            },
            // The sender is dropped with the job: whoever waits hears that it did not happen.
            Err(_) => tracing::error!("a decision panicked; nothing of it was recorded"),
        }
    }

    /// Whether the commit's key was used by an earlier request. The asker looks for it first; this is for those who
    /// come at the same time.
    fn taken(&self, commit: &super::job::Commit, stage: &Stage) -> Option<EngineError> {
        let key = commit.key.as_ref()?;
        let here = stage.holds_key(&key.scope, &key.key);
        match self.parts.readers.idempotency(&key.scope, &key.key) {
            Ok(None) if !here => None,
            Ok(_) => Some(crate::idempotency::in_flight()),
            Err(error) => {
                if error.is_damage() {
                    self.shared.halt(&error.to_string());
                }
                Some(error.into())
            }
        }
    }

    fn settle(&mut self, outcome: Outcome, staged: Staged) {
        match outcome {
            Outcome::Committed(committed) => self.publish(&committed, staged),
            // The versions that were noted go with the batch.
            Outcome::NotCommitted(why) => {
                tracing::error!(reason = why.as_str(), detail = %why, "a batch was not recorded");
                for waiting in staged.waiting {
                    (waiting.finish)(Err(not_recorded(&why)));
                }
            }
            Outcome::Unknown(unresolved) => self.resolve(unresolved, staged),
        }
    }

    /// Written, not yet anchored: it will not be lost, and nothing else is written before it is settled.
    fn resolve(&mut self, mut unresolved: Unresolved, mut staged: Staged) {
        let began = self.parts.clock.monotonic();
        loop {
            std::thread::park_timeout(Duration::from_millis(50));
            match self.parts.writer.resolve(unresolved) {
                Outcome::Committed(committed) => {
                    self.publish(&committed, staged);
                    return;
                }
                Outcome::Unknown(still) => unresolved = still,
                Outcome::NotCommitted(_) => unreachable!("what is written stays written"),
            }
            if self.parts.clock.monotonic().saturating_sub(began) >= DOUBT {
                for waiting in std::mem::take(&mut staged.waiting) {
                    (waiting.finish)(Err(Unavailable::unknown()));
                }
                // What came meanwhile is not recorded: whoever waits hears that the ledger cannot be written.
                while self.receiver.try_recv().is_ok() {}
            }
        }
    }

    fn publish(&mut self, committed: &Committed, staged: Staged) {
        self.versions = staged.versions;
        self.versions.trim();
        let standing = Arc::new(staged.standing);
        self.shared.standing.store(Arc::clone(&standing));
        self.shared.size.send_replace(standing.size);
        self.shared.waiters.wake(&staged.topics);
        if staged.owes {
            self.shared.wake_tellers();
        }
        for Waiting { finish, entries, rows } in staged.waiting {
            finish(Ok(Done {
                receipts: committed.receipts.get(entries).unwrap_or_default().to_vec(),
                rows: committed.rows.get(rows).unwrap_or_default().to_vec(),
                size: standing.size,
                standing: Arc::clone(&standing),
            }));
        }
    }

    fn nothing(standing: &Arc<Standing>) -> Done {
        Done {
            receipts: Vec::new(),
            rows: Vec::new(),
            size: standing.size,
            standing: Arc::clone(standing),
        }
    }

    /// Ledger time never decreases, and goes by what is trusted of the clock: a time that is once in it stays.
    fn now(&self, last: Option<Timestamp>) -> Timestamp {
        let clock = self.parts.clock.as_ref();
        let now = self.parts.skew.trusted(clock.now(), clock.monotonic());
        last.map_or(now, |last| last.max(now))
    }
}

fn not_recorded(why: &NotCommitted) -> EngineError {
    match why {
        NotCommitted::Full => {
            Unavailable::ledger("the disk is full; it goes on when space returns")
        }
        NotCommitted::Busy => Unavailable::ledger("the database is busy"),
        NotCommitted::Conflict(what) => {
            Unavailable::ledger(format!("a concurrent request won: {what}"))
        }
        NotCommitted::Refused(what) => Unavailable::ledger(what.clone()),
    }
}
