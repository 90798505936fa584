//! The state of deployments, and what is remembered of a place where a service runs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::is_false;
use crate::ids::{
    ChangeNumber, CommitId, DeploymentNumber, Digest, EnvironmentName, PassId, ServiceName,
};
use crate::run::RunRef;

/// Where a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    /// Under way.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly and left as it was.
    Failed,
    /// Undone.
    RolledBack,
}

impl DeploymentState {
    /// The word for the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// How a version is brought in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Instance by instance.
    #[default]
    Rolling,
    /// Beside the old one, then switched.
    BlueGreen,
    /// To a growing share of traffic.
    Canary,
}

/// What was seen of a deployment's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Proven good.
    Healthy,
    /// Works, with flaws.
    Degraded,
    /// Proven bad.
    Unhealthy,
    /// Nobody looked.
    Unknown,
}

/// How a deployment was undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Why.
    pub reason: String,
    /// The version that runs again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_version: Option<String>,
    /// When undoing began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Whether it was done by a machine.
    #[serde(default)]
    pub automatic: bool,
}

/// What starts a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    /// The change it is under; none where no record is needed.
    pub change: Option<ChangeNumber>,
    /// Service.
    pub service: ServiceName,
    /// Environment.
    pub environment: EnvironmentName,
    /// Version.
    pub version: Option<String>,
    /// Commit.
    pub commit: Option<CommitId>,
    /// What is deployed.
    pub artifacts: BTreeSet<Digest>,
    /// The run that deploys.
    pub run: Option<RunRef>,
    /// The pass it goes by; none when it was seen to run without one.
    pub pass: Option<PassId>,
    /// How.
    pub strategy: Strategy,
    /// When it began.
    pub at: Timestamp,
}

/// What is reported of a deployment's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentReport {
    /// How it ended: `succeeded`, `failed` or `rolled_back`.
    pub state: DeploymentState,
    /// When it began, where that was not told before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended; now, where not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What was seen of its health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// In words, at most 4,096 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// How it was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
}

/// One deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Number.
    pub number: DeploymentNumber,
    /// The change it is under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// Service.
    pub service: ServiceName,
    /// Environment.
    pub environment: EnvironmentName,
    /// Where it stands.
    pub state: DeploymentState,
    /// Version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// What is deployed.
    pub artifacts: BTreeSet<Digest>,
    /// The run that deploys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunRef>,
    /// The pass it went by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassId>,
    /// How.
    pub strategy: Strategy,
    /// The commit that ran there when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CommitId>,
    /// When it began.
    pub started_at: Timestamp,
    /// How it ended, once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<DeploymentReport>,
    /// Whether it ended because no outcome was told of it. One that is told later is taken.
    #[serde(default, skip_serializing_if = "is_false")]
    pub untold: bool,
}

/// A deployment under way; kept at hand until it ends.
pub type Running = Deployment;

/// A deployment that succeeded and was not undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// The deployment.
    pub deployment: DeploymentNumber,
    /// Version it brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Commit it brought.
    pub commit: CommitId,
    /// What it brought.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub artifacts: BTreeSet<Digest>,
    /// When it was recorded that it runs.
    pub since: Timestamp,
    /// When something else came to run; what was restored after that began anew, see [`Place::since`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What is remembered of one service in one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Version that runs, from the last deployment that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Commit that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// What runs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub artifacts: BTreeSet<Digest>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What ran there lately, as far as its commits are known, newest last, at most eight. What was rolled back is not
    /// among it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ran: Vec<Ran>,
    /// The last deployments that ended, newest last, at most twenty.
    pub recent: Vec<(DeploymentNumber, DeploymentState)>,
    /// When the last one ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ended_at: Option<Timestamp>,
}
