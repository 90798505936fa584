//! What telling came to: what the other side has for our record, and what it shows.

use jiff::Timestamp;
use sluice_core::ids::Digest;

/// What telling came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// What the other side has for our record: name and id.
    pub references: Vec<(&'static str, String)>,
    /// Where both sides differ, and nothing was overwritten: what about, what we say, what they say.
    pub differs: Option<(&'static str, String, String)>,
    /// What the other side has for other records of ours: record, name and id.
    pub beside: Vec<(String, &'static str, String)>,
    /// How both sides were left: our word for the state, and the word for theirs. What is found otherwise later was
    /// altered since.
    pub left: Option<(&'static str, &'static str)>,
    /// How their record stood when this was told. What tells of it before that is no news.
    pub stands: Option<Stands>,
    /// What their record shows to approvers, where it shows it.
    pub shown: Option<Shown>,
    /// For which of the people it was not taken now, while it was for others: their places among them. They are told by
    /// themselves.
    pub later: Vec<usize>,
}

/// How a record over there stood at a moment, by their own clock and count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stands {
    /// Its id.
    pub of: String,
    /// Its state, in our word, where both sides were left equal.
    pub state: Option<String>,
    /// When it was altered last.
    pub at: Option<Timestamp>,
    /// How often it was altered before, where they count that.
    pub altered: Option<u64>,
}

/// The revision that a record shows over there. An approval counts for it that was given since, and no earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The revision.
    pub revision: Digest,
    /// Whether it was written now: it may have been covered by something else before.
    pub written: bool,
    /// Since when, by their clock, which is the one of their approvals; not earlier than that. Where they do not say,
    /// it counts from when this is recorded.
    pub since: Option<Timestamp>,
}

impl Receipt {
    /// Told, and nothing to remember.
    pub fn plain() -> Self {
        Self::default()
    }

    /// With what the other side has for our record.
    pub fn reference(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.references.push((name, value.into()));
        self
    }
}
