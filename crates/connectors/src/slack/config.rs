//! Settings of a Slack link.

use serde_json::Value;

use crate::connector::Problem;
use crate::kit::settings::Settings;
use crate::tell::{Outlet, Pace};

/// Checked settings.
pub(super) struct Config {
    /// Base address of the API.
    pub(super) url: String,
    /// Id of the channel.
    pub(super) channel: String,
    /// Whether the bot may read the channel, to find what it said before an answer was lost.
    pub(super) look_back: bool,
    /// Whether approvers get buttons, which Slack reports to us.
    pub(super) buttons: bool,
    /// Where whoever pressed one is answered.
    pub(super) answers: String,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, "");
        settings.leave("accounts");
        let channel = channel(&mut settings);
        let buttons = settings.flag("buttons", false);
        let answers = settings.base_url("answers_url", Some("https://hooks.slack.com"));
        let look_back = settings.flag("look_back", true);
        let url = settings.base_url("url", Some("https://slack.com"));
        let urls = vec![url.clone(), answers.clone()];
        let outlet = Outlet { urls, networks: settings.networks() };
        // About one message a second is taken for a channel.
        let per_minute = settings.number("per_minute", 50, (1, 600));
        let problems = settings.finish();
        let pace = Pace { per_minute, settle_s: 30 };
        let config = Self { url, channel, look_back, buttons, answers, outlet, pace };
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// Address of a method.
    pub(super) fn method(&self, name: &str) -> String {
        format!("{}/api/{name}", self.url)
    }
}

fn channel(settings: &mut Settings<'_>) -> String {
    let help =
        "the id of the channel, such as `C0123456789`; a name can be given to another channel";
    let channel = settings.needed("channel", help);
    let sound = channel.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !sound || channel.len() > 64 {
        settings.problem("channel", "`channel` is not the id of a channel", help);
    }
    channel
}

/// What is heard of the same link.
pub(super) struct Heeded {
    /// Names of the app's signing secrets.
    pub(super) secrets: Vec<String>,
    /// The only channel in which presses count; at the desk any.
    pub(super) channel: Option<String>,
    /// What stands before `:` in account names.
    pub(super) realm: String,
}

impl Heeded {
    /// Reads the settings of a link with its secrets.
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, "");
        for told in
            ["look_back", "buttons", "answers_url", "url", "per_minute", "networks", "plain_http"]
        {
            settings.leave(told);
        }
        let secrets = settings.secrets();
        let (channel, realm) = (Some(channel(&mut settings)), settings.realm("slack"));
        let problems = settings.finish();
        if problems.is_empty() { Ok(Self { secrets, channel, realm }) } else { Err(problems) }
    }

    /// For reading a file at the desk.
    pub(super) fn offline() -> Self {
        Self { secrets: Vec::new(), channel: None, realm: "slack".to_owned() }
    }
}
