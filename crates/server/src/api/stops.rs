//! Stops: the line is halted, and goes on.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sluice_core::ids::StopId;
use sluice_core::scope::Scope;
use sluice_core::stop::Stop;
use sluice_engine::ledger::Receipt;

use super::{Created, Reply};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::id;
use crate::status;

pub(crate) async fn list(State(app): State<App>, By(_): By) -> impl IntoResponse {
    let standing = app.engine.standing();
    let items: Vec<Stop> = standing.stops.values().map(|stop| stop.as_ref().clone()).collect();
    Reply(Listed { items, next: None, as_of: standing.size })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopRequest {
    #[serde(default)]
    scope: Scope,
    reason: String,
}

#[derive(Serialize)]
struct StopReply {
    stop: Stop,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn pull(
    State(app): State<App>,
    By(caller): By,
    body: Json<StopRequest>,
) -> Result<impl IntoResponse, Problem> {
    let answer = app.engine.pull_stop(&caller, body.value.scope, body.value.reason).await?;
    Ok(Created(StopReply { stop: answer.value, receipt: answer.receipt, as_of: answer.as_of }))
}

/// Why something is taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonRequest {
    pub(crate) reason: String,
}

impl ReasonRequest {
    /// Refuses a reason that is blank or longer than this.
    pub(crate) fn within(self, most: usize) -> Result<String, Problem> {
        text_within("reason", &self.reason, most)?;
        if self.reason.trim().is_empty() {
            return Err(Problem::of(&status::BODY_INVALID, "a reason is needed").at("reason"));
        }
        Ok(self.reason)
    }
}

/// Something was done that has no other result.
#[derive(Serialize)]
pub(crate) struct Done {
    pub(crate) receipt: Option<Receipt>,
    pub(crate) as_of: u64,
}

pub(crate) async fn lift(
    State(app): State<App>,
    By(caller): By,
    Path(stop): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let stop: StopId = id(&stop)?;
    let answer = app.engine.lift_stop(&caller, &stop, body.value.reason).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}
