//! Incidents: what is broken, who works on it, how it ended.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Uri;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::effect::ItemCard;
use sluice_core::ids::{ChangeNumber, IncidentNumber, ServiceName};
use sluice_core::incident::{IncidentState, Opening, Resolution};
use sluice_engine::ledger::Receipt;
use sluice_engine::store::IncidentFilter;
use sluice_engine::{Caller, IncidentStep};

use super::stops::Done;
use super::talk::ReferenceReply;
use super::{Created, Reply, no_such, stored};
use crate::app::App;
use crate::body::Json;
use crate::guard::By;
use crate::paging::{self, Listed, Seek};
use crate::problem::Problem;
use crate::query::{Query, argument, id};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentsQuery {
    state: Option<IncidentState>,
    service: Option<String>,
    change: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(crate) async fn list(
    State(app): State<App>,
    By(caller): By,
    uri: Uri,
    Query(query): Query<IncidentsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let seek = Seek::read(query.limit, query.cursor.as_deref())?;
    let page = seek.page()?;
    let change: Option<ChangeNumber> = query.change.as_deref().map(argument).transpose()?;
    let filter = IncidentFilter {
        state: query.state.map(|state| state.as_str().to_owned()),
        service: query.service,
        change_number: change.map(|number| number.0),
        ..IncidentFilter::default()
    };
    let (mut rows, as_of) = app
        .read(move |readers| Ok((readers.incidents(&filter, page)?, readers.head().size)))
        .await?;
    let more = seek.cut(&mut rows);
    let last = rows.last().map(|row| row.number);
    let next = last.filter(|_| more).map(|key| paging::next(uri.path(), uri.query(), key));
    let items = rows
        .into_iter()
        .filter(|row| app.engine.sees_disturbed(&caller, &row.services, row.environment.as_deref()))
        .map(|row| stored(row.body, "an incident"))
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

/// What neighbours have for an incident.
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
) -> Result<(IncidentNumber, Box<RawValue>), Problem> {
    let number: IncidentNumber = id(number)?;
    let row = app.read(move |readers| readers.incident(number.0)).await?;
    let row = row
        .filter(|row| app.engine.sees_disturbed(caller, &row.services, row.environment.as_deref()))
        .ok_or_else(|| no_such(format!("incident {number}")))?;
    Ok((number, stored(row.body, "an incident")?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentRequest {
    title: String,
    services: BTreeSet<ServiceName>,
    environment: Option<String>,
    #[serde(default)]
    severity: String,
    change: Option<ChangeNumber>,
    #[serde(default)]
    note: String,
}

#[derive(Serialize)]
struct IncidentOpened {
    incident: IncidentNumber,
    receipt: Option<Receipt>,
    as_of: u64,
}

pub(crate) async fn open(
    State(app): State<App>,
    By(caller): By,
    body: Json<IncidentRequest>,
) -> Result<impl IntoResponse, Problem> {
    let IncidentRequest { title, services, environment, severity, change, note } = body.value;
    let opening = Opening { source: None, title, services, environment, severity, change, note };
    let answer = app.engine.open_incident(&caller, opening).await?;
    let (receipt, as_of) = (answer.receipt, answer.as_of);
    Ok(Created(IncidentOpened { incident: answer.value, receipt, as_of }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentMove {
    state: IncidentState,
    #[serde(default)]
    note: String,
}

/// Says that it is worked on, or waits.
pub(crate) async fn advance(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    body: Json<IncidentMove>,
) -> Result<impl IntoResponse, Problem> {
    let step = IncidentStep::Move(body.value.state);
    done(&app, &caller, &number, step, body.value.note).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentResolve {
    resolution: Resolution,
    note: String,
}

pub(crate) async fn resolve(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    body: Json<IncidentResolve>,
) -> Result<impl IntoResponse, Problem> {
    let step = IncidentStep::Resolve(body.value.resolution);
    done(&app, &caller, &number, step, body.value.note).await
}

async fn done(
    app: &App,
    caller: &Caller,
    number: &str,
    step: IncidentStep,
    note: String,
) -> Result<Reply<Done>, Problem> {
    let answer = app.engine.advance_incident(caller, id(number)?, step, note).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

#[derive(Serialize)]
struct ItemReply {
    #[serde(flatten)]
    item: ItemCard,
    references: Vec<ReferenceReply>,
    as_of: u64,
}

/// A service as a configuration item, with what neighbours have for it.
pub(crate) async fn item(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let unknown = || no_such(format!("service `{name}`"));
    let service: ServiceName = id(&name)?;
    let standing = app.engine.standing();
    let declared = standing.organisation.services.get(&service).ok_or_else(unknown)?;
    let item = ItemCard::of(declared);
    let entity = ItemCard::entity(&service);
    let rows = app.read(move |readers| readers.external_refs_of(&entity)).await?;
    let references = rows.into_iter().map(ReferenceReply::from).collect();
    Ok(Reply(ItemReply { item, references, as_of: standing.size }))
}
