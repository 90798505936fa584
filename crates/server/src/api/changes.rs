//! Changes: lists, records, trails, and what people do to them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use http::{HeaderMap, HeaderValue, Uri};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::change::{ApprovalVerdict, Change, ChangeKind, ChangeOutcome, ChangeState};
use sluice_core::ids::{ChangeNumber, Digest};
use sluice_core::risk::RiskLevel;
use sluice_engine::ledger::Receipt;
use sluice_engine::store::ChangeFilter;
use sluice_engine::{Answer, ApprovalInput, Caller, ExplainedChange};

use super::accounts::person;
use super::ledger::{EntryView, entry_view};
use super::stops::ReasonRequest;
use super::{Reply, no_such, stored};
use crate::app::App;
use crate::body::Json;
use crate::conditions::{IfMatch, MustMatch};
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::{Query, id};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesQuery {
    state: Option<ChangeState>,
    service: Option<String>,
    environment: Option<String>,
    kind: Option<ChangeKind>,
    risk: Option<RiskLevel>,
    waiting: Option<bool>,
    q: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(crate) async fn list(
    State(app): State<App>,
    By(caller): By,
    uri: Uri,
    Query(query): Query<ChangesQuery>,
) -> Result<impl IntoResponse, Problem> {
    let seek = Seek::read(query.limit, query.cursor.as_deref())?;
    let page = seek.page()?;
    let filter = ChangeFilter {
        state: query.state.map(|state| state.as_str().to_owned()),
        service: query.service,
        environment: query.environment,
        kind: query.kind.map(|kind| kind.as_str().to_owned()),
        risk: query.risk.map(|risk| risk.as_str().to_owned()),
        waiting: query.waiting,
        text: query.q,
    };
    let (mut rows, as_of) =
        app.read(move |readers| Ok((readers.changes(&filter, page)?, readers.head().size))).await?;
    let more = seek.cut(&mut rows);
    let last = rows.last().map(|row| row.number);
    let next = last.filter(|_| more).map(|key| paging::next(uri.path(), uri.query(), key));
    let items = rows
        .into_iter()
        .filter(|row| app.sees(&caller, row.services.iter().map(String::as_str), &row.environment))
        .map(|row| stored(row.body, "a change"))
        .collect::<Result<Vec<Box<RawValue>>, _>>()?;
    Ok(Reply(Listed { items, next, as_of }))
}

pub(crate) async fn show(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let change = find(&app, &caller, &number).await?;
    let tag = change.change.version_of_record;
    Ok(tagged(tag, Reply(change)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrailQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The entries of a change's stream, oldest first.
pub(crate) async fn trail(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    uri: Uri,
    Query(query): Query<TrailQuery>,
) -> Result<impl IntoResponse, Problem> {
    let number = find(&app, &caller, &number).await?.change.number;
    let seek = Seek::read(query.limit, query.cursor.as_deref())?;
    let from = seek.number()?.map_or(0, |last| last.saturating_add(1));
    let most = seek.limit + 1;
    let (mut rows, as_of) = app
        .read(move |readers| {
            Ok((readers.stream(&format!("change/{number}"), from, most)?, readers.head().size))
        })
        .await?;
    let more = seek.cut(&mut rows);
    let last = rows.last().map(|entry| entry.version);
    let next = last.filter(|_| more).map(|key| paging::next(uri.path(), uri.query(), key));
    let items: Vec<EntryView> = rows.iter().map(entry_view).collect::<Result<_, _>>()?;
    Ok(Reply(Listed { items, next, as_of }))
}

/// A yes or no, with the revision that was shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalRequest {
    revision: Digest,
    #[serde(default)]
    reason: String,
    /// By opaque id or handle.
    on_behalf_of: Option<String>,
}

pub(crate) async fn approve(
    app: State<App>,
    by: By,
    number: Path<String>,
    headers: HeaderMap,
    body: Json<ApprovalRequest>,
) -> Result<Response, Problem> {
    vote(app.0, by.0, number.0, &headers, body.value, ApprovalVerdict::Approve).await
}

pub(crate) async fn reject(
    app: State<App>,
    by: By,
    number: Path<String>,
    headers: HeaderMap,
    body: Json<ApprovalRequest>,
) -> Result<Response, Problem> {
    vote(app.0, by.0, number.0, &headers, body.value, ApprovalVerdict::Reject).await
}

/// The revision is what a yes or no is bound to; `If-Match` is looked at where it is sent.
async fn vote(
    app: App,
    caller: Arc<Caller>,
    number: String,
    headers: &HeaderMap,
    given: ApprovalRequest,
    verdict: ApprovalVerdict,
) -> Result<Response, Problem> {
    let number = find(&app, &caller, &number).await?.change.number;
    let version = IfMatch::read(headers)?.and_then(IfMatch::version);
    let absent = given.on_behalf_of.as_deref();
    let on_behalf_of = absent
        .map(|who| person(&app, who).map_err(|problem| problem.at("on_behalf_of")))
        .transpose()?;
    let input =
        ApprovalInput { verdict, revision: given.revision, reason: given.reason, on_behalf_of };
    Ok(changed(app.engine.approve(&caller, number, version, input).await?))
}

pub(crate) async fn cancel(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    MustMatch(version): MustMatch,
    body: Json<ReasonRequest>,
) -> Result<Response, Problem> {
    let number = find(&app, &caller, &number).await?.change.number;
    let reason = body.value.within(1_000)?;
    let answer = app.engine.cancel_change(&caller, number, version.version(), reason).await?;
    Ok(changed(answer))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseRequest {
    outcome: ChangeOutcome,
    #[serde(default)]
    note: String,
}

pub(crate) async fn close(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    MustMatch(version): MustMatch,
    body: Json<CloseRequest>,
) -> Result<Response, Problem> {
    let number = find(&app, &caller, &number).await?.change.number;
    let CloseRequest { outcome, note } = body.value;
    let answer = app.engine.close_change(&caller, number, version.version(), outcome, note).await?;
    Ok(changed(answer))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewRequest {
    finding: String,
}

pub(crate) async fn review(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    MustMatch(version): MustMatch,
    body: Json<ReviewRequest>,
) -> Result<Response, Problem> {
    let number = find(&app, &caller, &number).await?.change.number;
    let answer =
        app.engine.review_change(&caller, number, version.version(), body.value.finding).await?;
    Ok(changed(answer))
}

#[derive(Serialize)]
struct ChangeReply {
    change: Change,
    receipt: Option<Receipt>,
    as_of: u64,
}

fn changed(answer: Answer<Change>) -> Response {
    let tag = answer.value.version_of_record;
    tagged(
        tag,
        Reply(ChangeReply { change: answer.value, receipt: answer.receipt, as_of: answer.as_of }),
    )
}

fn tagged(version: u64, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// The change, where there is one that the token's scope lets it see.
pub(super) async fn find(
    app: &App,
    caller: &Caller,
    number: &str,
) -> Result<ExplainedChange, Problem> {
    let number: ChangeNumber = id(number)?;
    let engine = app.engine.clone();
    let change =
        app.blocking(move || engine.explained_change(number).map_err(Problem::from)).await?;
    change
        .filter(|found| app.sees_change(caller, &found.change))
        .ok_or_else(|| no_such(format!("change {number}")))
}
