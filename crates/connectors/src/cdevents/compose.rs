//! Effects as CDEvents 0.5.1.
//!
//! Where the specification has an event it is used; a change is a ticket, because its `change` is a proposal of source
//! code. What it has none for is a custom event of the tool `sluice`. Events of one change form a chain, and are linked
//! to the one that opened it.

use serde_json::{Map, Value, json};
use sluice_core::change::ChangeOutcome;
use sluice_core::effect::{ChangeCard, DeploymentCard, Tell as Told};

use crate::kit::answers::cut;
use crate::kit::{percent, words};
use crate::tell::{Receipt, Talk};

const SPECIFICATION: &str = "0.5.1";

/// What an event is about, and how it is called.
struct Composed {
    kind: String,
    subject: String,
    content: Value,
}

/// The event of an effect.
pub(super) fn event(talk: &Talk<'_>, source: &str) -> Value {
    let composed = composed(talk);
    let effect = talk.effect;
    let mut context = json!({
        "specversion": SPECIFICATION,
        "id": id(talk),
        "source": source,
        "type": composed.kind,
        "timestamp": effect.at.to_string(),
    });
    if let Some(card) = &effect.change {
        context["chainId"] = json!(format!("{source}/changes/{}", card.number));
        if let Some(opened) = talk.known.get("opened") {
            context["links"] = json!([link(effect.tell, opened)]);
        }
    }
    json!({
        "context": context,
        "subject": { "id": composed.subject, "source": source, "content": composed.content },
        "customData": details(talk),
        "customDataContentType": "application/json",
    })
}

/// The event that opened a change is remembered: the others are linked to it.
pub(super) fn remembered(talk: &Talk<'_>) -> Receipt {
    match talk.effect.tell {
        Told::ChangeOpened => Receipt::plain().reference("opened", id(talk)),
        _ => Receipt::plain(),
    }
}

/// The same for each attempt: a sink knows by it what it has.
fn id(talk: &Talk<'_>) -> String {
    format!("sluice-{}", talk.effect.key)
}

fn link(tell: Told, opened: &str) -> Value {
    match tell {
        Told::ChangeEnded => json!({ "linkType": "END", "from": { "contextId": opened } }),
        Told::DeploymentStarted | Told::DeploymentEnded => json!({
            "linkType": "RELATION", "linkKind": "CHANGE", "target": { "contextId": opened },
        }),
        _ => json!({ "linkType": "PATH", "from": { "contextId": opened } }),
    }
}

fn composed(talk: &Talk<'_>) -> Composed {
    let effect = talk.effect;
    let ticket = effect.change.as_ref().zip(talk.page());
    let standard = match effect.tell {
        Told::ChangeOpened => ticket.map(|(card, uri)| opened(card, &uri)),
        Told::ChangeMoved | Told::ChangeRevised => ticket.map(|(card, uri)| Composed {
            kind: "dev.cdevents.ticket.updated.0.2.0".to_owned(),
            subject: card.number.to_string(),
            content: json!({ "uri": uri, "summary": card.title, "labels": [card.state.as_str()] }),
        }),
        Told::ChangeEnded => ticket.map(|(card, uri)| closed(card, &uri)),
        Told::DeploymentEnded => effect.deployment.as_ref().and_then(|card| deployed(talk, card)),
        Told::IncidentOpened => incident(talk),
        Told::ApprovalWanted
        | Told::ApprovalGiven
        | Told::ApprovalRefused
        | Told::GateDecided
        | Told::DeploymentStarted
        | Told::StopPulled
        | Told::StopLifted
        | Told::IncidentResolved
        | Told::IncidentMoved
        | Told::ProblemOpened
        | Told::ProblemMoved
        | Told::ProblemResolved
        | Told::ItemDeclared
        | Told::IntentAnswered
        | Told::ProposalJudged
        | Told::CalendarChanged => None,
    };
    standard.unwrap_or_else(|| custom(talk))
}

fn opened(card: &ChangeCard, uri: &str) -> Composed {
    let mut labels: Vec<&str> = card.services.iter().map(|service| service.as_str()).collect();
    labels.extend([card.environment.as_str(), card.kind.as_str()]);
    Composed {
        kind: "dev.cdevents.ticket.created.0.2.0".to_owned(),
        subject: card.number.to_string(),
        content: json!({
            "summary": card.title, "creator": "sluice", "uri": uri, "ticketType": "change",
            "labels": labels,
        }),
    }
}

