//! Deployments of which no outcome is told: their run was killed, or cannot reach us. Nothing waits for them for ever.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::decide::end;
use super::{Deployment, DeploymentReport, DeploymentState, Health};
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
        let known = after.deployments.get(&number).cloned();
        for event in end(&after, number, known.as_deref(), report, now).unwrap_or_default() {
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
    end(standing, number, Some(deployment), without_outcome(reason.to_owned()), now)
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
