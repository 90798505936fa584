//! Anything that takes OTLP over HTTP: a log record for each event, as JSON.

use serde_json::{Value, json};
use sluice_core::effect::Tell as Told;

use super::Format;
use super::config::{Config, grouped};
use crate::kit::account::Account;
use crate::kit::answers::{self, not_understood};
use crate::kit::settings::Settings;
use crate::kit::words;
use crate::tell::{Ask, Because, Exchange, Session, Step, Talk, Trouble, Verb};

pub(super) struct Otlp;

#[derive(Clone, Copy)]
enum Way {
    Bearer,
    None,
}

impl Format for Otlp {
    fn kind(&self) -> &'static str {
        "otlp"
    }

    fn about(&self) -> &'static str {
        "OpenTelemetry log records over OTLP/HTTP: everything that is told, to any collector"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://otel.acme.example", "auth": "bearer" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        let url = settings.base_url("url", None);
        let ways = [("bearer", Way::Bearer), ("none", Way::None)];
        let account = match settings.choice("auth", &ways).unwrap_or(Way::Bearer) {
            Way::Bearer => Account::bearer("token"),
            Way::None => Account::Nobody,
        };
        Config::of(url, account)
    }

    fn make(&self, config: &Config, talk: &Talk<'_>) -> Ask {
        let text = |value: &str| json!({ "stringValue": value });
        let several = |values: &[String]| match values {
            [one] => text(one),
            all => {
                let all: Vec<Value> = all.iter().map(|value| text(value)).collect();
                json!({ "arrayValue": { "values": all } })
            }
        };
        let mut attributes: Vec<Value> = grouped(talk)
            .iter()
            .map(|(name, values)| json!({ "key": attribute(name), "value": several(values) }))
            .collect();
        attributes.extend(
            words::why(talk)
                .map(|why| json!({ "key": "sluice.reason", "value": text(&words::reason(why)) }))
                .take(1),
        );
        attributes
            .extend(talk.page().map(|page| json!({ "key": "url.full", "value": text(&page) })));
        let (number, word) = match talk.effect.tell {
            Told::StopPulled | Told::IncidentOpened => (17, "ERROR"),
            Told::ApprovalRefused => (13, "WARN"),
            _ => (9, "INFO"),
        };
        let record = json!({
            "timeUnixNano": talk.effect.at.as_nanosecond().to_string(),
            "observedTimeUnixNano": talk.now.as_nanosecond().to_string(),
            "severityNumber": number,
            "severityText": word,
            "eventName": format!("sluice.{}", talk.effect.tell.as_str()),
            "body": text(&words::what(talk)),
            "attributes": attributes,
        });
        let body = json!({ "resourceLogs": [{
            "resource": { "attributes": [{ "key": "service.name", "value": text("sluice") }] },
            "scopeLogs": [{ "scope": { "name": "sluice" }, "logRecords": [record] }],
        }] });
        Ask::new("make", Verb::Post, format!("{}/v1/logs", config.url)).json(&body)
    }

    fn made(&self, answer: &Value) -> Result<(), Step<()>> {
        let Some(members) = answer.as_object() else {
            return Err(not_understood("the answer is not that of a collector"));
        };
        let rejected =
            members.get("partialSuccess").and_then(|part| part.get("rejectedLogRecords"));
        let none =
            |count: &Value| count.as_u64().or_else(|| count.as_str()?.parse().ok()) == Some(0);
        if rejected.is_none_or(none) {
            return Ok(());
        }
        Err(Step::GiveUp(Trouble::new(Because::Client, "the collector rejects the record")))
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        let body = json!({ "resourceLogs": [] });
        Ask::new("test", Verb::Post, format!("{}/v1/logs", config.url)).json(&body).by(session)
    }

    fn tested(&self, exchange: &Exchange) -> Result<(), Step<String>> {
        match answers::json(exchange)?.is_object() {
            true => Ok(()),
            false => Err(not_understood("the answer is not that of a collector")),
        }
    }
}

/// Names of the semantic conventions where there is one, else our own.
fn attribute(name: &str) -> String {
    match name {
        "environment" => "deployment.environment.name".to_owned(),
        "deployment" => "deployment.id".to_owned(),
        "version" => "service.version".to_owned(),
        "commit" => "vcs.ref.head.revision".to_owned(),
        other => format!("sluice.{other}"),
    }
}
