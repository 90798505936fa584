//! Events of a deployment. Each is on the stream `deployment/DEP0000042`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Deployment, DeploymentReport, is_false};
use crate::ids::{ChangeNumber, DeploymentNumber, Digest, EnvironmentName, ServiceName};

/// It began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The deployment, running.
    pub deployment: Deployment,
}

/// It ended, or was undone after it had ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The deployment.
    pub deployment: DeploymentNumber,
    /// The change it is under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// Service.
    pub service: ServiceName,
    /// Environment.
    pub environment: EnvironmentName,
    /// How.
    pub report: DeploymentReport,
    /// Whether nobody told so: it was waited for long enough, somebody said so, or a newer one began.
    #[serde(default, skip_serializing_if = "is_false")]
    pub untold: bool,
    /// Whether a newer one of the same service had succeeded at its place by then: nothing there follows from it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outdated: bool,
}

/// It had ended for want of news, and its outcome was told after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    /// The deployment as it stands by what was told.
    pub deployment: Deployment,
    /// What was recorded for want of news.
    pub before: DeploymentReport,
    /// Whether its place follows: no newer one has begun there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub place_follows: bool,
    /// Whether its change follows: no newer one of the same service has begun under it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub change_follows: bool,
}

/// What failed is refused from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestDenied {
    /// The digests.
    pub digests: BTreeSet<Digest>,
    /// The service they were of.
    pub service: ServiceName,
    /// The deployment in which they failed.
    pub deployment: DeploymentNumber,
    /// What happened.
    pub reason: String,
}
