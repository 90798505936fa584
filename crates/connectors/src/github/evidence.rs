//! Checks, statuses and reviews: evidence about a commit.

use sluice_core::signal::{Outcome, Signal};

use crate::connector::Unreadable;
use crate::github::deployments::run_of_address;
use crate::github::hear::{Event, outcome};
use crate::github::wire::{Check, CheckEvent, ReviewEvent, Status};
use crate::kit::halt::{Halt, ignored};
use crate::kit::reading::{commit, need, need_text};

/// `check_run`.
pub(crate) fn check_run(event: &Event) -> Result<Vec<Signal>, Halt> {
    let ended = match event.action() {
        "created" => false,
        "completed" => true,
        _ => return Err(event.action_not_used()),
    };
    let check = need(event.read::<CheckEvent>()?.check_run, "check_run")?;
    let name = need_text(check.name.clone(), "check_run.name")?;
    check_reported(event, check, name, ended, "check_run.conclusion")
}

/// `check_suite`, named after the App that runs it.
pub(crate) fn check_suite(event: &Event) -> Result<Vec<Signal>, Halt> {
    if event.action() != "completed" {
        return Err(event.action_not_used());
    }
    let check = need(event.read::<CheckEvent>()?.check_suite, "check_suite")?;
    let app = check.app.as_ref().and_then(|app| app.slug.clone().or_else(|| app.name.clone()));
    let name = need_text(app, "check_suite.app.slug")?;
    check_reported(event, check, name, true, "check_suite.conclusion")
}

fn check_reported(
    event: &Event,
    check: Check,
    name: String,
    ended: bool,
    path: &str,
) -> Result<Vec<Signal>, Halt> {
    let conclusion = check.conclusion.as_deref();
    let ended = ended || conclusion.is_some();
    Ok(vec![Signal::EvidenceReported {
        evidence: "check".to_owned(),
        name,
        repository: Some(event.repository()?),
        commit: commit(check.head_sha.as_deref()),
        run: run_of_address(event, check.details_url.as_deref())?,
        outcome: if ended { Some(outcome(conclusion, path)?) } else { None },
        url: check.html_url,
    }])
}

/// `status`.
pub(crate) fn status(event: &Event) -> Result<Vec<Signal>, Halt> {
    let status: Status = event.read()?;
    let outcome = match need(status.state.as_deref(), "state")? {
        "pending" => None,
        "success" => Some(Outcome::Succeeded),
        "failure" | "error" => Some(Outcome::Failed),
        _ => return Err(Unreadable::new("unknown_word", "the word in `state` is not known").into()),
    };
    Ok(vec![Signal::EvidenceReported {
        evidence: "check".to_owned(),
        name: need_text(status.context, "context")?,
        repository: Some(event.repository()?),
        commit: commit(status.sha.as_deref()),
        run: run_of_address(event, status.target_url.as_deref())?,
        outcome,
        url: status.target_url,
    }])
}

/// `pull_request_review`: that somebody reviewed. Who, is a matter of GitHub; it is no approval.
pub(crate) fn review(event: &Event) -> Result<Vec<Signal>, Halt> {
    if event.action() != "submitted" {
        return Err(event.action_not_used());
    }
    let read: ReviewEvent = event.read()?;
    let review = need(read.review, "review")?;
    let outcome = match review.state.as_deref() {
        Some("approved") => Outcome::Succeeded,
        Some("changes_requested") => Outcome::Failed,
        _ => return Err(ignored("review_undecided", "the review neither approves nor rejects")),
    };
    let number = read.pull_request.and_then(|proposal| proposal.number);
    Ok(vec![Signal::EvidenceReported {
        evidence: "review".to_owned(),
        name: format!("pull request {}", need(number, "pull_request.number")?),
        repository: Some(event.repository()?),
        commit: commit(review.commit_id.as_deref()),
        run: None,
        outcome: Some(outcome),
        url: review.html_url,
    }])
}
