//! ntfy: a message to a topic, with a button that leads to our page.

use serde_json::{Value, json};
use sluice_core::effect::Tell as Told;
use sluice_core::gate::Decision;

use super::Channel;
use super::config::Config;
use crate::kit::answers::{self, cut, not_understood};
use crate::kit::settings::Settings;
use crate::kit::words;
use crate::tell::{Ask, Exchange, Session, Step, Talk, Verb};

pub(super) struct Ntfy;

impl Channel for Ntfy {
    fn kind(&self) -> &'static str {
        "ntfy"
    }

    fn about(&self) -> &'static str {
        "ntfy messages to a topic: on telephones and desktops, with a link to the page"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://ntfy.acme.example", "topic": "sluice-production" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        let url = settings.base_url("url", Some("https://ntfy.sh"));
        let help = "letters, digits, `-` and `_`, at most 64";
        let topic = settings.needed("topic", help);
        let sound = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        if topic.len() > 64 || !topic.bytes().all(sound) {
            settings.problem("topic", "`topic` is not the name of a topic", help);
        }
        let mut config = Config::of(url, "token");
        config.bearer = true;
        config.topic = topic;
        config
    }

    fn say(&self, config: &Config, talk: &Talk<'_>) -> Result<Option<Ask>, &'static str> {
        let lines: Vec<String> = words::plain(talk).into_iter().skip(1).collect();
        let (priority, tag) = urgency(talk);
        let mut body = json!({
            "topic": config.topic,
            "title": cut(&words::what(talk), 200),
            "message": cut(&if lines.is_empty() { words::what(talk) } else { lines.join("\n") }, 3_500),
            "priority": priority,
            "tags": [tag],
        });
        if let Some(page) = talk.page() {
            body["click"] = json!(page);
            body["actions"] =
                json!([{ "action": "view", "label": "Look and decide", "url": page }]);
        }
        Ok(Some(Ask::new("say", Verb::Post, format!("{}/", config.url)).json(&body)))
    }

    fn said(&self, sent: &Exchange) -> Result<(), Step<()>> {
        let answer = answers::json(sent)?;
        let is_message = answer.get("event").and_then(Value::as_str) == Some("message");
        match answer.get("id").and_then(Value::as_str) {
            Some(_) if is_message => Ok(()),
            _ => Err(not_understood("the answer is not the message that was sent")),
        }
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        let url = format!("{}/{}/auth", config.url, config.topic);
        Ask::new("test", Verb::Get, url).by(session)
    }
}

fn urgency(talk: &Talk<'_>) -> (u8, &'static str) {
    let decision = talk.effect.decision.as_ref().map(|decision| decision.answer);
    match talk.effect.tell {
        Told::StopPulled | Told::IncidentOpened => (5, "rotating_light"),
        Told::ApprovalWanted => (4, "raised_hand"),
        Told::GateDecided if decision == Some(Decision::Deny) => (4, "no_entry"),
        Told::ApprovalRefused => (4, "no_entry"),
        Told::ChangeOpened | Told::ChangeMoved | Told::ChangeRevised => (2, "memo"),
        Told::ChangeEnded
        | Told::ApprovalGiven
        | Told::GateDecided
        | Told::DeploymentStarted
        | Told::DeploymentEnded
        | Told::StopLifted
        | Told::IncidentResolved
        | Told::IncidentMoved
        | Told::ProblemOpened
        | Told::ProblemMoved
        | Told::ProblemResolved
        | Told::ItemDeclared
        | Told::IntentAnswered
        | Told::ProposalJudged
        | Told::CalendarChanged => (3, "white_check_mark"),
    }
}
