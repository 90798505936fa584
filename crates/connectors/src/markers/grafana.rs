//! Grafana: an annotation, with tags that dashboards choose by.

use serde_json::{Value, json};

use super::Format;
use super::config::{Config, facts, key};
use crate::kit::account::Account;
use crate::kit::answers::{self, not_understood};
use crate::kit::settings::Settings;
use crate::kit::words;
use crate::tell::{Ask, Exchange, Session, Step, Talk, Verb};

pub(super) struct Grafana;

impl Format for Grafana {
    fn kind(&self) -> &'static str {
        "grafana"
    }

    fn about(&self) -> &'static str {
        "Grafana annotations: what was deployed, stopped and changed, on every dashboard that asks for them"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://acme.grafana.net" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        let url = settings.base_url("url", None);
        let help = "the uid of a dashboard; without one every dashboard can show the annotation";
        let dashboard = settings.text("dashboard", help);
        Config::of(url, Account::bearer("token")).with_own("dashboard", dashboard)
    }

    fn make(&self, config: &Config, talk: &Talk<'_>) -> Ask {
        let mut tags = vec!["sluice".to_owned(), key(talk)];
        tags.extend(
            facts(talk)
                .into_iter()
                .filter(|(name, _)| *name != "key")
                .map(|(name, value)| format!("{name}:{value}")),
        );
        let mut body = json!({
            "time": talk.effect.at.as_millisecond(),
            "tags": tags,
            "text": words::markdown(talk),
        });
        if let Some(dashboard) = config.own.get("dashboard") {
            body["dashboardUID"] = json!(dashboard);
        }
        Ask::new("make", Verb::Post, format!("{}/api/annotations", config.url)).json(&body)
    }

    fn made(&self, answer: &Value) -> Result<(), Step<()>> {
        match answer.get("id").and_then(Value::as_u64) {
            Some(_) => Ok(()),
            None => Err(not_understood("the answer is not an annotation that was made")),
        }
    }

    fn find(&self, config: &Config, talk: &Talk<'_>) -> Option<Ask> {
        let at = talk.effect.at.as_millisecond();
        let url = format!(
            "{}/api/annotations?tags={}&from={}&to={}&limit=1",
            config.url,
            key(talk),
            at - 1,
            at + 1
        );
        Some(Ask::new("find", Verb::Get, url))
    }

    fn found(&self, answer: &Value, _: &Talk<'_>) -> bool {
        answer.as_array().is_some_and(|found| !found.is_empty())
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        let url = format!("{}/api/annotations?limit=1&tags=sluice", config.url);
        Ask::new("test", Verb::Get, url).by(session)
    }

    fn tested(&self, exchange: &Exchange) -> Result<(), Step<String>> {
        match answers::json(exchange)?.is_array() {
            true => Ok(()),
            false => Err(not_understood("the answer is not a list of annotations")),
        }
    }
}
