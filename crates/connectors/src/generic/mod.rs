//! Any system that sends JSON: a mapping in the configuration says what its deliveries mean.
//!
//! The mapping picks values by path, asks conditions, translates words, and names the signal that
//! comes out. It computes nothing: what needs computing needs a connector.

mod config;
mod hear;
mod mapping;
mod path;
mod targets;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};

/// The connector for anything with JSON.
pub(crate) struct Generic;

impl Connector for Generic {
    fn kind(&self) -> &'static str {
        "generic"
    }

    fn about(&self) -> &'static str {
        "any system that sends JSON, by a mapping in the configuration"
    }

    fn example(&self) -> &'static str {
        r#"{
  "secret": "deployer-webhook",
  "verification": {
    "scheme": "hmac_sha256",
    "header": "X-Signature-256",
    "prefix": "sha256=",
    "encoding": "hex"
  },
  "delivery_id": { "header": "X-Delivery" },
  "accounts": "deployer",
  "mappings": [
    {
      "when": [{ "path": "$.event", "one_of": ["deploy.started", "deploy.ended"] }],
      "signal": "deployment_reported",
      "fields": {
        "deployment": "$.deploy.id",
        "service": "$.deploy.app",
        "environment": "$.deploy.target['name']",
        "state": {
          "path": "$.deploy.status",
          "words": { "RUN": "running", "OK": "succeeded", "BAD": "failed", "UNDONE": "rolled_back" }
        },
        "artifact": "$.deploy.images[0]",
        "commit": "/deploy/commit",
        "run.system": { "value": "deployer:deploy.example.org" },
        "run.id": "$.deploy.pipeline",
        "actor.account": "$.by",
        "at": "$.time"
      }
    },
    {
      "when": [{ "path": "$.event", "equals": "flag.flipped" }],
      "signal": "noted",
      "fields": {
        "name": { "value": "flag_flipped" },
        "values.flag": "$.flag.key",
        "values.to": "$.flag.on"
      }
    }
  ]
}"#
    }

    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>> {
        config::Config::read(configuration)
            .map(|config| Box::new(hear::GenericLink { config }) as Link)
    }

    fn offline(&self) -> Link {
        let Some(config) = serde_json::from_str(self.example())
            .ok()
            .and_then(|example| config::Config::read(&example).ok())
        else {
            unreachable!("the example configures, as the conformance suite shows");
        };
        Box::new(hear::GenericLink { config })
    }
}
