//! Problems: the causes behind incidents, and what mends them.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Uri;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::ids::{ChangeNumber, IncidentNumber, ProblemNumber, ServiceName};
use sluice_core::problem::{Opening, ProblemState};
use sluice_engine::ledger::Receipt;
use sluice_engine::store::ProblemFilter;
use sluice_engine::{Caller, ProblemStep};

use super::stops::Done;
use super::{Created, Reply, no_such, stored};
use crate::app::App;
use crate::body::Json;
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::{Query, argument, id};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemsQuery {
    state: Option<ProblemState>,
    service: Option<String>,
    incident: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(crate) async fn list(
    State(app): State<App>,
    By(caller): By,
    uri: Uri,
    Query(query): Query<ProblemsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let seek = Seek::read(query.limit, query.cursor.as_deref())?;
    let page = seek.page()?;
    let incident: Option<IncidentNumber> = query.incident.as_deref().map(argument).transpose()?;
    let filter = ProblemFilter {
        state: query.state.map(|state| state.as_str().to_owned()),
        service: query.service,
        incident: incident.map(|number| number.to_string()),
        ..ProblemFilter::default()
    };
    let (mut rows, as_of) = app
        .read(move |readers| Ok((readers.problems(&filter, page)?, readers.head().size)))
        .await?;
    let more = seek.cut(&mut rows);
    let last = rows.last().map(|row| row.number);
    let next = last.filter(|_| more).map(|key| paging::next(uri.path(), uri.query(), key));
    let items = rows
        .into_iter()
        .filter(|row| app.engine.sees_disturbed(&caller, &row.services, None))
        .map(|row| stored(row.body, "a problem"))
        .collect::<Result<Vec<Box<RawValue>>, _>>()?;
    Ok(Reply(Listed { items, next, as_of }))
}

pub(crate) async fn show(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    Ok(Reply(visible(&app, &caller, &number).await?.1))
}

/// What neighbours have for a problem.
pub(crate) async fn references(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let (number, _) = visible(&app, &caller, &number).await?;
    super::talk::references_of(&app, number.to_string()).await
}

pub(crate) async fn visible(
    app: &App,
    caller: &Caller,
    number: &str,
) -> Result<(ProblemNumber, Box<RawValue>), Problem> {
    let number: ProblemNumber = id(number)?;
    let row = app.read(move |readers| readers.problem(number.0)).await?;
    let row = row
        .filter(|row| app.engine.sees_disturbed(caller, &row.services, None))
        .ok_or_else(|| no_such(format!("problem {number}")))?;
    Ok((number, stored(row.body, "a problem")?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemRequest {
    title: String,
    services: BTreeSet<ServiceName>,
    #[serde(default)]
    incidents: BTreeSet<IncidentNumber>,
    #[serde(default)]
    changes: BTreeSet<ChangeNumber>,
    #[serde(default)]
    note: String,
}

#[derive(Serialize)]
struct ProblemOpened {
    problem: ProblemNumber,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn open(
    State(app): State<App>,
    By(caller): By,
    body: Json<ProblemRequest>,
) -> Result<impl IntoResponse, Problem> {
    let ProblemRequest { title, services, incidents, changes, note } = body.value;
    let opening = Opening { source: None, title, services, incidents, changes, note };
    let answer = app.engine.open_problem(&caller, opening).await?;
    let (receipt, as_of) = (answer.receipt, answer.as_of);
    Ok(Created(ProblemOpened { problem: answer.value, receipt, as_of }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemMove {
    state: ProblemState,
    #[serde(default)]
    note: String,
}

/// Says where it stands.
pub(crate) async fn advance(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    body: Json<ProblemMove>,
) -> Result<impl IntoResponse, Problem> {
    let step = ProblemStep::Move(body.value.state);
    done(&app, &caller, &number, step, body.value.note).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemLink {
    #[serde(default)]
    incidents: BTreeSet<IncidentNumber>,
    #[serde(default)]
    changes: BTreeSet<ChangeNumber>,
}

/// Links further incidents and changes.
pub(crate) async fn link(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    body: Json<ProblemLink>,
) -> Result<impl IntoResponse, Problem> {
    let step = ProblemStep::Link(body.value.incidents, body.value.changes);
    done(&app, &caller, &number, step, String::new()).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemResolve {
    note: String,
}

pub(crate) async fn resolve(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    body: Json<ProblemResolve>,
) -> Result<impl IntoResponse, Problem> {
    done(&app, &caller, &number, ProblemStep::Resolve, body.value.note).await
}

async fn done(
    app: &App,
    caller: &Caller,
    number: &str,
    step: ProblemStep,
    note: String,
) -> Result<Reply<Done>, Problem> {
    let answer = app.engine.advance_problem(caller, id(number)?, step, note).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}
