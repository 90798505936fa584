//! Problems: a list with filters that are the address, one of them, and what is done to it.

mod act;
mod one;
mod open;

use askama::Template;
use axum::response::Response;
use sluice_core::permission::Permission;
use sluice_core::problem::{Problem as Record, ProblemState};
use sluice_engine::store::rows::ProblemRow;
use sluice_engine::store::{Page, ProblemFilter};

pub(crate) use self::act::{advance, link, resolve};
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
use crate::web::{Markup, marks, w};

const PATH: &str = "/problems";
/// The most problems that are named beside another record.
const NEAR: u32 = 20;

#[derive(Template)]
#[template(path = "pages/problems.html")]
struct ProblemsPage {
    shell: Shell,
    bar: Bar,
    rows: Vec<Line>,
    next: Option<String>,
    first: Option<String>,
    may_open: bool,
}

/// One problem in a list.
pub(crate) struct Line {
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) services: String,
    pub(crate) state: Markup,
    pub(crate) incidents: usize,
    pub(crate) changes: usize,
    pub(crate) opened: Markup,
    pub(crate) updated: Markup,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, &query)).await
}

fn build(visit: &Visit, query: &ListQuery) -> Result<ProblemsPage, Problem> {
    let filter = ProblemFilter {
        state: query.state(),
        service: query.service(),
        is_open: query.is_open(),
        text: query.text(),
        ..ProblemFilter::default()
    };
    let seek = Seek::read(None, query.cursor.as_deref())?;
    let (rows, last) = fill(
        &seek,
        |page| read(visit.readers().problems(&filter, page)),
        |row| row.number,
        |row| visit.sees_disturbed(&row.services, None),
    )?;
    let here = query.address(PATH);
    let (path, parameters) = here.split_once('?').unwrap_or((&here, ""));
    let states = ProblemState::ALL.map(ProblemState::as_str);
    let chips = [("known_error", "book"), ("fix_in_progress", "tool"), ("resolved", "check")];
    let mut shell = visit.shell(Section::Problems, w::t("problems.problems"));
    shell.notice = notice(query.done.as_deref());
    Ok(ProblemsPage {
        shell,
        bar: bar(query, PATH, "problem_state", &states, &chips),
        rows: rows.iter().filter_map(problem_of).map(|it| line(visit, &it)).collect(),
        next: last.map(|key| paging::next(path, Some(parameters), key)),
        first: query.cursor.is_some().then(|| here.clone()),
        may_open: visit.may(Permission::ProblemEdit),
    })
}

/// The problem that a row of the store holds.
pub(crate) fn problem_of(row: &ProblemRow) -> Option<Record> {
    serde_json::from_str(&row.body).ok()
}

/// A problem as a line.
pub(crate) fn line(visit: &Visit, problem: &Record) -> Line {
    let services: Vec<&str> = problem.services.iter().map(|name| name.as_str()).collect();
    Line {
        number: problem.number.to_string(),
        title: problem.title.clone(),
        services: services.join(", "),
        state: marks::problem(problem.state.as_str()),
        incidents: problem.incidents.len(),
        changes: problem.changes.len(),
        opened: visit.when(problem.opened_at),
        updated: visit.when(problem.updated_at),
    }
}

/// Problems that name another record, newest first, as far as they may be seen.
pub(crate) fn near(visit: &Visit, filter: &ProblemFilter) -> Result<Vec<Line>, Problem> {
    if !visit.may(Permission::IncidentRead) {
        return Ok(Vec::new());
    }
    let page = Page { before: None, after: None, limit: NEAR };
    let rows = read(visit.readers().problems(filter, page))?;
    let seen = rows.iter().filter(|row| visit.sees_disturbed(&row.services, None));
    Ok(seen.filter_map(problem_of).map(|it| line(visit, &it)).collect())
}
