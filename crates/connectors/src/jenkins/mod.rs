//! Jenkins: the notification plugin, and a small body of our own for `httpRequest` steps.
//!
//! It hears runs, stages, deployments and builds that wait. It lets those go on or aborts them, stops the builds of canceled
//! changes, and builds a service's job when a merge has opened a change. A token proves the sender; nothing signs the body, so the
//! link belongs behind TLS.

mod api;
mod build;
mod config;
mod hear;
mod notification;
mod report;
mod tell;
mod trigger;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};
use crate::tell::{Teller, Telling};

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

impl Teller for Jenkins {
    fn kind(&self) -> &'static str {
        "jenkins"
    }

    fn about(&self) -> &'static str {
        "Jenkins builds that wait for the gate, are stopped, and are begun when a merge has opened a change"
    }

    fn example(&self) -> &'static str {
        r#"{
  "url": "https://ci.example.org/",
  "api": { "user": "sluice", "jobs": { "payments": "acme/deploy-payments" } }
}"#
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        api::Api::read(settings).map(|api| Box::new(tell::JenkinsTold { api }) as Telling)
    }
}
