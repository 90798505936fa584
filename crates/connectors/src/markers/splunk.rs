//! Splunk: an event by its HTTP Event Collector.

use serde_json::{Value, json};

use super::Format;
use super::config::{Config, members};
use crate::kit::account::Account;
use crate::kit::answers::{self, not_understood};
use crate::kit::settings::Settings;
use crate::kit::words;
use crate::tell::{Ask, Exchange, Session, Step, Talk, Verb};

pub(super) struct Splunk;

impl Format for Splunk {
    fn kind(&self) -> &'static str {
        "splunk"
    }

    fn about(&self) -> &'static str {
        "Splunk events by the HTTP Event Collector: everything that is told, to search in"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://http-inputs-acme.splunkcloud.com", "index": "delivery" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        let url = settings.base_url("url", None);
        let index = settings.text("index", "the name of an index; without it the token's own");
        let account =
            Account::Header { name: "authorization", word: "Splunk ", credential: ["token"] };
        Config::of(url, account).with_own("index", index)
    }

    fn make(&self, config: &Config, talk: &Talk<'_>) -> Ask {
        let mut event = members(talk);
        event.insert("message".to_owned(), json!(words::what(talk)));
        let reasons: Vec<String> = words::why(talk).map(words::reason).collect();
        event.insert("reasons".to_owned(), json!(reasons));
        event.extend(talk.page().map(|page| ("page".to_owned(), json!(page))));
        let mut body = json!({
            "time": talk.effect.at.as_second(),
            "source": "sluice",
            "sourcetype": "sluice:event",
            "event": event,
        });
        if let Some(index) = config.own.get("index") {
            body["index"] = json!(index);
        }
        Ask::new("make", Verb::Post, format!("{}/services/collector/event", config.url)).json(&body)
    }

    fn made(&self, answer: &Value) -> Result<(), Step<()>> {
        match answer.get("code").and_then(Value::as_i64) {
            Some(0) => Ok(()),
            _ => Err(not_understood("the answer does not say that the event was taken")),
        }
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        Ask::new("test", Verb::Get, format!("{}/services/collector/health", config.url)).by(session)
    }

    fn tested(&self, exchange: &Exchange) -> Result<(), Step<String>> {
        match answers::json(exchange)?.get("code").and_then(Value::as_i64) {
            Some(17) => Ok(()),
            _ => Err(not_understood("the collector does not say that it is healthy")),
        }
    }
}
