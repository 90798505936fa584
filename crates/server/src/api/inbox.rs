//! The inbox: deliveries, and what became of them.
//!
//! Headers may hold the sender's token, so only their names are shown; the body is shown where
//! one delivery is asked for.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::ids::Digest;
use sluice_engine::store::InboxFilter;
use sluice_engine::store::rows::InboxRow;

use super::stops::Done;
use super::{Reply, no_such, time};
use crate::app::App;
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::status;

/// The most deliveries of a page; the store reads their bodies along with them.
const MOST: u32 = 50;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InboxQuery {
    link: Option<String>,
    state: Option<DeliveryState>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeliveryState {
    New,
    Done,
    Ignored,
    Quarantined,
}

impl DeliveryState {
    fn word(self) -> String {
        let word = match self {
            Self::New => "new",
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Quarantined => "quarantined",
        };
        word.to_owned()
    }
}

#[derive(Serialize)]
struct DeliveryReply {
    id: u64,
    link: String,
    delivery_id: String,
    kind: String,
    received_at: Timestamp,
    size_bytes: usize,
    digest: Digest,
    state: String,
    outcome: Option<String>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

pub(crate) async fn list(
    State(app): State<App>,
    By(_): By,
    uri: Uri,
    Query(query): Query<InboxQuery>,
) -> Result<impl IntoResponse, Problem> {
    let seek = Seek::read(Some(query.limit.unwrap_or(20)), query.cursor.as_deref())?;
    if seek.limit > MOST {
        return Err(Problem::of(&status::QUERY_INVALID, "`limit` is 1 to 50 here"));
    }
    let page = seek.page()?;
    let filter = InboxFilter { link: query.link, state: query.state.map(DeliveryState::word) };
    let (mut rows, as_of) =
        app.read(move |readers| Ok((readers.inbox(&filter, page)?, readers.head().size))).await?;
    let more = seek.cut(&mut rows);
    let last = rows.last().map(|row| row.id);
    let next = last.filter(|_| more).map(|key| paging::next(uri.path(), uri.query(), key));
    let items: Vec<DeliveryReply> = rows.into_iter().map(|row| reply(row, false)).collect();
    Ok(Reply(Listed { items, next, as_of }))
}

pub(crate) async fn show(
    State(app): State<App>,
    By(_): By,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let number: u64 = id(&number)?;
    let row = app.read(move |readers| readers.inbox_get(number)).await?;
    let row = row.ok_or_else(|| no_such(format!("delivery {number}")))?;
    Ok(Reply(reply(row, true)))
}

/// Has a delivery read again.
pub(crate) async fn replay(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let answer = app.engine.replay_delivery(&caller, id(&number)?).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

fn reply(row: InboxRow, whole: bool) -> DeliveryReply {
    DeliveryReply {
        id: row.id,
        link: row.delivery.link,
        delivery_id: row.delivery.delivery_id,
        kind: row.delivery.kind,
        received_at: time(row.delivery.received_us),
        size_bytes: row.delivery.body.len(),
        digest: Digest::of(&row.delivery.body),
        state: row.state,
        outcome: row.outcome,
        attempts: row.attempts,
        body: whole.then(|| STANDARD.encode(&row.delivery.body)),
    }
}
