//! CDEvents over CloudEvents HTTP, in binary, structured and batch mode.
//!
//! It hears pipeline and task runs, artifacts, services, incidents, change proposals and test
//! runs of any producer that speaks CDEvents 0.1 to 0.5 (and the draft of 0.6).

mod cloudevent;
mod compose;
mod config;
mod hear;
mod http;
mod publish;
mod purl;
mod reports;
mod runs;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};
use crate::tell::{Teller, Telling};

/// The connector for CDEvents.
pub(crate) struct CdEvents;

impl Connector for CdEvents {
    fn kind(&self) -> &'static str {
        "cdevents"
    }

    fn about(&self) -> &'static str {
        "CDEvents over CloudEvents HTTP: runs, artifacts, deployments, incidents and tests of any producer"
    }

    fn example(&self) -> &'static str {
        r#"{
  "secret": "cdevents-token",
  "verification": "token",
  "system": "tekton:cluster-a.example.org",
  "merge_branch": "main"
}"#
    }

    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>> {
        config::Config::read(configuration)
            .map(|config| Box::new(hear::CdEventsLink { config }) as Link)
    }

    fn offline(&self) -> Link {
        Box::new(hear::CdEventsLink { config: config::Config::offline() })
    }
}

impl Teller for CdEvents {
    fn kind(&self) -> &'static str {
        "cdevents"
    }

    fn about(&self) -> &'static str {
        "CDEvents to any HTTP sink, with links between them, signed by Standard Webhooks"
    }

    fn example(&self) -> &'static str {
        r#"{
  "sink": { "url": "https://events.acme.example/in", "source": "https://sluice.acme.example" }
}"#
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        publish::Sink::read(settings).map(|sink| Box::new(sink) as Telling)
    }
}
