//! GitHub (github.com, Enterprise Server and data residency): its webhooks.
//!
//! It hears pushes, pull requests, workflow runs and jobs, deployments, deployment protection
//! rules, checks, releases and packages. It tells of decisions by check runs and commit statuses,
//! and answers the protection rule of a run that waits.

mod api;
mod artifacts;
mod config;
mod deployments;
mod evidence;
mod guess;
mod hear;
mod proposals;
mod push;
mod runs;
mod tell;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};
use crate::tell::{Teller, Telling};

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

impl Teller for GitHub {
    fn kind(&self) -> &'static str {
        "github"
    }

    fn about(&self) -> &'static str {
        "GitHub check runs, commit statuses and answers to deployment protection rules"
    }

    fn example(&self) -> &'static str {
        r#"{
  "host": "github.com",
  "api": { "app": "Iv23liExampleClientId", "installation": 1234567 }
}"#
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        api::Api::read(settings).map(|api| Box::new(tell::GitHubTold { api }) as Telling)
    }
}
