//! What starts and ends a deployment, and what that means for its change.

use jiff::{SignedDuration, Timestamp};

use super::untold::{end_untold, without_outcome};
use super::{Deployment, DeploymentReport, DeploymentState, Health, StartReport, event, late};
use crate::change::{self, Change, ChangeOutcome, ChangeState};
use crate::event::Event;
use crate::ids::DeploymentNumber;
use crate::incident;
use crate::organisation::event::{ModelEarned, ModelLost};
use crate::refusal::Refusal;
use crate::standing::{ModelRecord, Standing};

/// How far the clock of whoever reports may differ from ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// A deployment begins. Where no change says what is at work at its place, it ends the one before it there, of which
/// no outcome was told: its own will say how the place stands.
pub fn start(standing: &Standing, report: StartReport) -> (DeploymentNumber, Vec<Event>) {
    let number = DeploymentNumber(standing.deployments_counted + 1);
    let change = report.change;
    let place = standing.place(&report.service, &report.environment);
    let replaces = place.and_then(|place| place.ran.last()).map(|ran| ran.commit.clone());
    let mut events: Vec<Event> = Vec::new();
    let untold = standing.deployments.values().filter(|older| {
        older.state == DeploymentState::Running
            && change.is_none()
            && older.change.is_none()
            && (&older.service, &older.environment) == (&report.service, &report.environment)
    });
    for older in untold {
        let untold = without_outcome(format!("no outcome was told before {number} began"));
        events.extend(end_untold(standing, older, untold, report.at).unwrap_or_default());
    }
    events.push(
        event::Started {
            deployment: Deployment {
                number,
                change,
                service: report.service,
                environment: report.environment,
                state: DeploymentState::Running,
                version: report.version,
                commit: report.commit,
                artifacts: report.artifacts,
                run: report.run,
                pass: report.pass,
                strategy: report.strategy,
                replaces,
                started_at: report.at,
                report: None,
                untold: false,
            },
        }
        .into(),
    );
    let known = change.and_then(|number| standing.changes.get(&number));
    if let Some(change) =
        known.filter(|change| !change.state.is_over() && change.state != ChangeState::Implement)
    {
        events.push(
            change::event::ImplementationStarted { change: change.number, deployment: number }
                .into(),
        );
    }
    (number, events)
}

/// A deployment ends, or is undone after it had ended. What had ended for want of news is corrected.
///
/// Checks, in order: the deployment is known; the report says how it ended; its times make sense; it has not
/// ended the same way before, as far as that was told.
pub fn end(
    standing: &Standing,
    number: DeploymentNumber,
    deployment: Option<&Deployment>,
    mut report: DeploymentReport,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let deployment = deployment.ok_or_else(|| {
        Refusal::missing(
            "deployment_unknown",
            format!("there is no deployment {number}"),
            "check the number",
        )
    })?;
    check(deployment, &report, now)?;
    report.ended_at.get_or_insert(now);
    report.started_at.get_or_insert(deployment.started_at);
    let state = report.state;
    let health = report.health.unwrap_or(Health::Unknown);
    let reason = match &report.rollback {
        Some(rollback) => rollback.reason.clone(),
        None if report.note.is_empty() => format!("deployment {}", state.as_str()),
        None => report.note.clone(),
    };
    let corrected = late::corrected(standing, deployment, &report);
    let change = deployment.change.and_then(|number| standing.changes.get(&number));
    let change = change.filter(|_| corrected.as_ref().is_none_or(|event| event.change_follows));
    let mut events: Vec<Event> = vec![match corrected {
        Some(corrected) => corrected.into(),
        None => event::Ended {
            deployment: number,
            change: deployment.change,
            service: deployment.service.clone(),
            environment: deployment.environment.clone(),
            report,
            untold: false,
            outdated: false,
        }
        .into(),
    }];
    let proven_bad = state == DeploymentState::RolledBack || health == Health::Unhealthy;
    let digests = late::to_deny(standing, deployment);
    if proven_bad && !digests.is_empty() {
        let service = deployment.service.clone();
        events.push(event::DigestDenied { digests, service, deployment: number, reason }.into());
    }
    if let Some(change) = change {
        follow(standing, change, deployment, state, health, &mut events);
    }
    events.extend(incident::after_deployment(standing, deployment, state, health));
    Ok(events)
}

fn check(
    deployment: &Deployment,
    report: &DeploymentReport,
    now: Timestamp,
) -> Result<(), Refusal> {
    let number = deployment.number;
    if report.state == DeploymentState::Running {
        return Err(Refusal::invalid(
            "outcome_missing",
            "a report says how the deployment ended",
            "give `state` as `succeeded`, `failed` or `rolled_back`",
        ));
    }
    if report.note.len() > 4096 {
        return Err(Refusal::invalid(
            "note_too_long",
            "`note` has more than 4096 characters",
            "link to the log instead",
        ));
    }
    check_times(deployment, report, now)?;
    let ended = report.ended_at.unwrap_or(now);
    if report.started_at.is_some_and(|began| ended < began) {
        return Err(Refusal::invalid(
            "ended_before_start",
            format!("{number} ended before it began"),
            "check `started_at` and `ended_at`",
        ));
    }
    match (deployment.state, report.state) {
        _ if deployment.untold => Ok(()),
        (before, after) if before == after => Err(Refusal::conflict(
            "already_ended",
            format!("{number} has ended as {} already", after.as_str()),
            "nothing is left to do",
        )),
        (DeploymentState::RolledBack, _)
        | (DeploymentState::Failed, DeploymentState::Succeeded) => Err(Refusal::conflict(
            "already_ended",
            format!("{number} has ended as {}", deployment.state.as_str()),
            "start a new deployment through the gate",
        )),
        _ => Ok(()),
    }
}

