//! Workflow runs and their jobs.

use sluice_core::signal::Signal;

use crate::github::hear::{Event, outcome};
use crate::github::wire::{JobEvent, RunEvent};
use crate::kit::halt::{Halt, ignored};
use crate::kit::reading::{commit, need, need_text};
use crate::kit::time;

/// `workflow_run`.
pub(crate) fn workflow_run(event: &Event) -> Result<Vec<Signal>, Halt> {
    let action = event.action();
    if !["requested", "in_progress", "completed"].contains(&action) {
        return Err(event.action_not_used());
    }
    let given = need(event.read::<RunEvent>()?.workflow_run, "workflow_run")?;
    let id = need(given.id, "workflow_run.id")?;
    let run = event.run(id, given.run_attempt, given.html_url)?;
    let repository = Some(event.repository()?);
    let commit = commit(given.head_sha.as_deref());
    let actor = event
        .some_user(given.triggering_actor.as_ref())
        .or_else(|| event.some_user(given.actor.as_ref()))
        .or_else(|| event.sender());
    let branch = given.head_branch;
    if action == "completed" {
        let outcome = outcome(given.conclusion.as_deref(), "workflow_run.conclusion")?;
        let at = given.updated_at.as_deref().and_then(time::read);
        return Ok(vec![Signal::RunFinished {
            run,
            repository,
            commit,
            branch,
            outcome,
            actor,
            at,
        }]);
    }
    let at = given.run_started_at.or(given.created_at).as_deref().and_then(time::read);
    Ok(vec![Signal::RunStarted { run, repository, commit, branch, actor, at }])
}

/// `workflow_job`.
pub(crate) fn workflow_job(event: &Event) -> Result<Vec<Signal>, Halt> {
    let action = event.action();
    match action {
        "in_progress" | "completed" => {}
        "queued" | "waiting" => {
            return Err(ignored("stage_not_started", "the job waits and has not started"));
        }
        _ => return Err(event.action_not_used()),
    }
    let read: JobEvent = event.read()?;
    let job = need(read.workflow_job, "workflow_job")?;
    let run_id = need(job.run_id, "workflow_job.run_id")?;
    let (outcome, at) = if action == "completed" {
        let outcome = outcome(job.conclusion.as_deref(), "workflow_job.conclusion")?;
        (Some(outcome), job.completed_at)
    } else {
        (None, job.started_at)
    };
    Ok(vec![Signal::StageReported {
        run: event.run(run_id, job.run_attempt, None)?,
        stage: need_text(job.name, "workflow_job.name")?,
        environment: read.deployment.and_then(|deployment| deployment.environment),
        outcome,
        commit: commit(job.head_sha.as_deref()),
        at: at.as_deref().and_then(time::read),
    }])
}
