//! Our own report, for `httpRequest` steps: documented in README.md of this folder.

use serde::Deserialize as _;
use sluice_core::ids::Digest;
use sluice_core::run::RunRef;
use sluice_core::signal::{DeploymentSignal, Outcome, Signal};

use crate::jenkins::config::Config;
use crate::jenkins::hear::{branch, job_of_address, outcome, run};
use crate::jenkins::wire::{Report, Waiting};
use crate::kit::halt::{Halt, unreadable};
use crate::kit::reading::{self, Written, commit, need, need_commit, need_text};
use crate::kit::{repository, text, time};

/// The word for a build that has come to the gate.
const WAITING: &str = "gate.waiting";

/// A run, stage or deployment that started or ended.
pub(crate) fn read(config: &Config, body: &[u8]) -> Result<Vec<Signal>, Halt> {
    let report: Report = reading::read(body)?;
    let run = build(config, report.job.as_deref(), report.build.as_ref(), report.url.as_deref())?;
    let ended = || outcome(report.result.as_deref(), "result");
    let signal = match need(report.event.as_deref(), "event")? {
        "run.started" => run_started(report, run),
        "run.finished" => run_finished(ended()?, report, run),
        "stage.started" => stage(None, report, run)?,
        "stage.finished" => stage(Some(ended()?), report, run)?,
        "deployment.started" => deployment(DeploymentSignal::Running, report, run)?,
        "deployment.finished" => {
            let state = match ended()? {
                Outcome::Succeeded => DeploymentSignal::Succeeded,
                Outcome::Failed => DeploymentSignal::Failed,
                Outcome::Canceled | Outcome::Skipped => DeploymentSignal::Canceled,
            };
            deployment(state, report, run)?
        }
        WAITING => waiting(report, run)?,
        "deployment.rolled_back" => deployment(DeploymentSignal::RolledBack, report, run)?,
        _ => return Err(unreadable("unknown_word", "the word in `event` is not known")),
    };
    Ok(vec![signal])
}

/// The build that comes to wait, whatever else of the report can be read, and when.
pub(crate) fn waits(config: &Config, body: &[u8]) -> Option<(RunRef, Option<jiff::Timestamp>)> {
    let waiting: Waiting = reading::read(body).ok().filter(|it: &Waiting| is_waiting(it))?;
    let (job, url) = (waiting.job.as_deref(), waiting.url.as_deref());
    let run = build(config, job, waiting.build.as_ref(), url).ok()?;
    Some((run, waited_since(&waiting)))
}

pub(crate) fn is_waiting(report: &Waiting) -> bool {
    report.event.as_deref() == Some(WAITING)
}

pub(crate) fn waited_since(report: &Waiting) -> Option<jiff::Timestamp> {
    let at = Written::deserialize(report.at.as_ref()?).ok()?;
    time::read(&at.0)
}

fn build(
    config: &Config,
    job: Option<&str>,
    number: Option<&Written>,
    url: Option<&str>,
) -> Result<RunRef, Halt> {
    let job = text::filled(job).or_else(|| job_of_address(url?));
    let number = need(number, "build")?.0.clone();
    run(config, &need(job, "job")?, &number, url.map(str::to_owned))
}

fn run_started(report: Report, run: RunRef) -> Signal {
    Signal::RunStarted {
        run,
        repository: report.repository.as_deref().and_then(repository::from_address),
        commit: commit(report.commit.as_deref()),
        at: at(&report),
        branch: branch(report.branch),
        actor: None,
    }
}

fn run_finished(outcome: Outcome, report: Report, run: RunRef) -> Signal {
    Signal::RunFinished {
        run,
        repository: report.repository.as_deref().and_then(repository::from_address),
        commit: commit(report.commit.as_deref()),
        outcome,
        at: at(&report),
        branch: branch(report.branch),
        actor: None,
    }
}

