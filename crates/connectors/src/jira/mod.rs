//! Jira and Jira Service Management: an issue or a request for each change, kept in step.
//!
//! An issue is found by its label before one is made, moved along the statuses that the settings name, and gets comments
//! that name their effect, so that none is written twice. What was done over there by hand is never overwritten: where
//! both sides differ, the difference is recorded. Webhooks tell of it at once, polling tells of what no webhook told.

mod assets;
mod assets_config;
mod assets_object;
mod config;
mod deployments;
mod deployments_config;
mod hear;
mod poll;
mod record;
mod tell;
mod walk;
mod wire;

use serde_json::Value;

pub(crate) use self::assets::JiraAssets;
pub(crate) use self::deployments::JiraDeployments;
use crate::connector::{Connector, Link, Problem};
use crate::tell::{Teller, Telling};

/// The connector for Jira.
pub(crate) struct Jira;

const EXAMPLE: &str = r#"{
  "url": "https://acme.atlassian.net",
  "user": "sluice@acme.example",
  "project": "CHG",
  "service_desk": { "id": "4", "request_type": "21" },
  "authority": "jira",
  "statuses": {
    "new": "Open",
    "authorize": "Awaiting approval",
    "scheduled": "Awaiting implementation",
    "implement": "Implementing",
    "closed": "Completed",
    "unsuccessful": "Failed",
    "canceled": "Canceled"
  }
}"#;

impl Connector for Jira {
    fn kind(&self) -> &'static str {
        "jira"
    }

    fn about(&self) -> &'static str {
        "Jira webhooks: what people do with the issues of our changes"
    }

    fn example(&self) -> &'static str {
        r#"{
  "secret": "jira-webhook",
  "url": "https://acme.atlassian.net",
  "user": "sluice@acme.example",
  "project": "CHG",
  "statuses": { "new": "Open", "implement": "Implementing", "closed": "Completed", "canceled": "Canceled" }
}"#
    }

    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>> {
        config::Config::heard(configuration)
            .map(|config| Box::new(hear::JiraLink { config }) as Link)
    }

    fn offline(&self) -> Link {
        Box::new(hear::JiraLink { config: config::Config::offline() })
    }
}

impl Teller for Jira {
    fn kind(&self) -> &'static str {
        "jira"
    }

    fn about(&self) -> &'static str {
        "Jira issues and service requests: created, moved along their statuses, annotated; approvals read back"
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        config::Config::told(settings).map(|config| Box::new(tell::JiraTold { config }) as Telling)
    }
}
