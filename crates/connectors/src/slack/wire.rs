//! The members that are read of an interaction (docs.slack.dev, 2026-03). Everything may be missing or null; what is there
//! must have its type.

use serde::Deserialize;

/// An interaction.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) user: Option<User>,
    pub(super) channel: Option<Channel>,
    pub(super) trigger_id: Option<String>,
    pub(super) response_url: Option<String>,
    pub(super) actions: Vec<Action>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) id: Option<String>,
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channel {
    pub(super) id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Action {
    pub(super) action_id: Option<String>,
    pub(super) value: Option<String>,
}