fn closed(card: &ChangeCard, uri: &str) -> Composed {
    let resolution = match card.outcome {
        Some(ChangeOutcome::Successful | ChangeOutcome::SuccessfulWithIssues) => "completed",
        Some(ChangeOutcome::Unsuccessful) => "unsuccessful",
        Some(ChangeOutcome::RolledBack) => "rolled_back",
        None => "withdrawn",
    };
    Composed {
        kind: "dev.cdevents.ticket.closed.0.2.0".to_owned(),
        subject: card.number.to_string(),
        content: json!({ "summary": card.title, "uri": uri, "resolution": resolution }),
    }
}

/// Only what runs now was deployed; what failed has no event in the specification.
fn deployed(talk: &Talk<'_>, card: &DeploymentCard) -> Option<Composed> {
    let predicate = match card.state.as_str() {
        "succeeded" => "deployed",
        "rolled_back" => "rolledback",
        _ => return None,
    };
    let environment = talk.effect.environment.as_ref()?;
    Some(Composed {
        kind: format!("dev.cdevents.service.{predicate}.0.3.0"),
        subject: card.service.to_string(),
        content: json!({ "environment": { "id": environment }, "artifactId": artifact(card) }),
    })
}

/// By digest where one is known, else by version or commit.
fn artifact(card: &DeploymentCard) -> String {
    let service = &card.service;
    if let Some(digest) = card.artifacts.first() {
        return format!("pkg:oci/{service}@{}", digest.as_str().replace(':', "%3A"));
    }
    let version = card.version.clone().or_else(|| card.commit.as_ref().map(ToString::to_string));
    let version = version.unwrap_or_else(|| "unknown".to_owned());
    format!("pkg:generic/{service}@{}", percent::encode(&version))
}

fn incident(talk: &Talk<'_>) -> Option<Composed> {
    let effect = talk.effect;
    let (service, environment) = (effect.services.first()?, effect.environment.as_ref()?);
    Some(Composed {
        kind: "dev.cdevents.incident.detected.0.3.0".to_owned(),
        subject: effect.entity.clone(),
        content: json!({
            "description": words::what(talk), "environment": { "id": environment }, "service": { "id": service },
        }),
    })
}

/// An event of our own: `dev.cdeventsx.sluice-<subject>.<predicate>.0.1.0`.
fn custom(talk: &Talk<'_>) -> Composed {
    let effect = talk.effect;
    let mut content = Map::new();
    content.insert("description".to_owned(), json!(words::what(talk)));
    if let Some(environment) = &effect.environment {
        content.insert("environment".to_owned(), json!({ "id": environment }));
    }
    if let Some(decision) = &effect.decision {
        let reasons: Vec<Value> = words::why(talk)
            .map(|why| json!({ "rule": why.rule, "message": cut(&why.message, 300), "passIf": cut(&why.pass_if, 300) }))
            .collect();
        content.insert("answer".to_owned(), json!(decision.answer.as_str()));
        content.insert("reasons".to_owned(), json!(reasons));
    }
    if let Some(card) = &effect.deployment {
        content.insert("state".to_owned(), json!(card.state));
        content.insert("artifactId".to_owned(), json!(artifact(card)));
    }
    Composed {
        kind: format!("dev.cdeventsx.sluice-{}.0.1.0", effect.tell.as_str()),
        subject: effect.entity.clone(),
        content: Value::Object(content),
    }
}

/// What the specification has no place for.
fn details(talk: &Talk<'_>) -> Value {
    let effect = talk.effect;
    let mut details = json!({ "tell": effect.tell.as_str(), "services": effect.services });
    if let Some(card) = &effect.change {
        details["change"] = json!({
            "number": card.number.to_string(), "state": card.state.as_str(), "type": card.kind.as_str(),
            "risk": card.risk.map(|risk| risk.as_str()), "revision": card.revision.as_str(),
            "commit": card.commit.as_ref().map(ToString::to_string), "version": card.version,
        });
    }
    details
}
