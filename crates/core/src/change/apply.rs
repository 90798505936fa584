//! What an event makes of a change. Never fails, never judges, never looks at a clock.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Begun, Change, ChangeKind, ChangeState, Evidence, Look, event};
use crate::deployment::{Deployment, DeploymentState};
use crate::event::Event;
use crate::ids::{DeploymentNumber, ServiceName};

/// The change after `event`, or `None` where the event is not about a change or the change is not there.
pub fn apply(change: Option<&Change>, event: &Event, at: Timestamp) -> Option<Change> {
    if let Event::ChangeProposed(event) = event {
        return Some(proposed(event, at));
    }
    let mut change = change?.clone();
    if !noted(&mut change, event, at) {
        change.updated_at = at;
        change.version_of_record += 1;
        alter(&mut change, event, at);
    }
    Some(change)
}

/// What is written beside a change and does not alter it: a form that somebody fills in meanwhile stays good.
fn noted(change: &mut Change, event: &Event, at: Timestamp) -> bool {
    match event {
        Event::ChangeCommented(_) => {
            change.comments = change.comments.saturating_add(1);
            change.updated_at = at;
        }
        // Nothing has happened to it: what counts from when something last did goes on.
        Event::ChangeReminded(_) => change.reminded_at = Some(at),
        Event::ChangeEvidenceOpened(event) => change.looks.push(Look {
            person: event.person.clone(),
            revision: event.revision.clone(),
            kind: event.kind.clone(),
            name: event.name.clone(),
            at,
        }),
        _ => return false,
    }
    true
}

fn proposed(event: &event::Proposed, at: Timestamp) -> Change {
    Change {
        number: event.change,
        state: ChangeState::New,
        kind: event.kind,
        model: event.model.clone(),
        title: event.title.clone(),
        emergency_reason: event.emergency_reason.clone(),
        services: event.services.clone(),
        environment: event.environment.clone(),
        origin: event.origin.clone(),
        runs: event.run.iter().cloned().collect(),
        version: event.version.clone(),
        artifacts: event.artifacts.clone(),
        revision: event.revision.clone(),
        risk: None,
        involved: event.involved.clone(),
        authors_stated: BTreeSet::new(),
        evidence: Vec::new(),
        approvals: Vec::new(),
        debts: Vec::new(),
        deployments: BTreeSet::new(),
        running: BTreeSet::new(),
        begun: None,
        deployed: BTreeSet::new(),
        last_decision: None,
        waiting: false,
        opened_at: at,
        updated_at: at,
        implemented_at: None,
        ended_at: None,
        outcome: None,
        reminded_at: None,
        version_of_record: 1,
        comments: 0,
        looks: Vec::new(),
    }
}

