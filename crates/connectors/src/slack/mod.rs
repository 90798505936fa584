//! Slack: a thread for each change, and a message for what concerns none.
//!
//! The first message of a thread says how the change stands and is kept up to date; what happens is said below it.
//! Buttons are links into our pages, or say that somebody would like to decide, and are answered with such a link:
//! who may decide shows there who they are.

mod blocks;
mod config;
mod hear;
mod lookback;
mod tell;
mod wire;

use serde_json::Value;

use crate::connector::{Connector, Link, Problem};
use crate::tell::{Teller, Telling};

/// The connector for Slack.
pub(crate) struct Slack;

impl Connector for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn about(&self) -> &'static str {
        "Slack's interactivity: buttons by which approvers ask for the page where they decide"
    }

    fn example(&self) -> &'static str {
        r#"{
  "secret": "slack-signing-secret",
  "channel": "C0123456789"
}"#
    }

    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>> {
        config::Heeded::read(configuration)
            .map(|heeded| Box::new(hear::SlackEar { heeded }) as Link)
    }

    fn offline(&self) -> Link {
        Box::new(hear::SlackEar { heeded: config::Heeded::offline() })
    }
}

impl Teller for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn about(&self) -> &'static str {
        "Slack: a thread for each change, with why, until when and what to do"
    }

    fn example(&self) -> &'static str {
        r#"{
  "channel": "C0123456789",
  "look_back": true
}"#
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        config::Config::read(settings).map(|config| Box::new(tell::SlackLink { config }) as Telling)
    }
}
