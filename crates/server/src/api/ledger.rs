//! The ledger: entries, receipts and proofs as JSON. The same log is published in tiles.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_engine::WitnessCard;
use sluice_engine::ledger::Hash;
use sluice_engine::store::Entry;

use super::{Reply, no_such, stored, time};
use crate::app::App;
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::status;

/// An entry: its exact bytes, and what they say.
#[derive(Serialize)]
pub(crate) struct EntryView {
    index: u64,
    leaf_hash: Hash,
    stream: String,
    stream_version: u64,
    name: String,
    time: Timestamp,
    /// The bytes that are hashed, base64.
    bytes: String,
    /// The same bytes, as JSON.
    entry: Box<RawValue>,
    /// Where its receipt is.
    receipt: String,
}

pub(crate) fn entry_view(entry: &Entry) -> Result<EntryView, Problem> {
    let text = String::from_utf8_lossy(&entry.bytes).into_owned();
    Ok(EntryView {
        index: entry.seq,
        leaf_hash: entry.leaf_hash,
        stream: entry.stream.clone(),
        stream_version: entry.version,
        name: entry.name.clone(),
        time: time(entry.time_us),
        bytes: STANDARD.encode(&entry.bytes),
        entry: stored(text, "an entry")?,
        receipt: format!("/api/v1/ledger/receipts/{}", entry.seq),
    })
}

#[derive(Serialize)]
struct HeadReply {
    origin: String,
    size: u64,
    root: Hash,
    last_time: Option<Timestamp>,
    checkpoint: String,
    witnesses: Vec<WitnessView>,
    witnessed_size: Option<u64>,
    quorum: Option<usize>,
}

/// Somebody who cosigns the log.
#[derive(Serialize)]
struct WitnessView {
    name: String,
    state: &'static str,
    size: Option<u64>,
    at: Option<Timestamp>,
    error: Option<String>,
}

impl From<WitnessCard> for WitnessView {
    fn from(card: WitnessCard) -> Self {
        let WitnessCard { name, state, size, at, error } = card;
        Self { name, state: state.as_str(), size, at, error }
    }
}

pub(crate) async fn head(State(app): State<App>, By(_): By) -> impl IntoResponse {
    let readers = app.engine.lists();
    let head = readers.head();
    let witnessing = app.engine.witnessing();
    Reply(HeadReply {
        quorum: witnessing.as_ref().map(|card| card.quorum),
        witnessed_size: witnessing.as_ref().and_then(|card| card.witnessed_size),
        witnesses: witnessing
            .map(|card| card.witnesses.into_iter().map(WitnessView::from).collect())
            .unwrap_or_default(),
        origin: app.engine.keys().origin.clone(),
        size: head.size,
        root: head.root,
        last_time: (head.size > 0).then(|| time(head.last_time_us)),
        checkpoint: readers.checkpoint_note().to_string(),
    })
}

pub(crate) async fn entry(
    State(app): State<App>,
    By(_): By,
    Path(index): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let index: u64 = id(&index)?;
    let entry = app.read(move |readers| readers.entry(index)).await?;
    let entry = entry.ok_or_else(|| no_such(format!("entry {index}")))?;
    Ok(Reply(entry_view(&entry)?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntriesQuery {
    from: Option<u64>,
    limit: Option<u32>,
}

/// Entries from an index on, oldest first.
pub(crate) async fn entries(
    State(app): State<App>,
    By(_): By,
    uri: Uri,
    Query(query): Query<EntriesQuery>,
) -> Result<impl IntoResponse, Problem> {
    let (from, limit) = (query.from.unwrap_or(0), query.limit.unwrap_or(50));
    if !(1..=200).contains(&limit) {
        return Err(Problem::of(&status::QUERY_INVALID, "`limit` is 1 to 200"));
    }
    let (rows, as_of) =
        app.read(move |readers| Ok((readers.entries(from, limit)?, readers.head().size))).await?;
    let last = rows.last().map(|entry| entry.seq + 1);
    let next = last.filter(|next| *next < as_of);
    let next = next.map(|next| format!("{}?from={next}&limit={limit}", uri.path()));
    let items: Vec<EntryView> = rows.iter().map(entry_view).collect::<Result<_, _>>()?;
    Ok(Reply(Listed { items, next, as_of }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptQuery {
    witnessed: Option<bool>,
}

/// Under the present head, or under the newest that is witnessed: then nobody has to take our word for it.
pub(crate) async fn receipt(
    State(app): State<App>,
    By(_): By,
    Path(index): Path<String>,
    Query(query): Query<ReceiptQuery>,
) -> Result<impl IntoResponse, Problem> {
    let index: u64 = id(&index)?;
    if query.witnessed != Some(true) {
        return Ok(Reply(app.read(move |readers| readers.receipt(index)).await?));
    }
    let engine = app.engine.clone();
    let made = app.blocking(move || engine.witnessed_receipt(index).map_err(Problem::from));
    let receipt = made.await?;
    receipt.map(Reply).ok_or_else(|| {
        match app.engine.witnessing().and_then(|card| card.witnessed_size) {
            None => crate::log::unwitnessed(&app),
            Some(size) => Problem::of(
                &status::NOT_WITNESSED,
                format!("entry {index} is not among the {size} that are witnessed"),
            ),
        }
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsistencyQuery {
    from: u64,
    to: u64,
}

#[derive(Serialize)]
struct ConsistencyReply {
    from: u64,
    to: u64,
    from_root: Hash,
    to_root: Hash,
    proof: Vec<Hash>,
}

/// The proof that the log of `to` entries continues that of `from`.
pub(crate) async fn consistency(
    State(app): State<App>,
    By(_): By,
    Query(query): Query<ConsistencyQuery>,
) -> Result<impl IntoResponse, Problem> {
    let ConsistencyQuery { from, to } = query;
    if from > to {
        return Err(Problem::of(&status::QUERY_INVALID, "`from` is not beyond `to`"));
    }
    let reply = app.read(move |readers| {
        Ok(ConsistencyReply {
            from,
            to,
            from_root: readers.root_at(from)?,
            to_root: readers.root_at(to)?,
            proof: readers.consistency_proof(from, to)?,
        })
    });
    Ok(Reply(reply.await?))
}
