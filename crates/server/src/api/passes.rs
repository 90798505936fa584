//! `POST /api/v1/passes/{id}/redeem`: the last look before the deploy action.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sluice_core::deployment::Strategy;
use sluice_core::gate::Observed;
use sluice_core::ids::{ChangeNumber, CommitId, DeploymentNumber, Digest, PassId};
use sluice_core::run::RunRef;
use sluice_engine::StartDetails;
use sluice_engine::ledger::Receipt;

use super::Reply;
use super::gate::RunRequest;
use crate::app::App;
use crate::body::{Json, text_within, within};
use crate::conditions::IdempotencyKey;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::id;

/// What the deploy side sees of what it is about to deploy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedeemRequest {
    commit: Option<CommitId>,
    #[serde(default)]
    artifacts: BTreeSet<Digest>,
    run: Option<RunRequest>,
    #[serde(default)]
    strategy: Strategy,
    version: Option<String>,
}

#[derive(Serialize)]
struct RedeemReply {
    pass: PassId,
    deployment: DeploymentNumber,
    change: Option<ChangeNumber>,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn redeem(
    State(app): State<App>,
    By(caller): By,
    Path(pass): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    body: Json<RedeemRequest>,
) -> Result<impl IntoResponse, Problem> {
    let pass: PassId = id(&pass)?;
    let given = body.value;
    within("artifacts", "members", given.artifacts.len(), 200)?;
    text_within("version", given.version.as_deref().unwrap_or_default(), 256)?;
    let run = given.run.map(RunRef::from);
    let observed = Observed { commit: given.commit, artifacts: given.artifacts, run };
    let start = StartDetails { strategy: given.strategy, version: given.version };
    let answer = app.engine.redeem(&caller, &key, body.hash, &pass, observed, start).await?;
    Ok(Reply(RedeemReply {
        pass: answer.value.pass,
        deployment: answer.value.deployment,
        change: answer.value.change,
        receipt: answer.receipt,
        as_of: answer.as_of,
    }))
}
