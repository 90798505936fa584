//! Links: how they fare, what they owe, and what a person does about it.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Uri;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_engine::ledger::Receipt;
use sluice_engine::store::OutboxFilter;
use sluice_engine::store::rows::{OUTBOX_DELIVERED, OUTBOX_GIVEN_UP, OUTBOX_PENDING, OutboxRow};

use super::stops::{Done, ReasonRequest};
use super::{Reply, time};
use crate::app::App;
use crate::body::{self, Json};
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::Query;

pub(crate) async fn list(State(app): State<App>, By(_): By) -> Result<impl IntoResponse, Problem> {
    let engine = app.engine.clone();
    let as_of = engine.standing().size;
    let items = app.blocking(move || engine.links().map_err(Problem::from)).await?;
    Ok(Reply(Listed { items, next: None, as_of }))
}

pub(crate) async fn test(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    Ok(Reply(app.engine.test_link(&caller, &name).await?))
}

pub(crate) async fn pause(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let answer = app.engine.pause_link(&caller, &name, body.value.within(1_000)?).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

pub(crate) async fn resume(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let answer = app.engine.resume_link(&caller, &name).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

/// One effect, or all that were given up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    #[serde(default, deserialize_with = "body::whole_or_none")]
    effect: Option<u64>,
}

#[derive(Serialize)]
struct ReplayReply {
    replayed: u64,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn replay(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    body: Json<ReplayRequest>,
) -> Result<impl IntoResponse, Problem> {
    let answer = app.engine.replay_link(&caller, &name, body.value.effect).await?;
    let (replayed, receipt, as_of) = (answer.value, answer.receipt, answer.as_of);
    Ok(Reply(ReplayReply { replayed, receipt, as_of }))
}

/// Whether what differs is to be mended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReconcileRequest {
    #[serde(default)]
    repair: bool,
}

pub(crate) async fn reconcile(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    body: Json<ReconcileRequest>,
) -> Result<impl IntoResponse, Problem> {
    Ok(Reply(app.engine.reconcile_link(&caller, &name, body.value.repair).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboxQuery {
    link: Option<String>,
    state: Option<EffectState>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What became of an effect.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EffectState {
    Pending,
    Delivered,
    GivenUp,
}

impl EffectState {
    fn word(self) -> String {
        let word = match self {
            Self::Pending => OUTBOX_PENDING,
            Self::Delivered => OUTBOX_DELIVERED,
            Self::GivenUp => OUTBOX_GIVEN_UP,
        };
        word.to_owned()
    }
}

#[derive(Serialize)]
struct EffectReply {
    id: u64,
    link: String,
    entity: String,
    tell: String,
    state: String,
    attempts: u32,
    owed_since: Timestamp,
    next_at: Timestamp,
    last_error: Option<String>,
}

pub(crate) async fn outbox(
    State(app): State<App>,
    By(_): By,
    uri: Uri,
    Query(query): Query<OutboxQuery>,
) -> Result<impl IntoResponse, Problem> {
    let seek = Seek::read(Some(query.limit.unwrap_or(50)), query.cursor.as_deref())?;
    let page = seek.page()?;
    let filter =
        OutboxFilter { link: query.link, state: query.state.map(EffectState::word), entity: None };
    let (mut rows, as_of) =
        app.read(move |readers| Ok((readers.outbox(&filter, page)?, readers.head().size))).await?;
    let more = seek.cut(&mut rows);
    let last = rows.last().map(|row| row.id);
    let next = last.filter(|_| more).map(|key| paging::next(uri.path(), uri.query(), key));
    let items: Vec<EffectReply> = rows.into_iter().map(reply).collect();
    Ok(Reply(Listed { items, next, as_of }))
}

fn reply(row: OutboxRow) -> EffectReply {
    EffectReply {
        id: row.id,
        link: row.effect.link,
        entity: row.effect.entity,
        tell: row.effect.kind,
        state: row.state,
        attempts: row.attempts,
        owed_since: time(row.effect.created_us),
        next_at: time(row.effect.next_us),
        last_error: row.last_error,
    }
}
