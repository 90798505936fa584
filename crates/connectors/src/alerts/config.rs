//! What the settings of all channels have in common.

use crate::kit::settings::Settings;
use crate::tell::{Outlet, Pace};

/// Checked settings.
pub(crate) struct Config {
    /// Base address.
    pub(super) url: String,
    /// The credential.
    pub(super) credential: [&'static str; 1],
    /// Whether the credential is sent as `Authorization: Bearer`; else it belongs into the request itself.
    pub(super) bearer: bool,
    /// The topic, where there are topics.
    pub(super) topic: String,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

impl Config {
    pub(super) fn of(url: String, credential: &'static str) -> Self {
        let outlet = Outlet { urls: vec![url.clone()], networks: Vec::new() };
        let pace = Pace { per_minute: 60, settle_s: 10 };
        let (credential, topic) = ([credential], String::new());
        Self { url, credential, bearer: false, topic, outlet, pace }
    }

    pub(super) fn with_pace(mut self, settings: &mut Settings<'_>) -> Self {
        self.outlet.networks = settings.networks();
        self.pace.per_minute = settings.number("per_minute", 60, (1, 600));
        self
    }
}
