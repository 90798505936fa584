//! Incidents: a list with filters that are the address, one of them, and what is done to it.

mod act;
mod near;
mod one;
mod open;

use askama::Template;
use axum::response::Response;
use sluice_core::incident::{Incident, IncidentState};
use sluice_core::permission::Permission;
use sluice_engine::store::IncidentFilter;
use sluice_engine::store::rows::IncidentRow;

pub(crate) use self::act::{advance, blame, resolve};
pub(crate) use self::near::{Alerts, of_change, open_of};
pub(crate) use self::one::show as show_one;
pub(crate) use self::open::{form, open};
use super::disturbed::{Bar, ListQuery, bar};
use crate::paging::{self, Seek};
use crate::problem::Problem;
use crate::query::Query;
use crate::web::fill::fill;
use crate::web::page::{Looker, page};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, moment, w};

const PATH: &str = "/incidents";

#[derive(Template)]
#[template(path = "pages/incidents.html")]
struct IncidentsPage {
    shell: Shell,
    bar: Bar,
    rows: Vec<Line>,
    next: Option<String>,
    first: Option<String>,
    may_open: bool,
}

/// One incident in a list.
pub(crate) struct Line {
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) services: String,
    pub(crate) environment: String,
    pub(crate) severity: Option<Markup>,
    pub(crate) state: Markup,
    pub(crate) opened: Markup,
    /// How long it lasted, or how long it has lasted by now.
    pub(crate) lasted: String,
    pub(crate) is_over: bool,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, &query)).await
}

fn build(visit: &Visit, query: &ListQuery) -> Result<IncidentsPage, Problem> {
    let filter = IncidentFilter {
        state: query.state(),
        service: query.service(),
        is_open: query.is_open(),
        text: query.text(),
        change_number: None,
    };
    let seek = Seek::read(None, query.cursor.as_deref())?;
    let (rows, last) = fill(
        &seek,
        |page| read(visit.readers().incidents(&filter, page)),
        |row| row.number,
        |row| visit.sees_disturbed(&row.services, row.environment.as_deref()),
    )?;
    let here = query.address(PATH);
    let (path, parameters) = here.split_once('?').unwrap_or((&here, ""));
    let states = IncidentState::ALL.map(IncidentState::as_str);
    let chips = [("new", "eye"), ("on_hold", "hourglass"), ("resolved", "check")];
    let mut shell = visit.shell(Section::Incidents, w::t("incidents.incidents"));
    shell.notice = notice(query.done.as_deref());
    Ok(IncidentsPage {
        shell,
        bar: bar(query, PATH, "incident_state", &states, &chips),
        rows: rows.iter().filter_map(incident_of).map(|it| line(visit, &it)).collect(),
        next: last.map(|key| paging::next(path, Some(parameters), key)),
        first: query.cursor.is_some().then(|| here.clone()),
        may_open: visit.may(Permission::IncidentCreate),
    })
}

/// The incident that a row of the store holds.
pub(crate) fn incident_of(row: &IncidentRow) -> Option<Incident> {
    serde_json::from_str(&row.body).ok()
}

/// An incident as a line.
pub(crate) fn line(visit: &Visit, incident: &Incident) -> Line {
    let services: Vec<&str> = incident.services.iter().map(|name| name.as_str()).collect();
    let until = incident.resolved_at.unwrap_or(visit.now);
    Line {
        number: incident.number.to_string(),
        title: incident.title.clone(),
        services: services.join(", "),
        environment: incident.environment.clone().unwrap_or_default(),
        severity: marks::severity(&incident.severity),
        state: marks::incident(incident.state.as_str()),
        opened: visit.when(incident.opened_at),
        lasted: moment::span_of(until.duration_since(incident.opened_at)),
        is_over: incident.state.is_over(),
    }
}
