//! GitLab (gitlab.com and self-managed): its project, group and system hooks.
//!
//! It hears pushes, merge requests, pipelines, jobs, deployments and releases. It does not call
//! GitLab; hints that can open a gate are confirmed elsewhere.

mod config;
mod delivery;
mod hear;
mod pipelines;
mod source;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};

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
