//! What a pipeline asks, and the three answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::change::Evidence;
use crate::ids::{CommitId, Digest, EnvironmentName, IdentityKey, ServiceName};
use crate::run::RunRef;

/// The three answers of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may go, now. The only answer that comes with a pass.
    Allow,
    /// Not yet.
    Wait,
    /// Not as it is.
    Deny,
}

impl Decision {
    /// The word for the decision.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Wait => "wait",
            Self::Deny => "deny",
        }
    }
}

/// What a pipeline asks. Who asks comes from the credential, never from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The service to be deployed.
    pub service: ServiceName,
    /// The environment, by its name or an alias.
    pub environment: EnvironmentName,
    /// All services that this run deploys together; empty: just the one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<ServiceName>,
    /// Version, as the pipeline calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Repository the commit is of: host and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit to be deployed.
    pub commit: CommitId,
    /// Digests of what is to be deployed; at most 200.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub artifacts: BTreeSet<Digest>,
    /// The run that asks.
    pub run: RunRef,
    /// Evidence it brings; at most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Who wrote what is to be deployed, where the pipeline states it: everybody; at most 200.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub authors: BTreeSet<IdentityKey>,
    /// Why this is an emergency, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    /// Lines added and removed since what runs there now, where the pipeline knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines_changed: Option<u64>,
    /// Paths changed since what runs there now, where the pipeline knows; at most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}
