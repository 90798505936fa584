//! Effects: what an external system should be told, derived from events and from nothing else.
//!
//! An effect says all that a neighbour needs to know, as of its event: whoever tells it later looks at nothing
//! else, so it does not matter how late it is told. Effects on one record are told in their order; one that comes
//! again says the same as the first time, under the same key. People are in it by opaque id only.

mod card;
mod tell;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::card::{
    ChangeCard, CheckCard, ClosedSpan, DecisionCard, DeploymentCard, IncidentCard, ItemCard,
    ProblemCard, ReplyCard,
};
pub use self::tell::{Subject, Subscription, Tell};
use crate::change::{Change, Evidence};
use crate::deployment::Deployment;
use crate::deployment::event::{Corrected, Started};
use crate::event::Event;
use crate::gate::event::GateDecided;
use crate::ids::{EnvironmentName, LinkName, ServiceName};
use crate::incident::Incident;
use crate::organisation::{Item, Service};
use crate::problem::Problem;
use crate::scope::Scope;
use crate::stop::Stop;

/// The most reasons that are told of a decision.
const MOST_REASONS: usize = 20;

/// The most pieces of evidence that are told of a decision.
const MOST_EVIDENCE: usize = 50;

/// The most records that an effect hangs together with.
const MOST_RELATED: usize = 50;

/// Something that an external system should be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Stable key: telling it twice is the same as once.
    pub key: String,
    /// The record it is about; effects on one record are told in order.
    pub entity: String,
    /// What is told.
    pub tell: Tell,
    /// When it happened.
    pub at: Timestamp,
    /// In words, one line.
    pub line: String,
    /// Where it lies, for subscriptions.
    pub services: BTreeSet<ServiceName>,
    /// The environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// What a stop covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The change as it stands after the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeCard>,
    /// The decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionCard>,
    /// The deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentCard>,
    /// The incident as it stands after the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentCard>,
    /// The problem as it stands after the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemCard>,
    /// The configuration item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemCard>,
    /// Whom alone it is said to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<ReplyCard>,
    /// The check of a proposal that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckCard>,
    /// When nothing may go, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<ClosedSpan>,
}

/// How long the ledger was when an effect of this key was derived, or was owed anew; none where no entry tells of it.
pub fn entry_of(key: &str) -> Option<u64> {
    let anew = key.rsplit_once(":again").and_then(|(_, size)| size.parse().ok());
    anew.or_else(|| key.split(':').next()?.parse().ok())
}

impl Effect {
    /// One that no event tells of, about a record of its own.
    pub fn aside(entity: String, key: String, tell: Tell, at: Timestamp, line: String) -> Self {
        Self {
            key,
            entity,
            tell,
            at,
            line,
            services: BTreeSet::new(),
            environment: None,
            scope: None,
            change: None,
            decision: None,
            deployment: None,
            incident: None,
            problem: None,
            item: None,
            reply: None,
            check: None,
            closed: Vec::new(),
        }
    }
}

/// What is known beside an event when its effects are derived.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The change that the event altered, as it stands after it.
    pub change: Option<&'a Change>,
    /// The deployment that the event ended, as it stood before.
    pub deployment: Option<&'a Deployment>,
    /// The stop that the event lifted.
    pub stop: Option<&'a Stop>,
    /// The incident that the event is about, as it stands after it.
    pub incident: Option<&'a Incident>,
    /// The problem that the event is about, as it stands after it; of an incident, the one that it belongs to.
    pub problem: Option<&'a Problem>,
    /// The link that caused it.
    pub link: Option<&'a LinkName>,
}

