//! The one path for every change of state: decide, append, project, owe, commit, answer.
//!
//! One thread owns the store's writer and the working [`Standing`]. A [`Job`] decides on the standing as it is at
//! that moment, so no two jobs can both win; whatever waits is committed together. What a job decides becomes
//! visible, and is answered, only after it is durable, signed and anchored.

mod job;
mod stage;
mod thread;
mod versions;
mod waiters;

use std::sync::Arc;

use arc_swap::ArcSwap;
use crossbeam_channel::{Sender, TrySendError};
use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_core::standing::{Standing, Topic};
use tokio::sync::{oneshot, watch};

pub(crate) use job::{Commit, Done, IdempotencyKey, Step};
use job::{Finish, Job};
pub(crate) use thread::Parts;
pub(crate) use waiters::Waiter;
use waiters::Waiters;

use crate::error::{EngineError, Unavailable};

/// How many jobs may wait; more are refused at once.
const QUEUE: usize = 8_192;

/// The way to the sequencer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sequencer {
    sender: Sender<Job>,
    shared: Arc<Shared>,
}

/// What the sequencer shows to others.
pub(crate) struct Shared {
    standing: ArcSwap<Standing>,
    size: watch::Sender<u64>,
    owed: watch::Sender<u64>,
    waiters: Waiters,
    halted: Mutex<Option<String>>,
}

impl Shared {
    fn wake_tellers(&self) {
        self.owed.send_modify(|times| *times = times.wrapping_add(1));
    }

    fn halt(&self, reason: &str) {
        tracing::error!(reason, "safe halt");
        self.halted.lock().get_or_insert_with(|| reason.to_owned());
    }
}

impl Sequencer {
    pub(crate) fn start(parts: Parts, standing: Standing) -> (Self, std::thread::JoinHandle<()>) {
        let (sender, receiver) = crossbeam_channel::bounded(QUEUE);
        let (size, _) = watch::channel(standing.size);
        let shared = Arc::new(Shared {
            standing: ArcSwap::from_pointee(standing),
            size,
            owed: watch::channel(0).0,
            waiters: Waiters::default(),
            halted: Mutex::new(None),
        });
        let theirs = Arc::clone(&shared);
        let spawned = std::thread::Builder::new().name("sequencer".into()).spawn(move || {
            let shown = Arc::clone(&theirs);
            let sequencing = thread::Sequencing::new(parts, receiver, theirs);
            let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sequencing.run()));
            if ran.is_err() {
                shown.halt("the sequencer met a broken invariant");
            }
        });
        match spawned {
            Ok(handle) => (Self { sender, shared }, handle),
            // Without its one thread the process is of no use.
            Err(error) => unreachable!("the sequencer's thread starts: {error}"),
        }
    }

    /// The standing as of the last durable entry.
    pub(crate) fn standing(&self) -> Arc<Standing> {
        self.shared.standing.load_full()
    }

    /// Follows the number of durable entries.
    pub(crate) fn watch_size(&self) -> watch::Receiver<u64> {
        self.shared.size.subscribe()
    }

    /// Follows how often neighbours came to be owed something.
    pub(crate) fn watch_owed(&self) -> watch::Receiver<u64> {
        self.shared.owed.subscribe()
    }

    /// Lets those who tell neighbours look again.
    pub(crate) fn wake_tellers(&self) {
        self.shared.wake_tellers();
    }

    /// Waits for any of `topics` to be touched.
    pub(crate) fn wait_for(&self, topics: impl IntoIterator<Item = Topic>) -> Waiter<'_> {
        self.shared.waiters.wait_for(topics)
    }

    /// Why writes are refused for good, if they are.
    pub(crate) fn halted(&self) -> Option<String> {
        self.shared.halted.lock().clone()
    }

    /// Decides and records. The answer comes after it is durable.
    pub(crate) async fn submit<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&Standing, Timestamp) -> Step<T> + Send + 'static,
    ) -> Result<(T, Done), EngineError> {
        if let Some(reason) = self.halted() {
            return Err(Unavailable::halted(&reason));
        }
        let (sender, receiver) = oneshot::channel();
        let job = Job::new(move |standing, now| match decide(standing, now) {
            Step::Record(value, commit) => {
                let finish: Finish =
                    Box::new(move |done| drop(sender.send(done.map(|done| (value, done)))));
                (Some(commit), finish)
            }
            Step::Answer(value) => {
                let finish: Finish =
                    Box::new(move |done| drop(sender.send(done.map(|done| (value, done)))));
                (None, finish)
            }
            Step::Refuse(error, commit) => {
                let finish: Finish = Box::new(move |done| drop(sender.send(done.and(Err(error)))));
                (commit, finish)
            }
        });
        match self.sender.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(Unavailable::overloaded()),
            Err(TrySendError::Disconnected(_)) => return Err(self.gone()),
        }
        receiver.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// The same without a runtime: `finish` is called on the sequencer's thread.
    pub(crate) fn submit_blocking(
        &self,
        decide: impl FnOnce(&Standing, Timestamp) -> Step<()> + Send + 'static,
        finish: impl FnOnce(Result<Done, EngineError>) + Send + 'static,
    ) {
        let job = Job::new(move |standing, now| match decide(standing, now) {
            Step::Record((), commit) => (Some(commit), Box::new(finish) as Finish),
            Step::Answer(()) => (None, Box::new(finish) as Finish),
            Step::Refuse(error, commit) => (
                commit,
                Box::new(move |done: Result<Done, EngineError>| finish(done.and(Err(error))))
                    as Finish,
            ),
        });
        // A job that cannot be handed over is dropped, and with it `finish`: the caller sees that nobody answers.
        let _ = self.sender.send(job);
    }

    /// Refuses every write from now on.
    pub(crate) fn halt(&self, reason: &str) {
        self.shared.halt(reason);
    }

    fn gone(&self) -> EngineError {
        match self.halted() {
            Some(reason) => Unavailable::halted(&reason),
            None => Unavailable::ledger("the ledger cannot be written, or the server is stopping"),
        }
    }
}
