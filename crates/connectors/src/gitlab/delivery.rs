//! Deployments and releases.

use sluice_core::signal::{DeploymentSignal, Signal};

use crate::connector::Unreadable;
use crate::gitlab::hear::Event;
use crate::gitlab::wire::{Deployment, Release};
use crate::kit::halt::{Halt, ignored};
use crate::kit::reading::{commit, need, need_text};
use crate::kit::time;

/// `deployment`. The payload names no pipeline, and the commit only in an address. One that waits for an approval
/// asks the gate: as a run of its own, because it is the deployment that is approved.
pub(crate) fn deployment(event: &Event) -> Result<Vec<Signal>, Halt> {
    let deployment: Deployment = event.read()?;
    let full_id = deployment.commit_url.as_deref().and_then(|url| url.rsplit('/').next());
    let id = need(deployment.deployment_id, "deployment_id")?;
    let repository = event.repository()?;
    let environment = need_text(deployment.environment, "environment")?;
    let commit = commit(full_id);
    let actor = event.some_user(deployment.user.as_ref());
    let mut signals = vec![Signal::DeploymentReported {
        deployment: id.to_string(),
        repository: Some(repository.clone()),
        service: None,
        environment: environment.clone(),
        state: state(deployment.status.as_deref())?,
        run: None,
        commit: commit.clone(),
        artifact: None,
        version: None,
        actor: actor.clone(),
        at: deployment.status_changed_at.as_deref().and_then(time::read),
    }];
    if deployment.status.as_deref() == Some("blocked") {
        let run = event.run_of("deployments", id)?;
        let callback = None;
        signals.push(Signal::GateRequested {
            repository,
            environment,
            run,
            commit,
            callback,
            actor,
            at: None,
        });
    }
    Ok(signals)
}

/// `blocked` is GitLab's word for a deployment that waits for an approval.
fn state(status: Option<&str>) -> Result<DeploymentSignal, Unreadable> {
    match need(status, "status")? {
        "created" | "blocked" => Ok(DeploymentSignal::Requested),
        "running" => Ok(DeploymentSignal::Running),
        "success" => Ok(DeploymentSignal::Succeeded),
        "failed" => Ok(DeploymentSignal::Failed),
        "canceled" | "skipped" => Ok(DeploymentSignal::Canceled),
        _ => Err(Unreadable::new("unknown_word", "the word in `status` is not known")),
    }
}

/// `release`.
pub(crate) fn release(event: &Event) -> Result<Vec<Signal>, Halt> {
    let release: Release = event.read()?;
    if release.action.as_deref() != Some("create") {
        return Err(ignored("action_not_used", "only new releases are used"));
    }
    let repository = event.repository()?;
    let path = repository.split_once('/').map_or(repository.as_str(), |(_, path)| path);
    let tag = need_text(release.tag, "tag")?;
    Ok(vec![Signal::ArtifactReported {
        artifact: format!("pkg:gitlab/{path}@{tag}"),
        digest: None,
        commit: release.commit.as_ref().and_then(|given| commit(given.id.as_deref())),
        action: "published".to_owned(),
        run: None,
    }])
}