/// Whether anybody could be told of such an event.
pub fn tell_of(event: &Event) -> Option<Tell> {
    Some(match event {
        Event::ChangeProposed(_) => Tell::ChangeOpened,
        Event::ChangeAssessed(_)
        | Event::ChangeAuthorized(_)
        | Event::ChangeScheduled(_)
        | Event::ChangeImplementationStarted(_)
        | Event::ChangeImplementationEnded(_) => Tell::ChangeMoved,
        Event::ChangeRevised(_) | Event::ChangeKindSet(_) => Tell::ChangeRevised,
        Event::ChangeClosed(_) | Event::ChangeCanceled(_) => Tell::ChangeEnded,
        Event::ChangeAuthorizationRequested(_) | Event::ChangeReminded(_) => Tell::ApprovalWanted,
        Event::ChangeApproved(_) => Tell::ApprovalGiven,
        Event::ChangeRejected(_) => Tell::ApprovalRefused,
        Event::GateDecided(_) => Tell::GateDecided,
        Event::DeploymentStarted(_) => Tell::DeploymentStarted,
        Event::DeploymentEnded(_) | Event::DeploymentCorrected(_) => Tell::DeploymentEnded,
        Event::StopPulled(_) => Tell::StopPulled,
        Event::StopLifted(_) => Tell::StopLifted,
        Event::IncidentOpened(_) => Tell::IncidentOpened,
        Event::IncidentMoved(_) => Tell::IncidentMoved,
        Event::IncidentResolved(_) => Tell::IncidentResolved,
        Event::ProblemOpened(_) => Tell::ProblemOpened,
        Event::ProblemLinked(_) | Event::ProblemMoved(_) => Tell::ProblemMoved,
        Event::ProblemResolved(_) => Tell::ProblemResolved,
        Event::ItemDeclared(event) if matches!(event.item, Item::Service(_)) => Tell::ItemDeclared,
        // The one fall-through: of everything else nobody outside is told.
        _ => return None,
    })
}

/// What should be told because of `event`, the ledger's entry `index`, in order; nothing where nobody would be told.
pub fn effects(event: &Event, index: u64, at: Timestamp, around: Around<'_>) -> Vec<Effect> {
    // By asking people a change comes to another state, which those who are told of changes want to know.
    let moved = match event {
        Event::ChangeAuthorizationRequested(_) => Some(Tell::ChangeMoved),
        _ => None,
    };
    let tells = moved.into_iter().chain(tell_of(event));
    tells.map(|tell| effect(event, tell, (index, at), around)).collect()
}

fn effect(event: &Event, tell: Tell, (index, at): (u64, Timestamp), around: Around<'_>) -> Effect {
    let card = around.change.map(ChangeCard::of);
    let key = format!("{index}:{}", tell.as_str());
    let entity = card.as_ref().map_or_else(String::new, |card| card.number.to_string());
    let mut effect = Effect {
        services: card.as_ref().map(|card| card.services.clone()).unwrap_or_default(),
        environment: card.as_ref().map(|card| card.environment.clone()),
        change: card,
        ..Effect::aside(entity, key, tell, at, String::new())
    };
    fill(&mut effect, event, around);
    if effect.line.is_empty() {
        effect.line = line_of_change(&effect);
    }
    effect
}

