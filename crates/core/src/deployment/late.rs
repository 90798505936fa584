//! What comes too late: a deployment that is ended, or told of, when newer ones of its service have begun at its place.

use std::collections::BTreeSet;

use super::{Deployment, DeploymentReport, DeploymentState, event};
use crate::ids::{DeploymentNumber, Digest};
use crate::standing::Standing;

/// The outcome of a deployment that had ended for want of news. What people decided meanwhile stays, and so does what
/// newer deployments brought.
pub(super) fn corrected(
    standing: &Standing,
    deployment: &Deployment,
    report: &DeploymentReport,
) -> Option<event::Corrected> {
    let before = deployment.report.clone().filter(|_| deployment.untold)?;
    let place = standing.place(&deployment.service, &deployment.environment);
    let recent = place.into_iter().flat_map(|place| &place.recent);
    let ended_since = recent.into_iter().any(|(number, _)| *number > deployment.number);
    let same_change = |newer: &&Deployment| newer.change == deployment.change;
    Some(event::Corrected {
        place_follows: !ended_since && newer(standing, deployment).next().is_none(),
        change_follows: newer(standing, deployment).find(same_change).is_none(),
        before,
        deployment: Deployment {
            state: report.state,
            report: Some(report.clone()),
            untold: false,
            ..deployment.clone()
        },
    })
}

/// Newer deployments of the same service at the same place, as far as they are at hand: those that run, those of open
/// changes and the last that ended.
fn newer<'a>(
    standing: &'a Standing,
    deployment: &'a Deployment,
) -> impl Iterator<Item = &'a Deployment> {
    let same_place = |other: &&Deployment| {
        (&other.service, &other.environment) == (&deployment.service, &deployment.environment)
    };
    let later = standing.deployments.range(DeploymentNumber(deployment.number.0 + 1)..);
    later.map(|(_, other)| other.as_ref()).filter(same_place)
}

/// Whether something newer has succeeded at its place.
pub(crate) fn is_outdated(standing: &Standing, deployment: &Deployment) -> bool {
    let place = standing.place(&deployment.service, &deployment.environment);
    let recent = place.into_iter().flat_map(|place| &place.recent);
    recent
        .into_iter()
        .any(|(number, state)| *number > deployment.number && *state == DeploymentState::Succeeded)
}

/// What is refused when a deployment turns out bad: what it brought, except what was told too late of and runs well
/// since by a newer one.
pub(super) fn to_deny(standing: &Standing, deployment: &Deployment) -> BTreeSet<Digest> {
    let mut digests = deployment.artifacts.clone();
    if deployment.untold && is_outdated(standing, deployment) {
        let place = standing.place(&deployment.service, &deployment.environment);
        digests.retain(|digest| place.is_none_or(|place| !place.artifacts.contains(digest)));
    }
    digests
}