/// Every time that is told lies between the recorded start and now, give or take how far clocks may differ.
fn check_times(
    deployment: &Deployment,
    report: &DeploymentReport,
    now: Timestamp,
) -> Result<(), Refusal> {
    let rollback = report.rollback.as_ref();
    let told = [
        ("started_at", report.started_at),
        ("ended_at", report.ended_at),
        ("rollback.started_at", rollback.and_then(|rollback| rollback.started_at)),
        ("rollback.ended_at", rollback.and_then(|rollback| rollback.ended_at)),
    ];
    let earliest = deployment.started_at.saturating_sub(CLOCKS_DIFFER).unwrap_or(Timestamp::MIN);
    let latest = now.saturating_add(CLOCKS_DIFFER).unwrap_or(Timestamp::MAX);
    for (member, told) in told.into_iter().filter_map(|(member, told)| Some((member, told?))) {
        let help = "check the clock of the pipeline";
        if told > latest {
            let message = format!("`{member}` {told} is in the future");
            return Err(Refusal::invalid("ended_in_the_future", message, help));
        }
        if told < earliest {
            let (number, began) = (deployment.number, deployment.started_at);
            let message = format!("`{member}` {told} is before {number} began, {began}");
            return Err(Refusal::invalid("before_the_start", message, help));
        }
    }
    Ok(())
}

/// What the end of a deployment means for its change and for the change's model.
fn follow(
    standing: &Standing,
    change: &Change,
    deployment: &Deployment,
    state: DeploymentState,
    health: Health,
    events: &mut Vec<Event>,
) {
    let number = deployment.number;
    let others_run = change.running.iter().any(|running| *running != number);
    if change.state == ChangeState::Implement && !others_run {
        events.push(
            change::event::ImplementationEnded { change: change.number, deployment: number }.into(),
        );
    }
    let all_deployed = change
        .services
        .iter()
        .all(|service| *service == deployment.service || change.deployed.contains(service));
    let outcome = match (state, health) {
        (DeploymentState::RolledBack, _) => Some(ChangeOutcome::RolledBack),
        (DeploymentState::Failed, Health::Unhealthy) => Some(ChangeOutcome::Unsuccessful),
        (DeploymentState::Succeeded, Health::Healthy) if all_deployed => {
            Some(ChangeOutcome::Successful)
        }
        (DeploymentState::Succeeded, Health::Degraded) if all_deployed => {
            Some(ChangeOutcome::SuccessfulWithIssues)
        }
        (DeploymentState::Succeeded, Health::Unhealthy) => Some(ChangeOutcome::Unsuccessful),
        // Without a proof it stays in review until one comes, or until the review's time is over.
        (DeploymentState::Succeeded | DeploymentState::Failed | DeploymentState::Running, _) => {
            None
        }
    };
    let Some(outcome) = outcome.filter(|_| !others_run && !change.state.is_over()) else { return };
    let note = format!("{} {}", number, state.as_str());
    events.push(change::event::Closed { change: change.number, outcome, note }.into());
    events.extend(models(standing, change, outcome));
}

/// Models in whose scope the change lies are earned or lost by its outcome.
pub fn models(standing: &Standing, change: &Change, outcome: ChangeOutcome) -> Vec<Event> {
    let good = matches!(outcome, ChangeOutcome::Successful | ChangeOutcome::SuccessfulWithIssues);
    let targets = change::targets_of(change, &standing.organisation);
    let mut events = Vec::new();
    for model in standing.organisation.models.values() {
        if !targets.iter().all(|target| model.scope.covers(target)) {
            continue;
        }
        let fresh = ModelRecord { earned: model.earned_after == 0, recent: Vec::new() };
        let record = standing.models.get(&model.name).unwrap_or(&fresh);
        let streak =
            record.recent.iter().rev().take_while(|good| **good).count() + usize::from(good);
        let bad = record.recent.iter().filter(|good| !**good).count() + usize::from(!good);
        if !record.earned && good && streak >= model.earned_after as usize {
            let because = format!("{streak} successful changes in a row");
            events.push(ModelEarned { model: model.name.clone(), because }.into());
        } else if record.earned && !good && bad >= model.lost_after as usize {
            let because = format!("{bad} of the last ten changes were not successful");
            events.push(ModelLost { model: model.name.clone(), because }.into());
        }
    }
    events
}