fn fill(effect: &mut Effect, event: &Event, around: Around<'_>) {
    match event {
        Event::GateDecided(event) => {
            effect.named(event.decision.as_str(), &event.service, &event.environment);
            effect.line = format!(
                "the gate says {} to {} in {}",
                event.answer.as_str(),
                event.service,
                event.environment
            );
            effect.decision = Some(decided(event, around));
        }
        Event::DeploymentStarted(Started { deployment })
        | Event::DeploymentCorrected(Corrected { deployment, .. }) => {
            let number = deployment.number.to_string();
            effect.named(&number, &deployment.service, &deployment.environment);
            effect.deployed(&number, deployment.state.as_str(), Some(deployment));
        }
        Event::DeploymentEnded(event) => {
            let number = event.deployment.to_string();
            effect.named(&number, &event.service, &event.environment);
            effect.deployment = Some(DeploymentCard {
                number: number.clone(),
                service: event.service.clone(),
                state: event.report.state.as_str().to_owned(),
                version: None,
                commit: None,
                run: None,
                started_at: event.report.started_at,
                artifacts: BTreeSet::new(),
            });
            effect.deployed(&number, event.report.state.as_str(), around.deployment);
        }
        Event::StopPulled(event) => {
            effect.entity = format!("stop/{}", event.stop.id);
            effect.scope = Some(event.stop.scope.clone());
            effect.line = format!("the line is stopped: {}", event.stop.reason);
        }
        Event::StopLifted(event) => {
            effect.entity = format!("stop/{}", event.stop);
            effect.scope = around.stop.map(|stop| stop.scope.clone());
            effect.line = format!("a stop is lifted: {}", event.reason);
        }
        Event::IncidentOpened(_) | Event::IncidentMoved(_) | Event::IncidentResolved(_) => {
            around.incident.into_iter().for_each(|incident| effect.disturbed(incident));
            if let Some(card) = &mut effect.incident {
                card.problem = around.problem.map(|problem| problem.number);
            }
        }
        Event::ProblemOpened(_)
        | Event::ProblemLinked(_)
        | Event::ProblemMoved(_)
        | Event::ProblemResolved(_) => {
            around.problem.into_iter().for_each(|problem| effect.caused(problem));
        }
        Event::ItemDeclared(event) => {
            if let Item::Service(service) = &event.item {
                effect.declared(service);
            }
        }
        Event::ChangeCanceled(event) => {
            effect.line = format!("{} is canceled: {}", event.change, event.because);
        }
        Event::ChangeClosed(event) if !event.note.is_empty() => {
            effect.line =
                format!("{} is closed, {}: {}", event.change, event.outcome.as_str(), event.note);
        }
        // Whatever is about a change alone is said by how the change stands.
        _ => {}
    }
}

fn decided(event: &GateDecided, around: Around<'_>) -> DecisionCard {
    DecisionCard {
        id: event.decision.to_string(),
        answer: event.answer,
        service: event.service.clone(),
        reasons: event.reasons.iter().take(MOST_REASONS).cloned().collect(),
        until: event.until,
        run: event.run().cloned(),
        asked_by: around.link.cloned(),
        evidence: evidence_of(around.change),
        policy: Some(event.policy.clone()),
        input: Some(event.input.clone()),
        expires_at: event.pass.as_ref().map(|pass| pass.expires_at),
    }
}

impl Effect {
    /// The records that it hangs together with, which a neighbour may have records of its own for.
    pub fn related(&self) -> Vec<String> {
        let mut related: Vec<String> = Vec::new();
        if let Some(card) = &self.incident {
            related.extend(card.change.map(|number| number.to_string()));
            related.extend(card.problem.map(|number| number.to_string()));
        }
        if let Some(card) = &self.problem {
            related.extend(card.incidents.iter().map(ToString::to_string));
            related.extend(card.changes.iter().map(ToString::to_string));
        }
        // A record over there names one service.
        related.extend(self.services.first().map(ItemCard::entity));
        related.truncate(MOST_RELATED);
        related
    }
}

/// As much of a change's evidence as is told.
fn evidence_of(change: Option<&Change>) -> Vec<Evidence> {
    let evidence = change.into_iter().flat_map(|change| &change.evidence);
    evidence.take(MOST_EVIDENCE).cloned().collect()
}

fn listed(services: &BTreeSet<ServiceName>) -> String {
    let names: Vec<&str> = services.iter().map(|service| service.as_str()).collect();
    names.join(", ")
}

fn line_of_change(effect: &Effect) -> String {
    let Some(card) = &effect.change else { return effect.tell.as_str().to_owned() };
    let number = card.number;
    match effect.tell {
        Tell::ChangeOpened => format!("{number} is opened: {}", card.title),
        Tell::ChangeRevised => format!("{number} has a new revision"),
        Tell::ChangeEnded => match card.outcome {
            Some(outcome) => format!("{number} is closed, {}", outcome.as_str()),
            None => format!("{number} is {}", card.state.as_str()),
        },
        Tell::ApprovalWanted => format!("{number} waits for approval: {}", card.title),
        Tell::ApprovalGiven => format!("{number} got an approval"),
        Tell::ApprovalRefused => format!("{number} was rejected"),
        Tell::ChangeMoved
        | Tell::GateDecided
        | Tell::DeploymentStarted
        | Tell::DeploymentEnded
        | Tell::StopPulled
        | Tell::StopLifted
        | Tell::IncidentOpened
        | Tell::IncidentMoved
        | Tell::IncidentResolved
        | Tell::ProblemOpened
        | Tell::ProblemMoved
        | Tell::ProblemResolved
        | Tell::ItemDeclared
        | Tell::IntentAnswered
        | Tell::ProposalJudged
        | Tell::CalendarChanged => format!("{number} is in {}", card.state.as_str()),
    }
}

