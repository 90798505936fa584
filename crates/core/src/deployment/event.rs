//! Events of a deployment. Each is on the stream `deployment/DEP0000042`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Deployment, DeploymentReport};
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
