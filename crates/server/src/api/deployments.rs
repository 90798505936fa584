//! Deployments: the technical acts, and the reports of how they ended.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Uri;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::deployment::{Deployment, DeploymentReport, DeploymentState, Health, Rollback};
use sluice_core::ids::{ChangeNumber, DeploymentNumber};
use sluice_engine::ledger::Receipt;
use sluice_engine::store::DeploymentFilter;

use super::stops::ReasonRequest;
use super::{Reply, no_such, stored};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::conditions::IdempotencyKey;
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::{Query, argument, id};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeploymentsQuery {
    change: Option<String>,
    service: Option<String>,
    environment: Option<String>,
    state: Option<DeploymentState>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(crate) async fn list(
    State(app): State<App>,
    By(caller): By,
    uri: Uri,
    Query(query): Query<DeploymentsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let seek = Seek::read(query.limit, query.cursor.as_deref())?;
    let page = seek.page()?;
    let change: Option<ChangeNumber> = query.change.as_deref().map(argument).transpose()?;
    let filter = DeploymentFilter {
        change_number: change.map(|number| number.0),
        service: query.service,
        environment: query.environment,
        state: query.state.map(|state| state.as_str().to_owned()),
    };
    let (mut rows, as_of) = app
        .read(move |readers| Ok((readers.deployments(&filter, page)?, readers.head().size)))
        .await?;
    let more = seek.cut(&mut rows);
    let last = rows.last().map(|row| row.number);
    let next = last.filter(|_| more).map(|key| paging::next(uri.path(), uri.query(), key));
    let items = rows
        .into_iter()
        .filter(|row| app.sees(&caller, [row.service.as_str()], &row.environment))
        .map(|row| stored(row.body, "a deployment"))
        .collect::<Result<Vec<Box<RawValue>>, _>>()?;
    Ok(Reply(Listed { items, next, as_of }))
}

pub(crate) async fn show(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let number: DeploymentNumber = id(&number)?;
    let row = app.read(move |readers| readers.deployment(number.0)).await?;
    let row = row
        .filter(|row| app.sees(&caller, [row.service.as_str()], &row.environment))
        .ok_or_else(|| no_such(format!("deployment {number}")))?;
    Ok(Reply(stored(row.body, "a deployment")?))
}

/// How a deployment ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeRequest {
    state: DeploymentState,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    health: Option<Health>,
    #[serde(default)]
    note: String,
    rollback: Option<Rollback>,
}

#[derive(Serialize)]
struct OutcomeReply {
    deployment: Deployment,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn outcome(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    body: Json<OutcomeRequest>,
) -> Result<impl IntoResponse, Problem> {
    let number: DeploymentNumber = id(&number)?;
    let given = body.value;
    text_within("note", &given.note, 4_096)?;
    if let Some(rollback) = &given.rollback {
        text_within("rollback.reason", &rollback.reason, 1_000)?;
        text_within(
            "rollback.to_version",
            rollback.to_version.as_deref().unwrap_or_default(),
            256,
        )?;
    }
    let report = DeploymentReport {
        state: given.state,
        started_at: given.started_at,
        ended_at: given.ended_at,
        health: given.health,
        note: given.note,
        rollback: given.rollback,
    };
    let answer = app.engine.deployment_outcome(&caller, &key, body.hash, number, report).await?;
    Ok(Reply(OutcomeReply {
        deployment: answer.value,
        receipt: answer.receipt,
        as_of: answer.as_of,
    }))
}

pub(crate) async fn give_up(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let number: DeploymentNumber = id(&number)?;
    let reason = body.value.within(1_000)?;
    let answer = app.engine.give_up_deployment(&caller, number, reason).await?;
    Ok(Reply(OutcomeReply {
        deployment: answer.value,
        receipt: answer.receipt,
        as_of: answer.as_of,
    }))
}
