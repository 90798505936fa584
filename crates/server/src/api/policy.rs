//! The policy in force, and the texts of its modules.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Serialize;
use sluice_core::ids::Digest;

use super::{Reply, no_such};
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;

#[derive(Serialize)]
struct PolicyReply {
    bundle: Digest,
    modules: BTreeMap<String, Digest>,
    since: Timestamp,
    as_of: u64,
}

pub(crate) async fn show(State(app): State<App>, By(_): By) -> Result<impl IntoResponse, Problem> {
    let standing = app.engine.standing();
    let policy = standing.policy.as_ref().ok_or_else(|| no_such("policy in force"))?;
    Ok(Reply(PolicyReply {
        bundle: policy.bundle.clone(),
        modules: policy.modules.clone(),
        since: policy.since,
        as_of: standing.size,
    }))
}

#[derive(Serialize)]
struct ModuleReply {
    path: String,
    digest: Digest,
    text: String,
}

pub(crate) async fn module(
    State(app): State<App>,
    By(_): By,
    Path(path): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let standing = app.engine.standing();
    let digest = standing.policy.as_ref().and_then(|policy| policy.modules.get(&path).cloned());
    let digest = digest.ok_or_else(|| no_such("module of this path in the policy in force"))?;
    let wanted = digest.clone();
    let blob = app.read(move |readers| readers.blob(wanted.as_str())).await?;
    let blob = blob.ok_or_else(|| no_such("stored text of this module"))?;
    Ok(Reply(ModuleReply { path, digest, text: String::from_utf8_lossy(&blob.bytes).into_owned() }))
}
