//! Configuration of a GitHub link.

use serde_json::Value;

use crate::connector::Problem;
use crate::kit::settings::Settings;

/// A checked configuration.
pub(crate) struct Config {
    /// Names of the webhook's secrets.
    pub(crate) secrets: Vec<String>,
    /// The only host whose repositories are heard; offline any.
    pub(crate) host: Option<String>,
    /// What stands before `:` in account names.
    pub(crate) realm: String,
}

impl Config {
    /// Reads a configuration and names all its problems.
    pub(crate) fn read(configuration: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(configuration, "");
        settings.leave("api");
        let config = Self {
            secrets: settings.secrets(),
            host: Some(settings.host("host").unwrap_or_else(|| "github.com".to_owned())),
            realm: settings.realm("github"),
        };
        let problems = settings.finish();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// For reading a file at the desk.
    pub(crate) fn offline() -> Self {
        Self { secrets: Vec::new(), host: None, realm: "github".to_owned() }
    }
}
