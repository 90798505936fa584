//! Microsoft Teams: an adaptive card by a workflow that takes requests. The workflow's address is the credential.

use serde_json::{Value, json};

use super::Channel;
use super::config::Config;
use crate::kit::answers;
use crate::kit::settings::Settings;
use crate::kit::words;
use crate::tell::{Ask, Exchange, Session, Step, Talk, Verb};

/// The most that a card may have, in characters of its reasons.
const MOST: usize = 6;

pub(super) struct Teams;

impl Channel for Teams {
    fn kind(&self) -> &'static str {
        "teams"
    }

    fn about(&self) -> &'static str {
        "Microsoft Teams cards by a workflow: what, why, until when, what to do, and a link to the page"
    }

    fn example(&self) -> &'static str {
        r#"{ "url": "https://prod-12.westeurope.logic.azure.com" }"#
    }

    fn settings(&self, settings: &mut Settings<'_>) -> Config {
        Config::of(settings.base_url("url", None), "workflow_url")
    }

    /// The whole address is a secret; it has to lead to the host that the settings name, and to nowhere else.
    fn say(&self, config: &Config, talk: &Talk<'_>) -> Result<Option<Ask>, &'static str> {
        let given = talk
            .credentials
            .text("workflow_url")
            .ok_or("the address of the workflow is not there")?;
        let same = url::Url::parse(given).ok().zip(url::Url::parse(&config.url).ok());
        if !same.is_some_and(|(given, named)| given.origin() == named.origin()) {
            return Err("the address of the workflow is not of the host that the settings name");
        }
        Ok(Some(Ask::new("say", Verb::Post, given).json(&card(talk))))
    }

    fn said(&self, sent: &Exchange) -> Result<(), Step<()>> {
        let reply = answers::success(sent)?;
        let page = answers::header(reply, "content-type")
            .is_some_and(|kind| kind.starts_with("text/html"));
        // `202` is the answer of a workflow; whoever shows a page is something else.
        if reply.status == 202 || (!page && reply.status == 200) {
            Ok(())
        } else {
            Err(answers::not_understood("the answer is not that of a workflow"))
        }
    }

    fn test(&self, config: &Config, session: &Session) -> Ask {
        Ask::new("test", Verb::Get, config.url.clone()).by(session)
    }
}

fn card(talk: &Talk<'_>) -> Value {
    let block = |text: &str, weight: &str| json!({ "type": "TextBlock", "wrap": true, "weight": weight, "text": plain(text) });
    let mut body = vec![block(&words::what(talk), "Bolder")];
    if let Some(card) = &talk.effect.change {
        let fact = |title: &str, value: &str| json!({ "title": title, "value": plain(value) });
        let services: Vec<&str> = card.services.iter().map(|service| service.as_str()).collect();
        let mut facts = vec![
            fact("Change", &format!("{}: {}", card.number, card.title)),
            fact("State", card.state.as_str()),
            fact("Services", &services.join(", ")),
            fact("Environment", card.environment.as_str()),
        ];
        facts.extend(card.risk.map(|risk| fact("Risk", risk.as_str())));
        body.push(json!({ "type": "FactSet", "facts": facts }));
    }
    body.extend(
        words::why(talk)
            .take(MOST)
            .map(|why| block(&format!("- {}", words::reason(why)), "Default")),
    );
    body.extend(words::until(talk).map(|until| block(&format!("Until {until}"), "Default")));
    body.extend(words::to_do(talk).map(|to_do| block(to_do, "Default")));
    let actions: Vec<Value> = talk
        .page()
        .map(|page| json!({ "type": "Action.OpenUrl", "title": "Look and decide", "url": page }))
        .into_iter()
        .collect();
    json!({ "type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard", "version": "1.4", "body": body, "actions": actions,
        },
    }] })
}

/// Cards know a part of Markdown: what could make a link is shown as it is.
fn plain(text: &str) -> String {
    answers::cut(text, 1_000).replace('[', "\\[").replace(']', "\\]")
}
