//! Deployments of which no outcome is told: their run was killed, or cannot reach us. Nothing waits for them for ever.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::decide::end;
use super::{Deployment, DeploymentReport, DeploymentState, Health, late};
use crate::event::Event;
use crate::ids::DeploymentNumber;
use crate::organisation::Organisation;
use crate::refusal::Refusal;
use crate::standing::{Actor, Recorded, Standing};
use crate::stop::reason_given;

/// Until when the outcome of a deployment is waited for.
pub fn waited_for(deployment: &Deployment, organisation: &Organisation) -> Timestamp {
    let longest = SignedDuration::from_hours(organisation.settings.outcome_hours.into());
    deployment.started_at.saturating_add(longest).unwrap_or(Timestamp::MAX)
}

/// What time alone makes of deployments: those whose outcome was never told end as failed, their health unknown. At most
/// `most` of them.
pub fn overdue(standing: &Standing, now: Timestamp, most: usize) -> Vec<Event> {
    let organisation = &standing.organisation;
    let is_due = |deployment: &&Arc<Deployment>| {
        deployment.state == DeploymentState::Running && waited_for(deployment, organisation) <= now
    };
    let due: Vec<DeploymentNumber> =
        standing.deployments.values().filter(is_due).take(most).map(|due| due.number).collect();
    let hours = organisation.settings.outcome_hours;
    let (mut after, mut events) = (standing.clone(), Vec::new());
    for number in due {
        let report = without_outcome(format!("no outcome was told within {hours} hours"));
        let Some(known) = after.deployments.get(&number).cloned() else { continue };
        for event in end_untold(&after, &known, report, now).unwrap_or_default() {
            // Each goes by what the one before has left: incidents are numbered, and changes have several deployments.
            let recorded = Recorded { index: after.size, at: now, actor: Actor::Sluice, event };
            after.apply(&recorded);
            events.push(recorded.event);
        }
    }
    events
}

/// A person ends a deployment whose outcome is not told: its run was killed, or cannot reach us.
///
/// Checks, in order: a reason is given; the deployment runs.
pub fn give_up(
    standing: &Standing,
    deployment: &Deployment,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    reason_given(reason)?;
    let number = deployment.number;
    if deployment.state != DeploymentState::Running {
        return Err(Refusal::conflict(
            "already_ended",
            format!("{number} has ended as {} already", deployment.state.as_str()),
            "nothing is left to do",
        ));
    }
    end_untold(standing, deployment, without_outcome(reason.to_owned()), now)
}

/// Ends a deployment for want of news. What has come to run at its place since then goes on as it is.
pub(super) fn end_untold(
    standing: &Standing,
    deployment: &Deployment,
    report: DeploymentReport,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let mut events = end(standing, deployment.number, Some(deployment), report, now)?;
    let outdated = late::is_outdated(standing, deployment);
    for event in &mut events {
        if let Event::DeploymentEnded(ended) = event {
            (ended.untold, ended.outdated) = (true, outdated);
        }
    }
    Ok(events)
}

pub(super) fn without_outcome(note: String) -> DeploymentReport {
    DeploymentReport {
        state: DeploymentState::Failed,
        started_at: None,
        ended_at: None,
        health: Some(Health::Unknown),
        note,
        rollback: None,
    }
}