#[expect(clippy::too_many_lines, reason = "the table of contents: one arm for each event")]
fn alter(change: &mut Change, event: &Event, at: Timestamp) {
    match event {
        Event::ChangeRevised(event) => {
            change.origin = event.origin.clone();
            change.artifacts = event.artifacts.clone();
            change.version = event.version.clone();
            change.revision = event.revision.clone();
        }
        Event::ChangeJoined(event) => {
            change.runs.retain(|run| *run != event.run);
            change.runs.push(event.run.clone());
        }
        Event::ChangeKindSet(event) => {
            change.kind = event.kind;
            change.model = event.model.clone();
            if event.kind == ChangeKind::Emergency {
                change.emergency_reason = Some(event.because.clone());
            }
        }
        Event::ChangeInvolved(event) => {
            change.involved.extend(event.involved.iter().cloned());
            change.authors_stated.extend(event.stated_of.iter().cloned());
        }
        Event::ChangeEvidenceAdded(event) => add_evidence(&mut change.evidence, &event.evidence),
        Event::ChangeAssessed(event) => {
            change.risk = Some(event.risk.clone());
            if change.state == ChangeState::New {
                change.state = ChangeState::Assess;
            }
        }
        Event::ChangeAuthorizationRequested(_) => change.state = ChangeState::Authorize,
        Event::ChangeApproved(event::Approved { approval, .. })
        | Event::ChangeRejected(event::Rejected { approval, .. }) => {
            change.approvals.push(approval.clone());
        }
        Event::ChangeAuthorized(_) => change.state = ChangeState::Authorize,
        Event::ChangeScheduled(_) => change.state = ChangeState::Scheduled,
        Event::ChangeImplementationStarted(_) => {
            change.state = ChangeState::Implement;
            change.implemented_at.get_or_insert(at);
        }
        Event::ChangeImplementationEnded(_) => {
            change.state = ChangeState::Review;
            // Nothing of it is under way: what begins after this begins anew.
            change.begun = None;
        }
        Event::ChangeDebtIncurred(event) => change.debts.extend(event.debts.iter().cloned()),
        Event::ChangeDebtSettled(event) => {
            for debt in &mut change.debts {
                if debt.kind == event.kind && debt.of == event.of && debt.settled_at.is_none() {
                    debt.settled_at = Some(at);
                }
            }
        }
        Event::ChangeClosed(event) => {
            change.state = ChangeState::Closed;
            change.outcome = Some(event.outcome);
            change.ended_at = Some(at);
            change.waiting = false;
        }
        Event::ChangeCanceled(_) => {
            change.state = ChangeState::Canceled;
            change.ended_at = Some(at);
            change.waiting = false;
        }
        Event::GateDecided(event) => {
            change.last_decision = Some((event.decision.clone(), event.answer));
            change.waiting = event.answer == crate::gate::Decision::Wait;
        }
        Event::DeploymentStarted(event) => {
            change.deployments.insert(event.deployment.number);
            change.running.insert(event.deployment.number);
            change.begun = begun(change.begun.take(), &event.deployment);
        }
        Event::DeploymentEnded(event) => {
            change.running.remove(&event.deployment);
            change.begun = change.begun.take().and_then(|begun| without(begun, event.deployment));
            if !event.outdated {
                follow(change, &event.service, event.report.state);
            }
        }
        Event::DeploymentCorrected(event) if event.change_follows => {
            follow(change, &event.deployment.service, event.deployment.state);
        }
        // Recorded on the change's stream for the auditor; nothing follows from it.
        Event::ChangeApprovalRefused(_) => {}
        // The one fall-through: events of other streams do not reach a change.
        _ => {}
    }
}

/// A service is deployed by how its last deployment under the change ended.
fn follow(change: &mut Change, service: &ServiceName, state: DeploymentState) {
    if state == DeploymentState::Succeeded {
        change.deployed.insert(service.clone());
    } else {
        change.deployed.remove(service);
    }
}

/// A deployment of another commit is another thing than what was begun before; one of no known commit is nothing that
/// could go on. Neither is one that began without a pass: what runs was seen, and nobody let it.
fn begun(before: Option<Begun>, deployment: &Deployment) -> Option<Begun> {
    let commit = deployment.commit.clone()?;
    let before = before.filter(|before| before.commit == commit);
    if deployment.pass.is_none() {
        return before;
    }
    let (mut artifacts, mut running) =
        before.map(|before| (before.artifacts, before.running)).unwrap_or_default();
    artifacts.insert(deployment.service.clone(), deployment.artifacts.clone());
    running.insert(deployment.number);
    Some(Begun { commit, artifacts, running })
}

/// What is begun yet when a deployment has ended.
fn without(mut begun: Begun, ended: DeploymentNumber) -> Option<Begun> {
    begun.running.remove(&ended);
    (!begun.running.is_empty()).then_some(begun)
}

/// Newer evidence takes the place of older of the same type and name.
fn add_evidence(present: &mut Vec<Evidence>, brought: &[Evidence]) {
    for evidence in brought {
        present.retain(|old| (&old.kind, &old.name) != (&evidence.kind, &evidence.name));
        present.push(evidence.clone());
    }
}
