//! GitHub (github.com, Enterprise Server and data residency): its webhooks.
//!
//! It hears pushes, pull requests, workflow runs and jobs, deployments, deployment protection
//! rules, checks, releases and packages. It does not call GitHub; hints that can open a gate are
//! confirmed elsewhere.

mod artifacts;
mod config;
mod deployments;
mod evidence;
mod guess;
mod hear;
mod proposals;
mod push;
mod runs;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};

/// The connector for GitHub.
pub(crate) struct GitHub;

impl Connector for GitHub {
    fn kind(&self) -> &'static str {
        "github"
    }

    fn about(&self) -> &'static str {
        "GitHub webhooks: pushes, pull requests, workflow runs, deployments and their protection rules"
    }

    fn example(&self) -> &'static str {
        r#"{
  "secret": "github-webhook",
  "host": "github.com"
}"#
    }

    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>> {
        config::Config::read(configuration)
            .map(|config| Box::new(hear::GitHubLink { config }) as Link)
    }

    fn offline(&self) -> Link {
        Box::new(hear::GitHubLink { config: config::Config::offline() })
    }
}
