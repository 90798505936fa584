//! Events about links, on the streams `link/<name>`: what people do with them, and what could not be told.

use serde::{Deserialize, Serialize};

use crate::ids::{LinkName, PersonId};

/// Nothing is sent by this link until it is resumed; what is owed is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPaused {
    /// The link.
    pub link: LinkName,
    /// Who paused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// Why.
    pub because: String,
}

/// It is told again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkResumed {
    /// The link.
    pub link: LinkName,
}

/// A neighbour could not be told, and nobody tries again by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectGivenUp {
    /// The link.
    pub link: LinkName,
    /// The record it was about.
    pub entity: String,
    /// Key of the effect.
    pub key: String,
    /// One of the closed set of reasons: `client`, `auth`, `rate_limited`, `server`, `timeout`, `unreachable`.
    pub reason: String,
    /// In words. Quotes nothing that the neighbour said.
    pub detail: String,
}

/// What was given up is tried again by a person's wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectsReplayed {
    /// The link.
    pub link: LinkName,
    /// How many.
    pub count: u64,
}

/// The neighbour has a record of its own for one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRecorded {
    /// The link.
    pub link: LinkName,
    /// Our record: `CHG0000042`.
    pub entity: String,
    /// What it is over there: `change_request`, `check_run`, `thread`.
    pub name: String,
    /// Its id over there.
    pub value: String,
}

/// Both sides say something else of one record. Nothing was overwritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The link.
    pub link: LinkName,
    /// Our record.
    pub entity: String,
    /// What they differ in: `state`, `approval`.
    pub about: String,
    /// What we say.
    pub ours: String,
    /// What they say.
    pub theirs: String,
}
