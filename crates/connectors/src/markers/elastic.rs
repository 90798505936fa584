//! Elasticsearch: a document by `_bulk`, created under a stable id, so that twice is the same as once.

use serde_json::{Value, json};

use super::Format;
use super::config::{Config, key, members};
use crate::kit::account::Account;
use crate::kit::answers::{self, not_understood};
use crate::kit::settings::Settings;
use crate::kit::words;
use crate::tell::{Ask, Because, Exchange, Session, Step, Talk, Trouble, Verb};

pub(super) struct Elastic;

impl Format for Elastic {
    fn kind(&self) -> &'static str {
        "elastic"
    }

    fn about(&self) -> &'static str {
        "Elasticsearch documents by the bulk API: everything that is told, to search and chart"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://acme.es.eu-central-1.aws.elastic.cloud", "index": "logs-sluice-default" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        let url = settings.base_url("url", None);
        let help = "an index or data stream, such as `logs-sluice-default`";
        let index = settings.text("index", help).unwrap_or_else(|| "logs-sluice-default".into());
        let account =
            Account::Header { name: "authorization", word: "ApiKey ", credential: ["api_key"] };
        Config::of(url, account).with_own("index", Some(index))
    }

    fn make(&self, config: &Config, talk: &Talk<'_>) -> Ask {
        let index = config.own.get("index").map_or("logs-sluice-default", String::as_str);
        let action = json!({ "create": { "_index": index, "_id": key(talk) } });
        let mut own = members(talk);
        let reasons: Vec<String> = words::why(talk).map(words::reason).collect();
        own.insert("reasons".to_owned(), json!(reasons));
        let document = json!({
            "@timestamp": talk.effect.at.to_string(),
            "message": words::what(talk),
            "event": { "provider": "sluice", "action": talk.effect.tell.as_str(), "id": key(talk) },
            "url": talk.page().map(|page| json!({ "full": page })),
            "sluice": own,
        });
        let mut ask = Ask::new("make", Verb::Post, format!("{}/_bulk", config.url));
        ask.body = Some(("application/x-ndjson", format!("{action}\n{document}\n").into_bytes()));
        ask
    }

    /// `200` whatever became of it: the status of the one item counts, and `409` says that it is there already.
    fn made(&self, answer: &Value) -> Result<(), Step<()>> {
        match answer.pointer("/items/0/create/status").and_then(Value::as_u64) {
            Some(200 | 201 | 409) => Ok(()),
            Some(429) => Err(Step::Retry(Trouble::new(Because::RateLimited, "too much at once"))),
            Some(400..=499) => Err(Step::GiveUp(Trouble::new(
                Because::Client,
                "the document is not taken: its mapping, or a right to the index",
            ))),
            _ => Err(not_understood("the answer does not say what became of the document")),
        }
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        Ask::new("test", Verb::Get, format!("{}/_security/_authenticate", config.url)).by(session)
    }

    fn tested(&self, exchange: &Exchange) -> Result<(), Step<String>> {
        match answers::json(exchange)?.get("username").is_some() {
            true => Ok(()),
            false => Err(not_understood("the answer does not say who we are")),
        }
    }
}