impl Effect {
    fn named(&mut self, id: &str, service: &ServiceName, environment: &EnvironmentName) {
        if self.entity.is_empty() {
            self.entity = id.to_owned();
        }
        self.services.insert(service.clone());
        self.environment.get_or_insert_with(|| environment.clone());
    }

    fn disturbed(&mut self, incident: &Incident) {
        let number = incident.number;
        self.entity = number.to_string();
        self.services.extend(incident.services.iter().cloned());
        let environment = incident.environment.as_deref();
        self.environment = environment.and_then(|name| EnvironmentName::parse(name).ok());
        let services = listed(&incident.services);
        self.line = match self.tell {
            Tell::IncidentOpened => format!("incident on {services}: {}", incident.title),
            Tell::IncidentResolved => format!("incident {number} is over: {}", incident.title),
            _ => format!("incident {number} is {}", incident.state.as_str()),
        };
        self.incident = Some(IncidentCard::of(incident));
    }

    fn caused(&mut self, problem: &Problem) {
        let number = problem.number;
        self.entity = number.to_string();
        self.services.extend(problem.services.iter().cloned());
        let services = listed(&problem.services);
        self.line = match self.tell {
            Tell::ProblemOpened => format!("problem in {services}: {}", problem.title),
            Tell::ProblemResolved => format!("problem {number} is over: {}", problem.title),
            _ => format!("problem {number} is {}", problem.state.as_str()),
        };
        self.problem = Some(ProblemCard::of(problem));
    }

    /// Says that a service is a configuration item.
    pub fn declared(&mut self, service: &Service) {
        self.entity = ItemCard::entity(&service.name);
        self.services.insert(service.name.clone());
        self.line = format!("{} is declared", service.name);
        self.item = Some(ItemCard::of(service));
    }

    fn deployed(&mut self, number: &str, state: &str, deployment: Option<&Deployment>) {
        if let Some(known) = deployment {
            self.deployment = Some(DeploymentCard {
                number: number.to_owned(),
                service: known.service.clone(),
                state: state.to_owned(),
                version: known.version.clone(),
                commit: known.commit.clone(),
                run: known.run.clone(),
                started_at: Some(known.started_at),
                artifacts: known.artifacts.clone(),
            });
        }
        let Some(card) = &self.deployment else { return };
        let version = card.version.as_deref().unwrap_or("a version");
        self.line = format!("{number}: {} {version} is {state}", card.service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_is_read_from_its_word() {
        for subject in Subject::ALL {
            assert_eq!(Subject::parse(subject.as_str()), Some(subject));
        }
        assert_eq!(Subject::parse("weather"), None);
    }

    #[test]
    fn only_the_last_state_of_a_change_is_told_of_what_was_recorded_at_once() {
        assert!(Tell::ChangeMoved.is_superseded_by(Tell::ChangeMoved));
        assert!(Tell::ChangeMoved.is_superseded_by(Tell::ChangeEnded));
        assert!(!Tell::ChangeOpened.is_superseded_by(Tell::ChangeMoved));
        assert!(!Tell::ChangeRevised.is_superseded_by(Tell::ChangeMoved));
        assert!(Tell::ChangeRevised.is_superseded_by(Tell::ChangeRevised));
        assert!(Tell::ChangeRevised.is_superseded_by(Tell::ChangeEnded));
        assert!(!Tell::GateDecided.is_superseded_by(Tell::ChangeMoved));
    }
}
