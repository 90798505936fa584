//! The members that are read of the notification plugin's body (plugin source 720ea44, 2026-06)
//! and of our own report. Everything may be missing or null; what is there must have its type.

use serde::Deserialize;

use crate::kit::reading::Written;

/// The notification plugin's body.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Notification {
    pub(crate) name: Option<String>,
    /// Relative to the controller's root: `job/acme/job/payments/`.
    pub(crate) url: Option<String>,
    pub(crate) build: Option<Build>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Build {
    pub(crate) full_url: Option<String>,
    pub(crate) number: Option<u64>,
    /// Start, in milliseconds since 1970.
    pub(crate) timestamp: Option<i64>,
    /// In milliseconds.
    pub(crate) duration: Option<i64>,
    pub(crate) phase: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) scm: Option<Scm>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Scm {
    pub(crate) url: Option<String>,
    pub(crate) branch: Option<String>,
    pub(crate) commit: Option<String>,
}

/// Our own report, as a pipeline sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    /// `run.started`, `run.finished`, `stage.started`, `stage.finished`, `gate.waiting`, `deployment.started`,
    /// `deployment.finished`, `deployment.rolled_back`.
    pub(crate) event: Option<String>,
    /// `JOB_NAME`.
    pub(crate) job: Option<String>,
    /// `BUILD_NUMBER`.
    pub(crate) build: Option<Written>,
    /// `BUILD_URL`.
    pub(crate) url: Option<String>,
    /// `currentBuild.currentResult`.
    pub(crate) result: Option<String>,
    /// `STAGE_NAME`.
    pub(crate) stage: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) service: Option<String>,
    /// `GIT_URL`.
    pub(crate) repository: Option<String>,
    /// `GIT_COMMIT`.
    pub(crate) commit: Option<String>,
    /// `BRANCH_NAME` or `GIT_BRANCH`.
    pub(crate) branch: Option<String>,
    /// `sha256:...` of what is deployed.
    pub(crate) artifact: Option<String>,
    pub(crate) version: Option<String>,
    /// RFC 3339, or seconds or milliseconds since 1970.
    pub(crate) at: Option<Written>,
}

/// Of a report that cannot be read, what says which build comes to wait.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    pub(crate) event: Option<String>,
    pub(crate) job: Option<String>,
    pub(crate) build: Option<Written>,
    pub(crate) url: Option<String>,
    pub(crate) at: Option<serde_json::Value>,
}

/// Enough to tell the two bodies apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Either {
    pub(crate) event: Option<serde::de::IgnoredAny>,
    pub(crate) build: Option<serde::de::IgnoredAny>,
}
