//! Break-glass, and what everybody should know at a glance.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::access::Glass;
use sluice_core::ids::{Digest, GrantId, PersonId};
use sluice_engine::ledger::Receipt;

use super::gate::{GateRequest, reply};
use super::identity::called;
use super::stops::{Done, ReasonRequest};
use super::{Created, Reply};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::guard::By;
use crate::problem::Problem;
use crate::query::id;
use crate::status;

/// An emergency path, as everybody sees it.
#[derive(Serialize)]
struct GlassReply {
    id: GrantId,
    service: String,
    environment: String,
    commit: String,
    artifacts: Vec<String>,
    reason: String,
    asked_by: PersonId,
    asked_at: Timestamp,
    opened_by: Option<PersonId>,
    until: Option<Timestamp>,
    /// All of it in words: what a second person is about to open.
    told: String,
}

/// An emergency path in words.
fn told(app: &App, glass: &Glass) -> String {
    let question = &glass.asked.question;
    let mut services: BTreeSet<String> =
        question.services.iter().map(ToString::to_string).collect();
    services.insert(question.service.to_string());
    let services: Vec<String> = services.into_iter().collect();
    let artifacts: Vec<String> = question.artifacts.iter().map(ToString::to_string).collect();
    let artifacts = match artifacts.as_slice() {
        [] => String::new(),
        some => format!(" with {}", some.join(" and ")),
    };
    format!(
        "{} wants to bring commit {}{artifacts} of {} to {} past stops and freezes, which are lifted there for an hour; asked at {}, because: {}",
        called(app, &glass.asked.by),
        question.commit,
        services.join(" and "),
        question.environment,
        glass.at,
        question.emergency.as_deref().unwrap_or_default(),
    )
}

fn glass(app: &App, id: &GrantId, glass: &Glass) -> GlassReply {
    let question = &glass.asked.question;
    GlassReply {
        id: id.clone(),
        service: question.service.to_string(),
        environment: question.environment.to_string(),
        commit: question.commit.to_string(),
        artifacts: question.artifacts.iter().map(ToString::to_string).collect(),
        reason: question.emergency.clone().unwrap_or_default(),
        asked_by: glass.asked.by.clone(),
        asked_at: glass.at,
        opened_by: glass.opened.as_ref().map(|opened| opened.by.clone()),
        until: glass.opened.as_ref().map(|opened| opened.until),
        told: told(app, glass),
    }
}

#[derive(Serialize)]
struct PlanItem {
    plan: Digest,
    touches: Vec<String>,
    proposed_by: Option<PersonId>,
    from: Timestamp,
}

#[derive(Serialize)]
struct StatusReply {
    /// Why nothing is recorded, if so.
    halted: Option<String>,
    /// Stops in force.
    stops: usize,
    /// Emergency paths that wait or are open: for a banner on every page.
    break_glass: Vec<GlassReply>,
    /// Plans that wait for a second person.
    plans: Vec<PlanItem>,
    /// Issuers of which trust rules say different things: no token of theirs is exchanged.
    differing_issuers: Vec<String>,
    as_of: u64,
}

pub(crate) async fn status(
    State(app): State<App>,
    By(_): By,
) -> Result<impl IntoResponse, Problem> {
    let (standing, now) = (app.engine.standing(), app.engine.now());
    let glasses = standing.access.glasses.iter();
    let shown = glasses.filter(|(_, one)| one.is_open(now) || one.waits(now));
    let plans = standing.access.plans_waiting(now).map(|plan| PlanItem {
        plan: plan.plan.clone(),
        touches: plan.touches.iter().cloned().collect(),
        proposed_by: plan.by.clone(),
        from: plan.from,
    });
    let shown: Vec<_> = shown.map(|(id, one)| (id.clone(), one.clone())).collect();
    let cards = app.clone();
    let break_glass = match shown.is_empty() {
        true => Vec::new(),
        // Names are in the store.
        false => {
            let told = move || Ok(shown.iter().map(|(id, one)| glass(&cards, id, one)).collect());
            app.blocking(told).await?
        }
    };
    Ok(Reply(StatusReply {
        halted: app.engine.halted(),
        stops: standing.stops.len(),
        break_glass,
        plans: plans.collect(),
        differing_issuers: app.engine.differing_issuers(),
        as_of: standing.size,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GlassRequest {
    question: GateRequest,
    reason: String,
}

#[derive(Serialize)]
struct AskedReply {
    id: GrantId,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn ask(
    State(app): State<App>,
    By(caller): By,
    body: Json<GlassRequest>,
) -> Result<impl IntoResponse, Problem> {
    text_within("reason", &body.value.reason, 1_000)?;
    let mut question = body.value.question.question(&app.engine)?;
    // The reason is what the emergency is; two of them would be one too many.
    if question.emergency.is_some() {
        let detail = "`reason` says what the emergency is";
        return Err(Problem::of(&status::BODY_INVALID, detail).at("question.emergency"));
    }
    question.emergency = Some(body.value.reason);
    let answer = app.engine.ask_break_glass(&caller, question).await?;
    Ok(Created(AskedReply { id: answer.value, receipt: answer.receipt, as_of: answer.as_of }))
}

pub(crate) async fn open(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let glass: GrantId = id(&text)?;
    let answer = app.engine.open_break_glass(&caller, &glass).await?;
    app.metrics.decision(answer.decision);
    Ok(Reply(reply(answer, false)))
}

pub(crate) async fn refuse(
    State(app): State<App>,
    By(caller): By,
    Path(text): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let glass: GrantId = id(&text)?;
    let answer = app.engine.refuse_break_glass(&caller, &glass, body.value.reason).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}
