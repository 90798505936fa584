//! PagerDuty: stops and incidents as alerts that resolve by themselves, everything else as change events.

use serde_json::{Value, json};
use sluice_core::effect::Tell as Told;

use super::config::Config;
use super::{Channel, Turn, turn};
use crate::kit::answers::{self, cut, not_understood};
use crate::kit::settings::Settings;
use crate::kit::words;
use crate::tell::{Ask, Exchange, Session, Step, Talk, Verb};

pub(super) struct PagerDuty;

impl Channel for PagerDuty {
    fn kind(&self) -> &'static str {
        "pagerduty"
    }

    fn about(&self) -> &'static str {
        "PagerDuty: stops and incidents as alerts, deployments and changes as change events"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://events.eu.pagerduty.com" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        let url = settings.base_url("url", Some("https://events.pagerduty.com"));
        Config::of(url, "routing_key")
    }

    fn keeps_alerts(&self) -> bool {
        true
    }

    fn say(&self, config: &Config, talk: &Talk<'_>) -> Result<Option<Ask>, &'static str> {
        let key = talk.credentials.text("routing_key").ok_or("the routing key is not there")?;
        let effect = talk.effect;
        let links: Vec<Value> =
            talk.page().map(|page| json!({ "href": page, "text": "Sluice" })).into_iter().collect();
        let mut payload = json!({
            "summary": cut(&words::what(talk), 1_000),
            "source": "sluice",
            "timestamp": effect.at.to_string(),
            "custom_details": {
                "services": effect.services, "environment": effect.environment,
                "reasons": words::why(talk).map(words::reason).collect::<Vec<_>>(),
                "what_to_do": words::to_do(talk),
            },
        });
        let action = turn(effect.tell).map(|turn| match turn {
            Turn::Opens => "trigger",
            Turn::Ends => "resolve",
        });
        let (path, body) = match action {
            None => {
                let body = json!({ "routing_key": key, "payload": payload, "links": links });
                ("v2/change/enqueue", body)
            }
            Some(action) => {
                payload["severity"] =
                    json!(if effect.tell == Told::StopPulled { "critical" } else { "error" });
                let body = json!({
                    "routing_key": key, "event_action": action, "dedup_key": cut(&effect.entity, 255),
                    "payload": payload, "links": links, "client": "Sluice",
                });
                ("v2/enqueue", body)
            }
        };
        Ok(Some(Ask::new("say", Verb::Post, format!("{}/{path}", config.url)).json(&body)))
    }

    fn said(&self, sent: &Exchange) -> Result<(), Step<()>> {
        match answers::json(sent)?.get("status").and_then(Value::as_str) {
            Some("success") => Ok(()),
            _ => Err(not_understood("the answer does not say that the event was taken")),
        }
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        Ask::new("test", Verb::Get, config.url.clone()).by(session)
    }
}
