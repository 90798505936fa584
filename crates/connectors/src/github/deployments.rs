//! Deployments, their statuses, and the gates in front of them.

use sluice_core::run::RunRef;
use sluice_core::signal::{DeploymentSignal, Outcome, Signal};
use url::Url;

use crate::connector::Unreadable;
use crate::github::hear::Event;
use crate::github::wire::{DeploymentEvent, DeploymentReview, ProtectionRule, Run};
use crate::kit::halt::{Halt, unreadable};
use crate::kit::reading::{commit, need, need_text};
use crate::kit::time;

/// `deployment`.
pub(crate) fn deployment(event: &Event) -> Result<Vec<Signal>, Halt> {
    if event.action() != "created" {
        return Err(event.action_not_used());
    }
    let read: DeploymentEvent = event.read()?;
    let deployment = need(read.deployment, "deployment")?;
    Ok(vec![Signal::DeploymentReported {
        deployment: need(deployment.id, "deployment.id")?.to_string(),
        repository: Some(event.repository()?),
        service: None,
        environment: need_text(deployment.environment, "deployment.environment")?,
        state: DeploymentSignal::Requested,
        run: optional_run(event, read.workflow_run)?,
        commit: commit(deployment.sha.as_deref()),
        artifact: None,
        version: None,
        actor: event.some_user(deployment.creator.as_ref()).or_else(|| event.sender()),
        at: deployment.created_at.as_deref().and_then(time::read),
    }])
}

/// `deployment_status`.
pub(crate) fn status(event: &Event) -> Result<Vec<Signal>, Halt> {
    if event.action() != "created" {
        return Err(event.action_not_used());
    }
    let read: DeploymentEvent = event.read()?;
    let status = need(read.deployment_status, "deployment_status")?;
    let deployment = need(read.deployment, "deployment")?;
    let run = match optional_run(event, read.workflow_run)? {
        Some(run) => Some(run),
        None => run_of_address(event, status.log_url.as_deref())?
            .or(run_of_address(event, status.target_url.as_deref())?),
    };
    let environment = status.environment.or(deployment.environment);
    Ok(vec![Signal::DeploymentReported {
        deployment: need(deployment.id, "deployment.id")?.to_string(),
        repository: Some(event.repository()?),
        service: None,
        environment: need_text(environment, "deployment_status.environment")?,
        state: state(status.state.as_deref())?,
        run,
        commit: commit(deployment.sha.as_deref()),
        artifact: None,
        version: None,
        actor: event
            .some_user(deployment.creator.as_ref())
            .or_else(|| event.some_user(status.creator.as_ref())),
        at: status.created_at.as_deref().and_then(time::read),
    }])
}

/// `inactive` is what GitHub makes of a deployment when a later one replaces it.
fn state(state: Option<&str>) -> Result<DeploymentSignal, Unreadable> {
    match need(state, "deployment_status.state")? {
        "pending" | "queued" | "waiting" => Ok(DeploymentSignal::Requested),
        "in_progress" => Ok(DeploymentSignal::Running),
        "success" => Ok(DeploymentSignal::Succeeded),
        "failure" | "error" => Ok(DeploymentSignal::Failed),
        "inactive" => Ok(DeploymentSignal::Canceled),
        _ => {
            let reason = "the word in `deployment_status.state` is not known";
            Err(Unreadable::new("unknown_word", reason))
        }
    }
}

/// `deployment_protection_rule`: the gate. The run's id stands only in the address for the answer.
pub(crate) fn protection_rule(event: &Event) -> Result<Vec<Signal>, Halt> {
    if event.action() != "requested" {
        return Err(event.action_not_used());
    }
    let rule: ProtectionRule = event.read()?;
    let deployment = rule.deployment.unwrap_or_default();
    let callback = need_text(rule.deployment_callback_url, "deployment_callback_url")?;
    let environment = rule.environment.or(deployment.environment);
    let run_id = run_of_callback(event, &callback)?;
    let actor = event.sender().or_else(|| event.some_user(deployment.creator.as_ref()));
    Ok(vec![Signal::GateRequested {
        repository: event.repository()?,
        environment: need_text(environment, "environment")?,
        run: event.run(run_id, None, None)?,
        commit: commit(deployment.sha.as_deref()),
        callback: Some(callback),
        actor,
        at: None,
    }])
}

