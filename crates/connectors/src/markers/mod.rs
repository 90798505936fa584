//! Markers: one line on a dashboard or in a log for each thing that happened, for systems that show what changed when.
//!
//! They are one family: each says in `format` what a marker looks like over there and how it knows that one was taken;
//! settings, session and conversation are the same. A marker is its own record: nothing is found or altered later.

mod config;
mod datadog;
mod elastic;
mod grafana;
mod otlp;
mod splunk;
mod tell;

use serde_json::Value;

use self::config::Config;
use self::tell::MarkerLink;
use crate::connector::Problem;
use crate::kit::settings::Settings;
use crate::tell::{Ask, Exchange, Session, Step, Talk, Teller, Telling};

/// How one system wants its markers.
pub(crate) trait Format: Sync + Send {
    /// Its name in configuration.
    fn kind(&self) -> &'static str;

    /// One sentence on what it is told.
    fn about(&self) -> &'static str;

    /// Complete settings.
    fn example(&self) -> &'static str;

    /// Base address and account, and the members that are its own.
    fn settings(&self, settings: &mut Settings<'_>) -> Config;

    /// The request that makes the marker.
    fn make(&self, config: &Config, talk: &Talk<'_>) -> Ask;

    /// Whether the answer says that it was made.
    fn made(&self, answer: &Value) -> Result<(), Step<()>>;

    /// A request that finds the marker where one was made before an answer was lost; absent where there is none, or
    /// where making it twice is the same as once.
    fn find(&self, _config: &Config, _talk: &Talk<'_>) -> Option<Ask> {
        None
    }

    /// Whether it was found.
    fn found(&self, _answer: &Value, _talk: &Talk<'_>) -> bool {
        false
    }

    /// A request that alters nothing, with a good answer only where the account is accepted.
    fn test(&self, config: &Config, session: &Session) -> Ask;

    /// Whether the trial went well, by its answer.
    fn tested(&self, exchange: &Exchange) -> Result<(), Step<String>>;
}

/// The connector for one system of the family.
pub(crate) struct Markers(pub(crate) &'static dyn Format);

/// Grafana.
pub(crate) const GRAFANA: Markers = Markers(&grafana::Grafana);
/// Datadog.
pub(crate) const DATADOG: Markers = Markers(&datadog::Datadog);
/// Splunk.
pub(crate) const SPLUNK: Markers = Markers(&splunk::Splunk);
/// Elasticsearch.
pub(crate) const ELASTIC: Markers = Markers(&elastic::Elastic);
/// Anything that takes OTLP.
pub(crate) const OTLP: Markers = Markers(&otlp::Otlp);

impl Teller for Markers {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn about(&self) -> &'static str {
        self.0.about()
    }

    fn example(&self) -> &'static str {
        self.0.example()
    }

    fn family(&self) -> &'static str {
        "markers"
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        let mut read = Settings::of(settings, "");
        let config = self.0.settings(&mut read).with_pace(&mut read);
        let problems = read.finish();
        if problems.is_empty() {
            Ok(Box::new(MarkerLink { config, format: self.0 }))
        } else {
            Err(problems)
        }
    }
}
