//! How the background tasks fare: when each last went round, and what went wrong last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::engine::Engine;
use crate::error::EngineError;

/// How one task fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskHealth {
    /// When it last went round without an error.
    pub good_at: Option<Timestamp>,
    /// When it last could not, and why.
    pub failed: Option<(Timestamp, String)>,
}

/// How all of them fare, by name.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    known: Mutex<BTreeMap<&'static str, TaskHealth>>,
}

impl Engine {
    /// Notes how one round of a task ended, and logs what went wrong.
    pub(crate) fn went_round<T>(&self, task: &'static str, ended: Result<T, &EngineError>) {
        let mut known = self.tasks().known.lock();
        let health = known.entry(task).or_default();
        match ended {
            Ok(_) => health.good_at = Some(self.now()),
            Err(error) => {
                tracing::warn!(task, %error, "a background task could not do its work");
                health.failed = Some((self.now(), error.to_string()));
            }
        }
    }

    /// How the background tasks fare, by name, since the start.
    pub fn task_health(&self) -> BTreeMap<&'static str, TaskHealth> {
        self.tasks().known.lock().clone()
    }
}
