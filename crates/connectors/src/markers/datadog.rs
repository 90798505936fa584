//! Datadog: an event in the stream, grouped by its record.

use serde_json::{Value, json};
use sluice_core::effect::Tell as Told;
use sluice_core::gate::Decision;

use super::Format;
use super::config::{Config, facts};
use crate::kit::account::Account;
use crate::kit::answers::{self, cut, not_understood};
use crate::kit::settings::Settings;
use crate::kit::words;
use crate::tell::{Ask, Exchange, Session, Step, Talk, Verb};

pub(super) struct Datadog;

impl Format for Datadog {
    fn kind(&self) -> &'static str {
        "datadog"
    }

    fn about(&self) -> &'static str {
        "Datadog events: what was deployed, stopped and changed, in the stream and on dashboards"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://api.datadoghq.eu" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        let url = settings.base_url("url", Some("https://api.datadoghq.com"));
        Config::of(url, Account::header("dd-api-key", "api_key"))
    }

    fn make(&self, config: &Config, talk: &Talk<'_>) -> Ask {
        let tags: Vec<String> = [("source", "sluice".to_owned())]
            .into_iter()
            .chain(facts(talk))
            .map(|(name, value)| {
                format!("{}:{value}", if name == "environment" { "env" } else { name })
            })
            .collect();
        let body = json!({
            "title": cut(&words::what(talk), 100),
            "text": cut(&words::plain(talk).join("\n"), 3_900),
            "date_happened": talk.effect.at.as_second(),
            "aggregation_key": cut(&talk.effect.entity, 100),
            "alert_type": alert(talk),
            "tags": tags,
        });
        Ask::new("make", Verb::Post, format!("{}/api/v1/events", config.url)).json(&body)
    }

    fn made(&self, answer: &Value) -> Result<(), Step<()>> {
        match answer.get("status").and_then(Value::as_str) {
            Some("ok") => Ok(()),
            _ => Err(not_understood("the answer is not an event that was taken")),
        }
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        Ask::new("test", Verb::Get, format!("{}/api/v1/validate", config.url)).by(session)
    }

    fn tested(&self, exchange: &Exchange) -> Result<(), Step<String>> {
        match answers::json(exchange)?.get("valid").and_then(Value::as_bool) {
            Some(true) => Ok(()),
            _ => Err(not_understood("the answer does not say that the key is valid")),
        }
    }
}

fn alert(talk: &Talk<'_>) -> &'static str {
    let decision = talk.effect.decision.as_ref().map(|decision| decision.answer);
    let failed =
        talk.effect.deployment.as_ref().is_some_and(|card| card.state.as_str() != "succeeded");
    match talk.effect.tell {
        Told::StopPulled | Told::IncidentOpened => "error",
        Told::DeploymentEnded if failed => "error",
        Told::DeploymentEnded | Told::IncidentResolved | Told::StopLifted => "success",
        Told::GateDecided if decision == Some(Decision::Deny) => "warning",
        Told::ApprovalRefused => "warning",
        Told::ChangeOpened
        | Told::IntentAnswered
        | Told::ProposalJudged
        | Told::CalendarChanged
        | Told::IncidentMoved
        | Told::ProblemOpened
        | Told::ProblemMoved
        | Told::ProblemResolved
        | Told::ItemDeclared
        | Told::ChangeMoved
        | Told::ChangeRevised
        | Told::ChangeEnded
        | Told::ApprovalWanted
        | Told::ApprovalGiven
        | Told::GateDecided
        | Told::DeploymentStarted => "info",
    }
}
