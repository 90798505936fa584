//! The words in which things are told: how something ended, where it stands, what kind of record it is.

use serde::{Deserialize, Serialize};

/// How a run, stage or deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it should.
    Succeeded,
    /// It did not.
    Failed,
    /// Somebody or something ended it early.
    Canceled,
    /// It was never started.
    Skipped,
}

/// Where a reported deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentSignal {
    /// Asked for, waiting.
    Requested,
    /// Running.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Undone.
    RolledBack,
    /// Ended early or made void by a later one.
    Canceled,
}

/// A kind of record beside changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// An incident.
    Incident,
    /// A problem.
    Problem,
}

impl TaskKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Problem => "problem",
        }
    }
}
