//! An incident as it stands.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::OF_DEPLOYMENT;
use crate::ids::{ChangeNumber, DeploymentNumber, IncidentNumber, ServiceName};

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Nobody has looked at it.
    New,
    /// Somebody has seen it.
    Acknowledged,
    /// Somebody works on it.
    InProgress,
    /// It waits for something.
    OnHold,
    /// The service is as it should be.
    Resolved,
}

impl IncidentState {
    /// Every state, in the order of life.
    pub const ALL: [Self; 5] =
        [Self::New, Self::Acknowledged, Self::InProgress, Self::OnHold, Self::Resolved];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::InProgress => "in_progress",
            Self::OnHold => "on_hold",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether the interruption is over.
    pub fn is_over(self) -> bool {
        self == Self::Resolved
    }
}

/// How an incident came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// What was broken was mended, by a change or otherwise.
    Fixed,
    /// It was got around; the cause stands.
    WorkedAround,
    /// It went away, as whoever reported it says.
    Recovered,
    /// There was none.
    Unfounded,
}

impl Resolution {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::WorkedAround => "worked_around",
            Self::Recovered => "recovered",
            Self::Unfounded => "unfounded",
        }
    }
}

/// An interruption or degradation of services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Number.
    pub number: IncidentNumber,
    /// What told of it, as a stable key: `pagerduty:Q1234`, `sluice:deployment/DEP0000042`; none where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where it stands.
    pub state: IncidentState,
    /// What it is about.
    pub title: String,
    /// The services that suffer.
    pub services: BTreeSet<ServiceName>,
    /// Their environment, in the word of whoever told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Severity, in the word of whoever told of it.
    #[serde(default)]
    pub severity: String,
    /// The change that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// The deployment that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentNumber>,
    /// The last thing that was said of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Since when it is known.
    pub opened_at: Timestamp,
    /// When it was altered last.
    pub updated_at: Timestamp,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
}

impl Incident {
    /// Whether a deployment opened it. The gate counts what failed at its place already.
    pub fn is_of_deployment(&self) -> bool {
        self.source.as_deref().is_some_and(|source| source.starts_with(OF_DEPLOYMENT))
    }
}
