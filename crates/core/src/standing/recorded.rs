//! An event with the circumstances under which it was recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::{LinkName, PersonId, TokenId};

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person, by a token of theirs.
    Person(PersonId),
    /// A pipeline, by its token.
    Pipeline(TokenId),
    /// An external system.
    Link(LinkName),
    /// Sluice itself: a deadline, a rule.
    Sluice,
}

/// An event as it stands in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Index in the ledger, from 0.
    pub index: u64,
    /// When it was recorded. Never earlier than the entry before.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
}