fn stage(outcome: Option<Outcome>, report: Report, run: RunRef) -> Result<Signal, Halt> {
    Ok(Signal::StageReported {
        run,
        commit: commit(report.commit.as_deref()),
        at: at(&report),
        stage: need_text(report.stage, "stage")?,
        environment: report.environment,
        outcome,
    })
}

/// A build that comes to an `input` step which the gate answers.
fn waiting(report: Report, run: RunRef) -> Result<Signal, Halt> {
    let repository = report.repository.as_deref().and_then(repository::from_address);
    Ok(Signal::GateRequested {
        repository: need(repository, "repository")?,
        environment: need_text(report.environment.clone(), "environment")?,
        run,
        at: at(&report),
        commit: Some(need_commit(report.commit.as_deref(), "commit")?),
        callback: None,
        actor: None,
    })
}

fn deployment(state: DeploymentSignal, report: Report, run: RunRef) -> Result<Signal, Halt> {
    let at = at(&report);
    let environment = need_text(report.environment, "environment")?;
    let artifact = match report.artifact.as_deref().map(Digest::parse) {
        Some(Ok(digest)) => Some(digest),
        Some(Err(_)) => {
            return Err(unreadable("not_a_digest", "`artifact` is not `sha256:` and 64 digits"));
        }
        None => None,
    };
    Ok(Signal::DeploymentReported {
        deployment: deployment_id(&run, &environment, report.service.as_deref()),
        repository: report.repository.as_deref().and_then(repository::from_address),
        service: report.service,
        environment,
        state,
        run: Some(run),
        commit: commit(report.commit.as_deref()),
        artifact,
        version: report.version,
        actor: None,
        at,
    })
}

/// Jenkins knows no deployments; one per build, environment and service is meant.
fn deployment_id(run: &RunRef, environment: &str, service: Option<&str>) -> String {
    match service {
        Some(service) => format!("{}/{environment}/{service}", run.id),
        None => format!("{}/{environment}", run.id),
    }
}

fn at(report: &Report) -> Option<jiff::Timestamp> {
    time::read(&report.at.as_ref()?.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_build_that_waits_says_of_what_and_for_what() {
        let whole = json!({
            "event": "gate.waiting", "job": "acme/payments", "build": 42,
            "url": "https://ci.example.org/job/acme/job/payments/42/", "environment": "production",
            "repository": "https://github.com/acme/payments", "commit": "ab".repeat(20),
        });
        let heard = |body: &serde_json::Value| {
            let body = serde_json::to_vec(body).expect("JSON");
            read(&Config::offline(), &body).is_ok()
        };
        assert!(heard(&whole));
        for member in ["repository", "commit", "environment"] {
            for wrong in [None, Some(""), Some("?")] {
                let mut body = whole.clone();
                match wrong {
                    None => drop(body.as_object_mut().expect("an object").remove(member)),
                    Some(text) => body[member] = json!(text),
                }
                // Which environments there are is not known here.
                let is_heard = member == "environment" && wrong == Some("?");
                assert_eq!(heard(&body), is_heard, "{member} {wrong:?}");
                let body = serde_json::to_vec(&body).expect("JSON");
                let waits = waits(&Config::offline(), &body).map(|(run, _)| run.id);
                assert_eq!(waits.as_deref(), Some("acme/payments/42"), "{member} {wrong:?}");
            }
        }
        for (body, waits_at) in [
            (json!({ "commit": 7, "at": "2026-03-04T10:00:00Z" }), Some("2026-03-04T10:00:00Z")),
            (json!({ "commit": 7, "at": [] }), Some("")),
            (json!({ "build": null }), None),
            (json!({ "event": "stage.started" }), None),
        ] {
            let mut whole = whole.clone();
            whole
                .as_object_mut()
                .expect("an object")
                .extend(body.as_object().expect("one").clone());
            let bytes = serde_json::to_vec(&whole).expect("JSON");
            let found = waits(&Config::offline(), &bytes);
            let at = found.map(|(_, at)| at.map_or(String::new(), |at| at.to_string()));
            assert_eq!(at.as_deref(), waits_at, "{body}");
        }
    }
}
