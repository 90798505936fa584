//! Gate decisions, and the typed input on which each was made.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Uri;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::gate::Decision;
use sluice_core::ids::{ChangeNumber, DecisionId};
use sluice_engine::store::DecisionFilter;
use sluice_engine::store::rows::DecisionRow;

use super::{Reply, no_such, stored, time};
use crate::app::App;
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::{Query, argument, id};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionsQuery {
    change: Option<String>,
    service: Option<String>,
    environment: Option<String>,
    answer: Option<Decision>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// A recorded decision: the event, where it stands in the ledger, and when it was made.
#[derive(Serialize)]
struct Decided {
    id: String,
    index: u64,
    at: jiff::Timestamp,
    receipt: String,
    input: String,
    event: Box<RawValue>,
}

pub(crate) async fn list(
    State(app): State<App>,
    By(caller): By,
    uri: Uri,
    Query(query): Query<DecisionsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let seek = Seek::read(query.limit, query.cursor.as_deref())?;
    let page = seek.page()?;
    let change: Option<ChangeNumber> = query.change.as_deref().map(argument).transpose()?;
    let filter = DecisionFilter {
        change_number: change.map(|number| number.0),
        service: query.service,
        environment: query.environment,
        decision: query.answer.map(|answer| answer.as_str().to_owned()),
    };
    let (mut rows, as_of) = app
        .read(move |readers| Ok((readers.decisions(&filter, page)?, readers.head().size)))
        .await?;
    let more = seek.cut(&mut rows);
    let last = rows.last().map(|row| row.seq);
    let next = last.filter(|_| more).map(|key| paging::next(uri.path(), uri.query(), key));
    let items = rows
        .into_iter()
        .filter(|row| app.sees(&caller, [row.service.as_str()], &row.environment))
        .map(decided)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Reply(Listed { items, next, as_of }))
}

pub(crate) async fn show(
    State(app): State<App>,
    By(caller): By,
    Path(decision): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    decided(find(&app, &caller, &decision).await?).map(Reply)
}

/// The typed input, byte for byte as the decision binds it by digest.
pub(crate) async fn input(
    State(app): State<App>,
    By(caller): By,
    Path(decision): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let digest = find(&app, &caller, &decision).await?.input_digest;
    let blob = app.read(move |readers| readers.blob(&digest)).await?;
    let blob = blob.ok_or_else(|| no_such("stored input of this decision"))?;
    Ok(([(CONTENT_TYPE, "application/json")], blob.bytes))
}

async fn find(
    app: &App,
    caller: &sluice_engine::Caller,
    decision: &str,
) -> Result<DecisionRow, Problem> {
    let decision: DecisionId = id(decision)?;
    let wanted = decision.clone();
    let row = app.read(move |readers| readers.decision(wanted.as_str())).await?;
    row.filter(|row| app.sees(caller, [row.service.as_str()], &row.environment))
        .ok_or_else(|| no_such(format!("decision `{decision}`")))
}

fn decided(row: DecisionRow) -> Result<Decided, Problem> {
    Ok(Decided {
        receipt: format!("/api/v1/ledger/receipts/{}", row.seq),
        input: format!("/api/v1/decisions/{}/input", row.id),
        id: row.id,
        index: row.seq,
        at: time(row.at_us),
        event: stored(row.body, "a decision")?,
    })
}
