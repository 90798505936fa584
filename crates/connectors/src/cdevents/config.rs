//! Configuration of a CDEvents link.

use serde_json::Value;

use crate::connector::Problem;
use crate::kit::settings::Settings;

/// A checked configuration.
pub(crate) struct Config {
    /// Names of the link's secrets.
    pub(crate) secrets: Vec<String>,
    /// How deliveries are proved.
    pub(crate) verification: Verification,
    /// The system that runs belong to; else it is made of the events' source.
    pub(crate) system: Option<String>,
    /// The branch that `change.merged` means; the events do not say.
    pub(crate) merge_branch: String,
}

/// How the producer proves that it knows the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    /// `Authorization: Bearer`, or `access_token` in the query (CloudEvents web hooks, 3).
    Token,
    /// Standard Webhooks.
    Signature,
    /// Whichever the headers have; only at the desk.
    ByHeaders,
}

impl Config {
    /// Reads a configuration and names all its problems.
    pub(crate) fn read(configuration: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(configuration, "");
        let ways = [("token", Verification::Token), ("signature", Verification::Signature)];
        let system_help = "kind and host of the producer, such as `tekton:cluster-a.example.org`";
        let branch_help = "the name of the branch that proposals are merged into, such as `main`";
        settings.leave("sink");
        let config = Self {
            secrets: settings.secrets(),
            verification: settings.choice("verification", &ways).unwrap_or(Verification::Token),
            system: settings.text("system", system_help),
            merge_branch: settings
                .text("merge_branch", branch_help)
                .unwrap_or_else(|| "main".to_owned()),
        };
        let problems = settings.finish();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// For reading a file at the desk.
    pub(crate) fn offline() -> Self {
        Self {
            secrets: Vec::new(),
            verification: Verification::ByHeaders,
            system: None,
            merge_branch: "main".to_owned(),
        }
    }
}
