//! Pipeline, task and test runs.

use sluice_core::run::RunRef;
use sluice_core::signal::{Outcome, Signal};

use crate::cdevents::hear::Event;
use crate::cdevents::wire::Content;
use crate::kit::halt::{Halt, ignored};
use crate::kit::text;

/// `pipelinerun.queued` and `pipelinerun.started`.
pub(crate) fn run_started(event: &Event, content: Content) -> Result<Vec<Signal>, Halt> {
    Ok(vec![Signal::RunStarted {
        run: run(event, &event.subject, &event.source, content.uri),
        repository: None,
        commit: None,
        branch: None,
        actor: None,
        at: event.at,
    }])
}

/// `pipelinerun.finished`.
pub(crate) fn run_finished(event: &Event, content: Content) -> Result<Vec<Signal>, Halt> {
    Ok(vec![Signal::RunFinished {
        outcome: outcome(content.outcome.as_deref())?,
        run: run(event, &event.subject, &event.source, content.uri),
        repository: None,
        commit: None,
        branch: None,
        actor: None,
        at: event.at,
    }])
}

/// `taskrun.started`.
pub(crate) fn stage_started(event: &Event, content: Content) -> Result<Vec<Signal>, Halt> {
    stage(event, content, None)
}

/// `taskrun.finished`.
pub(crate) fn stage_finished(event: &Event, content: Content) -> Result<Vec<Signal>, Halt> {
    let outcome = outcome(content.outcome.as_deref())?;
    stage(event, content, Some(outcome))
}

fn stage(event: &Event, content: Content, outcome: Option<Outcome>) -> Result<Vec<Signal>, Halt> {
    let of = content.pipeline_run.unwrap_or_default();
    let Some(id) = text::filled(of.id.as_deref()) else {
        return Err(ignored(
            "run_unknown",
            "the task run does not say which pipeline run it is part of",
        ));
    };
    let source = text::filled(of.source.as_deref()).unwrap_or_else(|| event.source.clone());
    Ok(vec![Signal::StageReported {
        run: run(event, &id, &source, None),
        stage: text::filled(content.task_name.as_deref()).unwrap_or_else(|| event.subject.clone()),
        environment: None,
        outcome,
        commit: None,
        at: event.at,
    }])
}

/// `testcaserun.finished` and `testsuiterun.finished`.
pub(crate) fn test_finished(event: &Event, content: Content) -> Result<Vec<Signal>, Halt> {
    let outcome = outcome(content.outcome.as_deref())?;
    test(event, content, outcome)
}

/// `testcaserun.skipped`.
pub(crate) fn test_skipped(event: &Event, content: Content) -> Result<Vec<Signal>, Halt> {
    test(event, content, Outcome::Skipped)
}

fn test(event: &Event, content: Content, outcome: Outcome) -> Result<Vec<Signal>, Halt> {
    let test = content.test_suite.or(content.test_case).unwrap_or_default();
    let name = text::filled(test.name.as_deref()).or_else(|| text::filled(test.id.as_deref()));
    Ok(vec![Signal::EvidenceReported {
        evidence: "test_report".to_owned(),
        name: name.unwrap_or_else(|| event.subject.clone()),
        repository: None,
        commit: None,
        run: None,
        outcome: Some(outcome),
        url: content.uri,
    }])
}

/// How something ended. The specification lets senders leave it out or use words of their own;
/// then nothing can be concluded.
fn outcome(word: Option<&str>) -> Result<Outcome, Halt> {
    match word.map(str::to_ascii_lowercase).as_deref() {
        Some("success" | "succeeded" | "pass" | "passed") => Ok(Outcome::Succeeded),
        Some("failure" | "failed" | "fail" | "error") => Ok(Outcome::Failed),
        Some("cancel" | "canceled" | "cancelled" | "aborted") => Ok(Outcome::Canceled),
        Some("skip" | "skipped") => Ok(Outcome::Skipped),
        Some(_) => Err(ignored("outcome_unknown", "the word in `outcome` is not known")),
        None => Err(ignored("outcome_missing", "it ended, but `outcome` does not say how")),
    }
}

fn run(event: &Event, id: &str, source: &str, url: Option<String>) -> RunRef {
    let system = event.config.system.clone().unwrap_or_else(|| format!("cdevents:{source}"));
    RunRef { system, id: id.to_owned(), attempt: 1, url }
}
