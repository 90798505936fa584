//! The configuration file of `sluice serve`: TOML, with a key for every flag. Flags go first.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::login::LoginFile;
use super::vault::SecretsFile;
use super::witness::{WitnessFile, WitnessingFile};
use crate::failure::Failure;

/// What the file may say. Unknown keys are refused: a misspelt one must not be passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServeFile {
    /// Folder of the instance.
    pub(crate) data: Option<PathBuf>,
    /// Address and port to listen on.
    pub(crate) listen: Option<String>,
    /// The anchor file, better on another device.
    pub(crate) anchor: Option<PathBuf>,
    /// Name of the log, as in its checkpoints; only on the first start.
    pub(crate) origin: Option<String>,
    /// Where people reach the server, `https://sluice.example.org`.
    pub(crate) public_url: Option<String>,
    /// The header in which our own proxy says who asks, such as `x-forwarded-for`.
    pub(crate) address_header: Option<String>,
    /// Whether `/metrics` answers without a token.
    pub(crate) public_metrics: Option<bool>,
    /// Whether the published log answers without a token.
    pub(crate) public_log: Option<bool>,
    /// The largest delivery of another system, in bytes: 64 KiB to 25 MiB.
    pub(crate) hook_body_bytes: Option<usize>,
    /// Connections at the same time, from 16 on; further ones wait to be accepted.
    pub(crate) connections: Option<usize>,
    /// What is logged, and how.
    #[serde(default)]
    pub(crate) log: LogFile,
    /// Where traces go.
    #[serde(default)]
    pub(crate) traces: TracesFile,
    /// How other systems are reached.
    #[serde(default)]
    pub(crate) outbound: OutboundFile,
    /// The master key.
    #[serde(default)]
    pub(crate) secrets: SecretsFile,
    /// Providers of identities.
    #[serde(default)]
    pub(crate) login: Vec<LoginFile>,
    /// Who cosigns the log.
    #[serde(default)]
    pub(crate) witness: Vec<WitnessFile>,
    /// How they are asked.
    #[serde(default)]
    pub(crate) witnessing: WitnessingFile,
}

/// `[outbound]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboundFile {
    /// Certificates, in PEM form, of authorities that are trusted beside those of this system.
    pub(crate) ca_file: Option<PathBuf>,
}

/// `[log]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogFile {
    /// `text` or `json`.
    pub(crate) format: Option<LogFormat>,
    /// What is logged, such as `info` or `info,sluice_engine=debug`.
    pub(crate) filter: Option<String>,
}

/// `[traces]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TracesFile {
    /// OTLP over HTTP, such as `http://127.0.0.1:4318`. Absent: no traces.
    pub(crate) otlp_endpoint: Option<String>,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl ServeFile {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::file("read the configuration", path, &error))?;
        toml::from_str(&text).map_err(|error| {
            Failure::usage(
                format!("the configuration `{}` is not understood: {error}", path.display()),
                "known keys: data, listen, anchor, origin, public_url, address_header, \
                 public_metrics, public_log, hook_body_bytes, connections, log.format, log.filter, \
                 traces.otlp_endpoint, outbound.ca_file, [secrets], [[login]], [[witness]], [witnessing]",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_refused() {
        assert!(toml::from_str::<ServeFile>("listne = '127.0.0.1:1'").is_err());
        assert!(toml::from_str::<ServeFile>("[log]\nformat = 'xml'").is_err());
    }

    #[test]
    fn every_flag_has_a_key() {
        let text = "data = 'd'\nlisten = '127.0.0.1:1'\nanchor = 'a'\norigin = 'o'\n\
                    public_log = false\npublic_metrics = false\n\
                    hook_body_bytes = 65536\nconnections = 16\n\
                    [log]\nformat = 'json'\nfilter = 'info'\n\
                    [traces]\notlp_endpoint = 'http://127.0.0.1:4318'\n";
        let file: ServeFile = toml::from_str(text).unwrap();
        assert_eq!(file.log.format, Some(LogFormat::Json));
        assert_eq!(file.listen.as_deref(), Some("127.0.0.1:1"));
    }
}
