//! A problem as it stands.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ChangeNumber, IncidentNumber, ProblemNumber, ServiceName};

/// Where a problem stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemState {
    /// Nobody has looked at it.
    New,
    /// The cause is looked for.
    Investigating,
    /// The cause is known, and how to live with it.
    KnownError,
    /// A change is on its way.
    FixInProgress,
    /// The cause is gone.
    Resolved,
}

impl ProblemState {
    /// Every state, in the order of life.
    pub const ALL: [Self; 5] =
        [Self::New, Self::Investigating, Self::KnownError, Self::FixInProgress, Self::Resolved];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Investigating => "investigating",
            Self::KnownError => "known_error",
            Self::FixInProgress => "fix_in_progress",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether the cause is dealt with.
    pub fn is_over(self) -> bool {
        self == Self::Resolved
    }
}

/// The cause of one or more incidents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Number.
    pub number: ProblemNumber,
    /// The neighbour's record that it was taken over from, as link and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where it stands.
    pub state: ProblemState,
    /// What it is about.
    pub title: String,
    /// The services that it lies in.
    pub services: BTreeSet<ServiceName>,
    /// Its incidents.
    pub incidents: BTreeSet<IncidentNumber>,
    /// Changes that it came with, and those that mend it.
    pub changes: BTreeSet<ChangeNumber>,
    /// The last thing that was said of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Since when it is known.
    pub opened_at: Timestamp,
    /// When it was altered last.
    pub updated_at: Timestamp,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
}
