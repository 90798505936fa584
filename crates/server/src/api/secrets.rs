//! Secrets: set, removed, listed by name. Nothing here gives one back.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::ids::SecretName;
use sluice_core::organisation::SecretRef;
use sluice_engine::ledger::Receipt;

use super::Reply;
use crate::app::App;
use crate::body::Json;
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::argument;

/// A secret on its way in. It has no `Debug`: nothing can print it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretRequest {
    value: String,
}

#[derive(Serialize)]
struct SecretReply {
    name: SecretName,
    version: u32,
    set_at: Timestamp,
    key: String,
}

#[derive(Serialize)]
struct VersionReply {
    version: u32,
    as_of: u64,
}

#[derive(Serialize)]
struct RemovedReply {
    receipt: Option<Receipt>,
    links: Vec<String>,
    as_of: u64,
}

#[derive(Serialize)]
struct RewrapReply {
    secrets: u32,
    as_of: u64,
}

pub(crate) async fn list(State(app): State<App>, By(_): By) -> impl IntoResponse {
    let standing = app.engine.standing();
    let items = standing.secrets.iter().map(|(name, known)| SecretReply {
        name: name.clone(),
        version: known.version,
        set_at: known.at,
        key: known.key.clone(),
    });
    Reply(Listed { items: items.collect(), next: None, as_of: standing.size })
}

pub(crate) async fn set(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    body: Json<SecretRequest>,
) -> Result<impl IntoResponse, Problem> {
    let name: SecretName = argument(&name)?;
    let answer = app.engine.set_secret(&caller, name, body.value.value.as_bytes()).await?;
    Ok(Reply(VersionReply { version: answer.value, as_of: answer.as_of }))
}

pub(crate) async fn remove(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let name: SecretName = argument(&name)?;
    let links = links_with(&app, &name);
    let answer = app.engine.remove_secret(&caller, name).await?;
    Ok(Reply(RemovedReply { receipt: answer.receipt, links, as_of: answer.as_of }))
}

/// The links that name a secret.
fn links_with(app: &App, name: &SecretName) -> Vec<String> {
    let standing = app.engine.standing();
    let wanted = SecretRef::Stored(name.clone());
    let links = standing.organisation.links.values();
    let links = links.filter(|link| {
        link.secrets.contains(&wanted) || link.credentials.values().any(|one| *one == wanted)
    });
    links.map(|link| link.name.to_string()).collect()
}

pub(crate) async fn rewrap(
    State(app): State<App>,
    By(caller): By,
) -> Result<impl IntoResponse, Problem> {
    let answer = app.engine.rewrap_secrets(&caller).await?;
    Ok(Reply(RewrapReply { secrets: answer.value, as_of: answer.as_of }))
}
