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
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, "");
        let help =
            "the id of the channel, such as `C0123456789`; a name can be given to another channel";
        if settings.value("channel").is_none() {
            settings.problem("channel", "`channel` is missing", help);
        }
        let channel = settings.text("channel", help).unwrap_or_default();
        let sound = channel.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !sound || channel.len() > 64 {
            settings.problem("channel", "`channel` is not the id of a channel", help);
        }
        let look_back = settings.flag("look_back", true);
        let url = settings.base_url("url", Some("https://slack.com"));
        let outlet = Outlet { urls: vec![url.clone()], networks: settings.networks() };
        // About one message a second is taken for a channel.
        let per_minute = settings.number("per_minute", 50, (1, 600));
        let problems = settings.finish();
        let pace = Pace { per_minute, settle_s: 30 };
        let config = Self { url, channel, look_back, outlet, pace };
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }
}
