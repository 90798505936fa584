//! GitLab (gitlab.com and self-managed): its project, group and system hooks.
//!
//! It hears pushes, merge requests, pipelines, jobs, deployments and releases. It tells of decisions by commit
//! statuses and a note on the merge request, approves or rejects the deployment that waits, answers external status
//! checks, keeps freeze periods equal to ours, and opens an issue for what failed.

mod api;
mod checks;
mod config;
mod delivery;
mod freezes;
mod hear;
mod pipelines;
mod source;
mod tell;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};
use crate::tell::{Teller, Telling};

/// The connector for GitLab.
pub(crate) struct GitLab;

impl Connector for GitLab {
    fn kind(&self) -> &'static str {
        "gitlab"
    }

    fn about(&self) -> &'static str {
        "GitLab webhooks: pushes, merge requests, pipelines, jobs, deployments and releases"
    }

    fn example(&self) -> &'static str {
        r#"{
  "secret": "gitlab-webhook",
  "host": "gitlab.com",
  "verification": "signature"
}"#
    }

    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>> {
        config::Config::read(configuration)
            .map(|config| Box::new(hear::GitLabLink { config }) as Link)
    }

    fn offline(&self) -> Link {
        Box::new(hear::GitLabLink { config: config::Config::offline() })
    }
}

impl Teller for GitLab {
    fn kind(&self) -> &'static str {
        "gitlab"
    }

    fn about(&self) -> &'static str {
        "GitLab commit statuses, notes on merge requests, approvals of deployments that wait, freeze periods and issues"
    }

    fn example(&self) -> &'static str {
        r#"{
  "host": "gitlab.com",
  "api": { "issues": true }
}"#
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        api::Api::read(settings).map(|api| Box::new(tell::GitLabTold { api }) as Telling)
    }
}
