//! One problem: its life as a line, the incidents behind which it stands, and the changes that made or mend it.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::ids::ProblemNumber;
use sluice_core::permission::Permission;
use sluice_core::problem::{Problem as Record, ProblemState};

use super::problem_of;
use crate::api::no_such;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::web::form::Fault;
use crate::web::page::{Looker, page};
use crate::web::pages::change::{Moment, Reference, Step, moments, references};
use crate::web::pages::changes::{self, Row};
use crate::web::pages::disturbed::{self, Life};
use crate::web::pages::incidents::{self, incident_of};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, w};

/// The most entries of its trail that are shown.
const TRAIL: u32 = 400;
/// The most incidents, and the most changes, that are named; newest first.
const NAMED: usize = 40;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneQuery {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/problem.html")]
pub(super) struct ProblemPage {
    shell: Shell,
    head: Head,
    steps: Vec<Step>,
    story: Vec<Moment>,
    moves: Vec<(&'static str, String, Markup)>,
    may_edit: bool,
    kept: Kept,
    fault: Option<Fault>,
    incidents: Vec<incidents::Line>,
    more_incidents: usize,
    rows: Vec<Row>,
    more_changes: usize,
    references: Vec<Reference>,
}

/// What stands at the top.
struct Head {
    number: String,
    title: String,
    state: Markup,
    services: Vec<String>,
    opened: Markup,
    updated: Markup,
    is_over: bool,
    is_known: bool,
    note: String,
    source: Option<String>,
}

/// What a form said that was refused.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) move_note: String,
    pub(super) end_note: String,
    pub(super) records: String,
}

pub(crate) async fn show(
    looker: Looker,
    Path(number): Path<String>,
    Query(query): Query<OneQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let mut built = build(visit, id(&number)?, Kept::default(), None)?;
        built.shell.notice = notice(query.done.as_deref());
        Ok(built)
    })
    .await
}

pub(super) fn build(
    visit: &Visit,
    number: ProblemNumber,
    kept: Kept,
    fault: Option<Fault>,
) -> Result<ProblemPage, Problem> {
    let row = read(visit.readers().problem(number.0))?;
    let problem = row
        .filter(|row| visit.sees_disturbed(&row.services, None))
        .as_ref()
        .and_then(problem_of)
        .ok_or_else(|| no_such(format!("problem {number}")))?;
    let trail = read(visit.readers().stream(&format!("problem/{number}"), 0, TRAIL))?;
    let life = Life {
        opened_at: problem.opened_at,
        state: problem.state.as_str(),
        resolved_at: problem.resolved_at,
    };
    let may_edit = visit.app.engine.may_edit_problem(&visit.caller, number);
    let incidents = incidents_of(visit, &problem)?;
    let rows = changes_of(visit, &problem)?;
    Ok(ProblemPage {
        shell: visit.shell(Section::Problems, format!("{number} {}", problem.title)),
        head: head(visit, &problem),
        steps: disturbed::steps(visit, &life, &trail, "problem_state"),
        story: moments(visit, &trail, &[]),
        moves: if may_edit { moves(problem.state) } else { Vec::new() },
        may_edit,
        kept,
        fault,
        more_incidents: problem.incidents.len() - incidents.len().min(problem.incidents.len()),
        incidents,
        more_changes: problem.changes.len() - rows.len().min(problem.changes.len()),
        rows,
        references: references(visit, &number.to_string())?,
    })
}

fn head(visit: &Visit, problem: &Record) -> Head {
    Head {
        number: problem.number.to_string(),
        title: problem.title.clone(),
        state: marks::problem(problem.state.as_str()),
        services: problem.services.iter().map(ToString::to_string).collect(),
        opened: visit.when(problem.opened_at),
        updated: visit.when(problem.updated_at),
        is_over: problem.state.is_over(),
        is_known: problem.state == ProblemState::KnownError,
        note: problem.note.clone(),
        source: problem.source.clone(),
    }
}

/// Where a problem can go from a state, other than to its end.
fn moves(now: ProblemState) -> Vec<(&'static str, String, Markup)> {
    let all = [
        (ProblemState::Investigating, "search"),
        (ProblemState::KnownError, "book"),
        (ProblemState::FixInProgress, "tool"),
    ];
    let others = all.into_iter().filter(|(state, _)| *state != now);
    let named = others.map(|(state, icon)| {
        let word = w::named("problem_move", state.as_str());
        (state.as_str(), word, marks::icon(icon))
    });
    named.collect()
}

fn incidents_of(visit: &Visit, problem: &Record) -> Result<Vec<incidents::Line>, Problem> {
    let mut lines = Vec::new();
    for number in problem.incidents.iter().rev().take(NAMED) {
        let row = read(visit.readers().incident(number.0))?;
        let incident = row.as_ref().and_then(incident_of);
        let seen = incident.filter(|incident| visit.sees_incident(incident));
        lines.extend(seen.map(|incident| incidents::line(visit, &incident)));
    }
    Ok(lines)
}

fn changes_of(visit: &Visit, problem: &Record) -> Result<Vec<Row>, Problem> {
    let mut rows = Vec::new();
    if !visit.may(Permission::ChangeRead) {
        return Ok(rows);
    }
    for number in problem.changes.iter().rev().take(NAMED) {
        let row = read(visit.readers().change(number.0))?;
        let seen =
            row.filter(|row| visit.sees(row.services.iter().map(String::as_str), &row.environment));
        rows.extend(seen.map(|row| changes::row(visit, row)));
    }
    Ok(rows)
}
