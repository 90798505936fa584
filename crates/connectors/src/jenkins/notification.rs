//! The notification plugin's body.

use sluice_core::signal::Signal;

use crate::jenkins::config::{Config, EndPhase};
use crate::jenkins::hear::{branch, job_of_address, outcome, run};
use crate::jenkins::wire::Notification;
use crate::kit::halt::{Halt, ignored, unreadable};
use crate::kit::reading::{self, commit, need};
use crate::kit::{repository, text, time};

/// A run that started or ended.
pub(crate) fn read(config: &Config, body: &[u8]) -> Result<Vec<Signal>, Halt> {
    let notification: Notification = reading::read(body)?;
    let build = need(notification.build, "build")?;
    let job = notification
        .url
        .as_deref()
        .and_then(job_of_address)
        .or_else(|| job_of_address(build.full_url.as_deref()?))
        .or_else(|| text::filled(notification.name.as_deref()));
    let number = need(build.number, "build.number")?.to_string();
    let run = run(config, &need(job, "url")?, &number, build.full_url)?;
    let scm = build.scm.unwrap_or_default();
    let repository = scm.url.as_deref().and_then(repository::from_address);
    let commit = commit(scm.commit.as_deref());
    let branch = branch(scm.branch);
    let at = |milliseconds: Option<i64>| milliseconds.and_then(time::from_number);
    let ends = match config.end_phase {
        EndPhase::Finalized => "FINALIZED",
        EndPhase::Completed => "COMPLETED",
    };
    match need(build.phase.as_deref(), "build.phase")? {
        phase if phase == ends => {
            let end =
                build.timestamp.zip(build.duration).map(|(start, took)| start.saturating_add(took));
            let outcome = outcome(build.status.as_deref(), "build.status")?;
            let at = at(end.or(build.timestamp));
            Ok(vec![Signal::RunFinished {
                run,
                repository,
                commit,
                branch,
                outcome,
                actor: None,
                at,
            }])
        }
        "QUEUED" | "STARTED" => {
            let at = at(build.timestamp);
            Ok(vec![Signal::RunStarted { run, repository, commit, branch, actor: None, at }])
        }
        "COMPLETED" | "FINALIZED" => {
            Err(ignored("phase_not_used", "another phase of the build is its end"))
        }
        _ => Err(unreadable("unknown_word", "the word in `build.phase` is not known")),
    }
}
