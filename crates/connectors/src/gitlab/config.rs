//! Configuration of a GitLab link.

use serde_json::Value;

use crate::connector::Problem;
use crate::kit::settings::Settings;

/// A checked configuration.
pub(crate) struct Config {
    /// Names of the webhook's secrets.
    pub(crate) secrets: Vec<String>,
    /// The only host whose projects are heard; offline any.
    pub(crate) host: Option<String>,
    /// What stands before `:` in account names.
    pub(crate) realm: String,
    /// How deliveries are proved.
    pub(crate) verification: Verification,
}

/// How GitLab proves that it knows the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    /// `X-Gitlab-Token` carries the secret itself.
    Token,
    /// The signing token (Standard Webhooks).
    Signature,
    /// Whichever the headers have; only at the desk.
    ByHeaders,
}

impl Config {
    /// Reads a configuration and names all its problems.
    pub(crate) fn read(configuration: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(configuration, "");
        let ways = [("token", Verification::Token), ("signature", Verification::Signature)];
        settings.leave("api");
        let config = Self {
            secrets: settings.secrets(),
            host: Some(settings.host("host").unwrap_or_else(|| "gitlab.com".to_owned())),
            realm: settings.realm("gitlab"),
            verification: settings.choice("verification", &ways).unwrap_or(Verification::Token),
        };
        let problems = settings.finish();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// For reading a file at the desk.
    pub(crate) fn offline() -> Self {
        Self {
            secrets: Vec::new(),
            host: None,
            realm: "gitlab".to_owned(),
            verification: Verification::ByHeaders,
        }
    }
}
