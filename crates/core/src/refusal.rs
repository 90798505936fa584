//! "No" as a value: a stable code, a sentence for people, what would help, and the rule that said it.

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// A refusal, with the event that records it where an auditor would ask.
pub type Refused = (Refusal, Option<Box<Event>>);

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable code in snake case; part of the API's contract.
    pub code: String,
    /// What is wrong, for the person who asked.
    pub message: String,
    /// What to do next.
    pub help: String,
    /// The rule that said it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Of which nature it is; the HTTP status follows from it.
    pub nature: RefusalNature,
}

/// The nature of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalNature {
    /// The request makes no sense as it stands.
    Invalid,
    /// There is no such thing.
    Missing,
    /// The thing is not in a state in which this is possible.
    Conflict,
    /// This person or pipeline may not.
    Forbidden,
    /// Whoever asks has not proved who they are.
    Unproven,
    /// What was asked for has been changed meanwhile.
    Outdated,
}

impl Refusal {
    /// A refusal without a rule.
    pub fn new(
        nature: RefusalNature,
        code: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { code: code.into(), message: message.into(), help: help.into(), rule: None, nature }
    }

    /// The request makes no sense as it stands.
    pub fn invalid(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(RefusalNature::Invalid, code, message, help)
    }

    /// There is no such thing.
    pub fn missing(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(RefusalNature::Missing, code, message, help)
    }

    /// The thing is not in a state in which this is possible.
    pub fn conflict(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(RefusalNature::Conflict, code, message, help)
    }

    /// This person or pipeline may not.
    pub fn forbidden(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(RefusalNature::Forbidden, code, message, help)
    }
}
