//! What people do beside a change: comments, evidence that was opened, one word on several changes, and what
//! neighbours have of it.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::change::Change;
use sluice_core::ids::{ChangeNumber, Digest};
use sluice_core::standing::Actor;
use sluice_engine::ledger::Receipt;
use sluice_engine::store::rows::ExternalRefRow;
use sluice_engine::{Caller, Picked};

use super::stops::Done;
use super::{Created, Reply, no_such};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::id;

#[derive(Serialize)]
struct CommentReply {
    index: u64,
    by: Actor,
    at: Timestamp,
    text: String,
}

/// What was said about a change, oldest first.
pub(crate) async fn comments(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let number = visible(&app, &caller, &number).await?.number;
    let (engine, as_of) = (app.engine.clone(), app.engine.standing().size);
    let comments =
        app.blocking(move || engine.comments(number).map_err(Problem::from)).await?.into_iter();
    let items: Vec<CommentReply> = comments
        .map(|it| CommentReply { index: it.index, by: it.by, at: it.at, text: it.text })
        .collect();
    Ok(Reply(Listed { items, next: None, as_of }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentRequest {
    text: String,
}

/// Says something about a change.
pub(crate) async fn comment(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    body: Json<CommentRequest>,
) -> Result<impl IntoResponse, Problem> {
    let number = visible(&app, &caller, &number).await?.number;
    text_within("text", &body.value.text, 2_000)?;
    let answer = app.engine.comment(&caller, number, body.value.text).await?;
    Ok(Created(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceRequest {
    #[serde(rename = "type")]
    kind: String,
    name: String,
}

/// Records that a person opened a piece of evidence.
pub(crate) async fn opened(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    body: Json<EvidenceRequest>,
) -> Result<impl IntoResponse, Problem> {
    let number = visible(&app, &caller, &number).await?.number;
    let EvidenceRequest { kind, name } = body.value;
    app.engine.open_evidence(&caller, number, kind, name).await?;
    Ok(Reply(Done { receipt: None, as_of: app.engine.standing().size }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PickedRequest {
    change: String,
    revision: Digest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TogetherRequest {
    changes: Vec<PickedRequest>,
    #[serde(default)]
    reason: String,
}

#[derive(Serialize)]
struct TogetherItem {
    change: ChangeNumber,
    approved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// The problem's code and sentence, where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Approves several changes, each at the revision that was shown of it.
pub(crate) async fn approve(
    State(app): State<App>,
    By(caller): By,
    body: Json<TogetherRequest>,
) -> Result<impl IntoResponse, Problem> {
    let mut picked = Vec::new();
    for one in body.value.changes.into_iter().take(51) {
        let change = visible(&app, &caller, &one.change).await?.number;
        picked.push(Picked { change, revision: one.revision });
    }
    let answers = app.engine.approve_together(&caller, picked, &body.value.reason).await?;
    let items: Vec<TogetherItem> = answers
        .into_iter()
        .map(|one| match one.result {
            Ok(answer) => TogetherItem {
                change: one.change,
                approved: true,
                receipt: answer.receipt,
                code: None,
                detail: None,
            },
            Err(error) => {
                let problem = Problem::from(error);
                TogetherItem {
                    change: one.change,
                    approved: false,
                    receipt: None,
                    code: Some(problem.code.to_string()),
                    detail: Some(problem.detail.clone()),
                }
            }
        })
        .collect();
    Ok(Reply(Listed { items, next: None, as_of: app.engine.standing().size }))
}

#[derive(Serialize)]
pub(crate) struct ReferenceReply {
    link: String,
    name: String,
    value: String,
}

impl From<ExternalRefRow> for ReferenceReply {
    fn from(row: ExternalRefRow) -> Self {
        Self { link: row.link, name: row.name, value: row.value }
    }
}

/// What neighbours have for a change.
pub(crate) async fn references(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let number = visible(&app, &caller, &number).await?.number;
    references_of(&app, number.to_string()).await
}

/// What neighbours have for one of our records.
pub(crate) async fn references_of(
    app: &App,
    entity: String,
) -> Result<Reply<Listed<ReferenceReply>>, Problem> {
    let (rows, as_of) = app
        .read(move |readers| Ok((readers.external_refs_of(&entity)?, readers.head().size)))
        .await?;
    let items = rows.into_iter().map(ReferenceReply::from).collect();
    Ok(Reply(Listed { items, next: None, as_of }))
}

/// A change that the caller may see.
pub(crate) async fn visible(app: &App, caller: &Caller, number: &str) -> Result<Change, Problem> {
    let number: ChangeNumber = id(number)?;
    let engine = app.engine.clone();
    let change = app.blocking(move || engine.change(number).map_err(Problem::from)).await?;
    change
        .filter(|change| app.sees_change(caller, change))
        .ok_or_else(|| no_such(format!("change {number}")))
}
