//! Exceptions: recorded, time-boxed permissions to pass a freeze, a stop or a failed rule.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::ids::ExceptionId;
use sluice_core::scope::Scope;
use sluice_core::stop::Exception;
use sluice_engine::ledger::Receipt;

use super::stops::{Done, ReasonRequest};
use super::{Created, Reply};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::id;

pub(crate) async fn list(State(app): State<App>, By(_): By) -> impl IntoResponse {
    let standing = app.engine.standing();
    let items: Vec<Exception> =
        standing.exceptions.values().map(|exception| exception.as_ref().clone()).collect();
    Reply(Listed { items, next: None, as_of: standing.size })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionRequest {
    lifts: String,
    #[serde(default)]
    scope: Scope,
    reason: String,
    until: Timestamp,
}

#[derive(Serialize)]
struct ExceptionReply {
    exception: Exception,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn grant(
    State(app): State<App>,
    By(caller): By,
    body: Json<ExceptionRequest>,
) -> Result<impl IntoResponse, Problem> {
    let ExceptionRequest { lifts, scope, reason, until } = body.value;
    text_within("lifts", &lifts, 512)?;
    let answer = app.engine.grant_exception(&caller, lifts, scope, reason, until).await?;
    Ok(Created(ExceptionReply {
        exception: answer.value,
        receipt: answer.receipt,
        as_of: answer.as_of,
    }))
}

pub(crate) async fn revoke(
    State(app): State<App>,
    By(caller): By,
    Path(exception): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let exception: ExceptionId = id(&exception)?;
    let answer = app.engine.revoke_exception(&caller, &exception, body.value.reason).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}
