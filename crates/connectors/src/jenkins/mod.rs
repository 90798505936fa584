//! Jenkins: the notification plugin, and a small body of our own for `httpRequest` steps.
//!
//! It hears runs, stages and deployments. It does not call Jenkins. A token proves the sender;
//! nothing signs the body, so the link belongs behind TLS.

mod config;
mod hear;
mod notification;
mod report;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};

/// The connector for Jenkins.
pub(crate) struct Jenkins;

impl Connector for Jenkins {
    fn kind(&self) -> &'static str {
        "jenkins"
    }

    fn about(&self) -> &'static str {
        "Jenkins: builds by the notification plugin, stages and deployments by an httpRequest step"
    }

    fn example(&self) -> &'static str {
        r#"{
  "secret": "jenkins-webhook",
  "url": "https://ci.example.org/",
  "end_phase": "finalized"
}"#
    }

    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>> {
        config::Config::read(configuration)
            .map(|config| Box::new(hear::JenkinsLink { config }) as Link)
    }

    fn offline(&self) -> Link {
        Box::new(hear::JenkinsLink { config: config::Config::offline() })
    }
}
