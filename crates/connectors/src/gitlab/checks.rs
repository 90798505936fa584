//! External status checks: what the gate would say to the head of a merge request, said on it.
//!
//! What the check says already is looked at first, so that the same answer is given once. The head may have moved since:
//! then GitLab refuses, and asks anew by itself. Earlier versions take no `pending`: a check that would stay `passed` is
//! made to fail in its place.

use serde_json::{Value, json};
use sluice_core::gate::Decision;

use super::api::Api;
use super::tell::Said;
use crate::kit::answers::{self, is_status, not_understood};
use crate::kit::text::is_number;
use crate::tell::{Exchange, Receipt, Step, Talk, Verb};

pub(super) fn answered(api: &Api, talk: &Talk<'_>) -> Said<Receipt> {
    let done = Ok(Receipt::plain());
    let Some(card) = &talk.effect.check else { return done };
    let project = card.repository.strip_prefix(&api.host).and_then(|rest| rest.strip_prefix('/'));
    let Some(project) = project.filter(|_| is_number(&card.proposal) && is_number(&card.check))
    else {
        return done;
    };
    let wanted = word(card.answer);
    let base = format!("merge_requests/{}", card.proposal);
    let look = |step| {
        let path = format!("{base}/status_checks?per_page=100");
        Err(Step::Send(api.ask(step, Verb::Get, project, &path, talk.session)))
    };
    let Some(looked) = talk.last("checks") else { return look("checks") };
    if is_status(looked, &[404]) {
        // The merge request is gone, or the account may not see it: that does not alter by asking again.
        return differing(wanted, "not_found");
    }
    // Neither is there where the check is no longer asked of this merge request.
    match said(looked, &card.check)? {
        None => return done,
        Some(said) if said == wanted => return done,
        Some(_) => {}
    }
    let send = |step, status: &str| {
        let body = json!({
            "sha": card.commit.as_str(),
            "external_status_check_id": card.check.parse::<u64>().ok(),
            "status": status,
        });
        let path = format!("{base}/status_check_responses");
        let ask = api.ask(step, Verb::Post, project, &path, talk.session);
        Err(Step::Send(ask.json(&body)))
    };
    let Some(sent) = talk.last("check") else { return send("check", wanted) };
    // Another commit is the head by now, or it is merged.
    if is_status(sent, &[404, 409]) {
        return done;
    }
    let is_taken = !is_status(sent, &[400, 422]);
    if is_taken {
        answers::done(sent)?;
    }
    let Some(seen) = talk.last("checks_after") else { return look("checks_after") };
    let says = said(seen, &card.check)?;
    if is_taken {
        return match says.as_deref() == Some(wanted) {
            true => done,
            false => Err(not_understood("the check does not say what was answered")),
        };
    }
    // What was refused lets nothing go, unless the check says so from before.
    if says.as_deref() != Some("passed") || wanted == "passed" {
        return done;
    }
    let failed = word(Decision::Deny);
    if wanted == failed {
        return differing(wanted, "passed");
    }
    let Some(sent) = talk.last("check_failed") else { return send("check_failed", failed) };
    if is_status(sent, &[400, 404, 409, 422]) {
        return differing(wanted, "passed");
    }
    answers::done(sent)?;
    let Some(seen) = talk.last("checks_failed") else { return look("checks_failed") };
    match said(seen, &card.check)?.as_deref() == Some(failed) {
        true => done,
        false => Err(not_understood("the check does not say what was answered")),
    }
}

fn differing(ours: &str, theirs: &str) -> Said<Receipt> {
    let differs = Some(("check", ours.to_owned(), theirs.to_owned()));
    Ok(Receipt { differs, ..Receipt::plain() })
}

fn word(answer: Decision) -> &'static str {
    match answer {
        Decision::Allow => "passed",
        Decision::Deny => "failed",
        Decision::Wait => "pending",
    }
}

/// What a check says; nothing where it is not among those of the merge request.
fn said(looked: &Exchange, check: &str) -> Said<Option<String>> {
    let answer = answers::json(looked)?;
    let listed = answer.as_array();
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of checks"))?;
    let id = |one: &Value| one.get("id").and_then(Value::as_u64).map(|id| id.to_string());
    let ours = listed.iter().find(|one| id(one).as_deref() == Some(check));
    let Some(ours) = ours else { return Ok(None) };
    let status = ours.get("status").and_then(Value::as_str);
    let status = status.ok_or_else(|| not_understood("a check says nothing"))?;
    // Earlier versions have another word for it.
    Ok(Some(if status == "approved" { "passed" } else { status }.to_owned()))
}
