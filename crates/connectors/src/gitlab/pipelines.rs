//! Pipelines and their jobs.

use sluice_core::signal::{Outcome, Signal};

use crate::connector::Unreadable;
use crate::gitlab::hear::Event;
use crate::gitlab::wire::{Job, PipelineEvent};
use crate::kit::halt::{Halt, ignored};
use crate::kit::reading::{commit, need, need_text};
use crate::kit::time;

/// Where a pipeline or a job stands.
enum Standing {
    Queued,
    Running,
    Ended(Outcome),
    /// It waits for somebody, or is on its way out.
    Between,
}

fn standing(status: Option<&str>, path: &str) -> Result<Standing, Unreadable> {
    match need(status, path)? {
        "created" | "waiting_for_resource" | "preparing" | "pending" => Ok(Standing::Queued),
        "running" | "waiting_for_callback" => Ok(Standing::Running),
        "success" => Ok(Standing::Ended(Outcome::Succeeded)),
        "failed" => Ok(Standing::Ended(Outcome::Failed)),
        "canceled" => Ok(Standing::Ended(Outcome::Canceled)),
        "skipped" => Ok(Standing::Ended(Outcome::Skipped)),
        "manual" | "scheduled" | "blocked" | "canceling" => Ok(Standing::Between),
        _ => Err(Unreadable::new("unknown_word", format!("the word in `{path}` is not known"))),
    }
}

/// `pipeline`, sent at each change of its status.
pub(crate) fn pipeline(event: &Event) -> Result<Vec<Signal>, Halt> {
    let read: PipelineEvent = event.read()?;
    let pipeline = need(read.object_attributes, "object_attributes")?;
    let id = need(pipeline.id, "object_attributes.id")?;
    let repository = event.repository()?;
    let url = pipeline.url.or_else(|| {
        let project = event.common.project.as_ref()?.web_url.as_deref()?;
        Some(format!("{project}/-/pipelines/{id}"))
    });
    let run = event.run(id, url)?;
    let repository = Some(repository);
    let commit = commit(pipeline.sha.as_deref());
    let branch = pipeline.reference;
    let actor = event.some_user(read.user.as_ref());
    match standing(pipeline.status.as_deref(), "object_attributes.status")? {
        Standing::Queued | Standing::Running => {
            let at = pipeline.created_at.as_deref().and_then(time::read);
            Ok(vec![Signal::RunStarted { run, repository, commit, branch, actor, at }])
        }
        Standing::Ended(outcome) => {
            let at = pipeline.finished_at.as_deref().and_then(time::read);
            Ok(vec![Signal::RunFinished { run, repository, commit, branch, outcome, actor, at }])
        }
        Standing::Between => Err(ignored("run_waits", "the pipeline waits or is being canceled")),
    }
}

/// `build`: a job.
pub(crate) fn job(event: &Event) -> Result<Vec<Signal>, Halt> {
    let job: Job = event.read()?;
    let (outcome, at) = match standing(job.build_status.as_deref(), "build_status")? {
        Standing::Queued | Standing::Between => {
            return Err(ignored("stage_not_started", "the job waits and has not started"));
        }
        Standing::Running => (None, job.build_started_at),
        Standing::Ended(outcome) => (Some(outcome), job.build_finished_at),
    };
    Ok(vec![Signal::StageReported {
        run: event.run(need(job.pipeline_id, "pipeline_id")?, None)?,
        stage: need_text(job.build_name, "build_name")?,
        environment: job.environment.and_then(|environment| environment.name),
        outcome,
        commit: commit(job.sha.as_deref()),
        at: at.as_deref().and_then(time::read),
    }])
}
