//! Configuration of a Jenkins link.

use serde_json::Value;

use crate::connector::Problem;
use crate::kit::repository::host_of;
use crate::kit::settings::Settings;

/// A checked configuration.
pub(crate) struct Config {
    /// Names of the link's secrets.
    pub(crate) secrets: Vec<String>,
    /// The controller's host; offline whichever the body names.
    pub(crate) host: Option<String>,
    /// The phase of the notification plugin that ends a run.
    pub(crate) end_phase: EndPhase,
}

/// Which phase ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndPhase {
    /// After the post-build actions.
    Finalized,
    /// Before them.
    Completed,
}

impl Config {
    /// Reads a configuration and names all its problems.
    pub(crate) fn read(configuration: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(configuration, "");
        settings.leave("api");
        let phases = [("finalized", EndPhase::Finalized), ("completed", EndPhase::Completed)];
        let help = "the root address of the controller, such as `https://ci.example.org/`";
        let secrets = settings.secrets();
        let url = settings.text("url", help);
        let host = url.as_deref().and_then(host_of);
        if host.is_none() {
            settings.problem("url", "`url` must be the controller's address", help);
        }
        let end_phase = settings.choice("end_phase", &phases).unwrap_or(EndPhase::Finalized);
        let problems = settings.finish();
        if problems.is_empty() { Ok(Self { secrets, host, end_phase }) } else { Err(problems) }
    }

    /// For reading a file at the desk.
    pub(crate) fn offline() -> Self {
        Self { secrets: Vec::new(), host: None, end_phase: EndPhase::Finalized }
    }
}