/// Our answer carries a token, so the address must be the link's own API and this repository's.
fn run_of_callback(event: &Event, callback: &str) -> Result<u64, Halt> {
    let host = event.host()?;
    let elsewhere = || {
        unreadable(
            "callback_elsewhere",
            "`deployment_callback_url` does not lead to the link's own API",
        )
    };
    let url = Url::parse(callback).map_err(|_| elsewhere())?;
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    let authority = match (url.host_str(), url.port()) {
        (Some(name), Some(port)) => format!("{name}:{port}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => return Err(elsewhere()),
    };
    let path =
        if authority == host { url.path().strip_prefix("/api/v3") } else { Some(url.path()) };
    let own_api = authority == host || authority == format!("api.{host}");
    let (true, true, Some(path)) = (plain, own_api, path) else { return Err(elsewhere()) };
    let full_name = event.full_name()?.to_lowercase();
    path.to_lowercase()
        .strip_prefix(&format!("/repos/{full_name}/actions/runs/"))
        .and_then(|rest| rest.strip_suffix("/deployment_protection_rule"))
        .and_then(|id| id.parse().ok())
        .ok_or_else(elsewhere)
}

/// `deployment_review`: what people decided in GitHub's own gate; evidence, not an approval of ours.
pub(crate) fn review(event: &Event) -> Result<Vec<Signal>, Halt> {
    let outcome = match event.action() {
        "requested" => None,
        "approved" => Some(Outcome::Succeeded),
        "rejected" => Some(Outcome::Failed),
        _ => return Err(event.action_not_used()),
    };
    let read: DeploymentReview = event.read()?;
    let mut environments: Vec<String> = read
        .environment
        .into_iter()
        .chain(read.workflow_job_run.into_iter().filter_map(|job| job.environment))
        .chain(read.workflow_job_runs.into_iter().flatten().filter_map(|job| job.environment))
        .collect();
    environments.sort_unstable();
    environments.dedup();
    let given = need(read.workflow_run, "workflow_run")?;
    let commit = commit(given.head_sha.as_deref());
    let url = given.html_url.clone();
    let run = optional_run(event, Some(given))?;
    let repository = event.repository()?;
    if environments.is_empty() {
        return Err(unreadable("field_missing", "`environment` is missing"));
    }
    Ok(environments
        .into_iter()
        .map(|environment| Signal::EvidenceReported {
            evidence: "review".to_owned(),
            name: format!("deployment to {environment}"),
            repository: Some(repository.clone()),
            commit: commit.clone(),
            run: run.clone(),
            outcome,
            url: url.clone(),
        })
        .collect())
}

fn optional_run(event: &Event, run: Option<Run>) -> Result<Option<RunRef>, Halt> {
    let Some(run) = run else { return Ok(None) };
    let Some(id) = run.id else { return Ok(None) };
    event.run(id, run.run_attempt, run.html_url).map(Some)
}

/// The run in an address such as `https://github.com/acme/payments/actions/runs/1234/job/5678`.
pub(crate) fn run_of_address(event: &Event, address: Option<&str>) -> Result<Option<RunRef>, Halt> {
    let Some(url) = address.and_then(|address| Url::parse(address).ok()) else { return Ok(None) };
    let own = crate::kit::repository::host_of(url.as_str()) == Some(event.host()?);
    let prefix = format!("/{}/actions/runs/", event.full_name()?.to_lowercase());
    let path = url.path().to_lowercase();
    let id = path.strip_prefix(&prefix).and_then(|rest| rest.split('/').next()?.parse().ok());
    match id {
        Some(id) if own => event.run(id, None, None).map(Some),
        _ => Ok(None),
    }
}
