//! Jira Service Management, operations: stops and incidents as alerts that close by themselves. Opsgenie, which it was,
//! takes the same.

use serde_json::{Value, json};
use sluice_core::effect::Tell as Told;

use super::config::Config;
use super::{Channel, Turn, turn};
use crate::kit::answers::{self, cut, not_understood};
use crate::kit::settings::Settings;
use crate::kit::{percent, words};
use crate::tell::{Ask, Exchange, Session, Step, Talk, Verb};

/// Where the integration API is.
const PATH: &str = "jsm/ops/integration/v2/alerts";

pub(super) struct Jsm;

impl Channel for Jsm {
    fn kind(&self) -> &'static str {
        "jsm"
    }

    fn about(&self) -> &'static str {
        "Jira Service Management alerts: stops and incidents, closed when they are over"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://api.atlassian.com" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        Config::of(settings.base_url("url", Some("https://api.atlassian.com")), "api_key")
    }

    /// The alias is that of our record: an alert that is made twice is one, and is found again to be closed.
    fn keeps_alerts(&self) -> bool {
        true
    }

    fn say(&self, config: &Config, talk: &Talk<'_>) -> Result<Option<Ask>, &'static str> {
        let key = talk.credentials.text("api_key").ok_or("the API key is not there")?;
        let (effect, alias) = (talk.effect, cut(&talk.effect.entity, 512));
        let lines = cut(&words::plain(talk).join("\n"), 14_000);
        let (url, body) = match turn(effect.tell) {
            None => return Ok(None),
            Some(Turn::Opens) => {
                let priority = if effect.tell == Told::StopPulled { "P1" } else { "P2" };
                let mut details = json!({ "event": effect.tell.as_str(), "record": effect.entity });
                if let Some(environment) = &effect.environment {
                    details["environment"] = json!(environment);
                }
                let body = json!({
                    "message": cut(&words::what(talk), 130), "alias": alias, "description": lines,
                    "source": "sluice", "priority": priority, "tags": effect.services, "details": details,
                });
                (format!("{}/{PATH}", config.url), body)
            }
            Some(Turn::Ends) => {
                let alias = percent::encode(&alias);
                let url = format!("{}/{PATH}/{alias}/close?identifierType=alias", config.url);
                (url, json!({ "source": "sluice", "note": lines }))
            }
        };
        let ask = Ask::new("say", Verb::Post, url).json(&body);
        Ok(Some(ask.secret("authorization", format!("GenieKey {key}"))))
    }

    fn said(&self, sent: &Exchange) -> Result<(), Step<()>> {
        match answers::json(sent)?.get("requestId").and_then(Value::as_str) {
            Some(_) => Ok(()),
            None => Err(not_understood("the answer does not say that the alert was taken")),
        }
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        Ask::new("test", Verb::Get, config.url.clone()).by(session)
    }
}
