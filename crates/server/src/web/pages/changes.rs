//! Changes: a list and a board, with filters that are the address.

use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::change::ChangeState;
use sluice_core::permission::Permission;
use sluice_engine::store::ChangeFilter;
use sluice_engine::store::rows::ChangeRow;

use crate::paging::{self, Seek};
use crate::problem::Problem;
use crate::query::Query;
use crate::web::fill::fill;
use crate::web::page::{Looker, address, page, some};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, w};

/// States in the order of a change's life.
const STATES: [ChangeState; 8] = [
    ChangeState::New,
    ChangeState::Assess,
    ChangeState::Authorize,
    ChangeState::Scheduled,
    ChangeState::Implement,
    ChangeState::Review,
    ChangeState::Closed,
    ChangeState::Canceled,
];
/// The columns of the board, by the states that stand in them.
const COLUMNS: [&[ChangeState]; 6] = [
    &[ChangeState::New, ChangeState::Assess],
    &[ChangeState::Authorize],
    &[ChangeState::Scheduled],
    &[ChangeState::Implement],
    &[ChangeState::Review],
    &[ChangeState::Closed],
];
/// The most cards in one column.
const CARDS: u32 = 12;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesQuery {
    state: Option<String>,
    service: Option<String>,
    environment: Option<String>,
    kind: Option<String>,
    risk: Option<String>,
    waiting: Option<String>,
    q: Option<String>,
    view: Option<String>,
    cursor: Option<String>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/changes.html")]
struct ChangesPage {
    shell: Shell,
    views: Vec<SavedView>,
    filters: Filters,
    board: bool,
    list_address: String,
    board_address: String,
    rows: Vec<Row>,
    columns: Vec<Column>,
    next: Option<String>,
    first: Option<String>,
    filtered: bool,
    together: bool,
    own_views: Vec<OwnView>,
    may_keep: bool,
    /// The name under which this list is kept already.
    kept: Option<String>,
    here: String,
}

/// A view that the person who looks keeps.
struct OwnView {
    title: String,
    address: String,
    here: bool,
}

/// A filter with a name.
struct SavedView {
    word: &'static str,
    icon: Markup,
    address: String,
    here: bool,
}

/// The fields of the filter bar.
struct Filters {
    q: String,
    service: String,
    state: Vec<Choice>,
    environment: Vec<Choice>,
    kind: Vec<Choice>,
    risk: Vec<Choice>,
    waiting: bool,
}

/// One choice of a field.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) word: String,
    pub(crate) chosen: bool,
}

/// One change in a list.
pub(crate) struct Row {
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) services: String,
    pub(crate) environment: String,
    pub(crate) state: Markup,
    pub(crate) waiting: bool,
    pub(crate) kind: Option<Markup>,
    pub(crate) risk: Markup,
    pub(crate) outcome: Option<Markup>,
    pub(crate) updated: Markup,
}

struct Column {
    word: String,
    rows: Vec<Row>,
    more: Vec<(String, String)>,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<ChangesQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, &query)).await
}

fn build(visit: &Visit, query: &ChangesQuery) -> Result<ChangesPage, Problem> {
    let board = query.view.as_deref() == Some("board");
    let filter = filter(query);
    let mut shell = visit.shell(Section::Changes, w::t("changes.changes"));
    shell.notice = notice(query.done.as_deref());
    let (rows, next) = if board { (Vec::new(), None) } else { list(visit, query, &filter)? };
    let columns = if board { columns(visit, query, &filter)? } else { Vec::new() };
    let address = here(query, if board { "board" } else { "list" });
    let own_views = own_views(visit, &address)?;
    Ok(ChangesPage {
        shell,
        may_keep: visit.caller.session.is_some(),
        kept: own_views.iter().find(|view| view.here).map(|view| view.title.clone()),
        own_views,
        here: address,
        views: views(query),
        together: visit.may(Permission::ChangeApprove) && visit.caller.person.is_some(),
        filtered: filter != ChangeFilter::default(),
        filters: filters(visit, query),
        board,
        list_address: here(query, "list"),
        board_address: here(query, "board"),
        rows,
        columns,
        next,
        first: query.cursor.is_some().then(|| here(query, "list")),
    })
}

/// The views of this section that the person who looks keeps.
fn own_views(visit: &Visit, address: &str) -> Result<Vec<OwnView>, Problem> {
    let kept = visit.app.engine.saved_views(&visit.caller).map_err(Problem::from)?;
    let ours = kept.into_iter().filter(|view| view.address.starts_with("/changes"));
    let views = ours.map(|view| OwnView {
        here: view.address == address,
        title: view.title,
        address: view.address,
    });
    Ok(views.collect())
}

fn filter(query: &ChangesQuery) -> ChangeFilter {
    ChangeFilter {
        state: some(query.state.clone()),
        service: some(query.service.clone()),
        environment: some(query.environment.clone()),
        kind: some(query.kind.clone()),
        risk: some(query.risk.clone()),
        waiting: some(query.waiting.clone()).map(|_| true),
        text: some(query.q.clone()),
    }
}

fn list(
    visit: &Visit,
    query: &ChangesQuery,
    filter: &ChangeFilter,
) -> Result<(Vec<Row>, Option<String>), Problem> {
    let seek = Seek::read(None, query.cursor.as_deref())?;
    let (rows, last) = fill(
        &seek,
        |page| read(visit.readers().changes(filter, page)),
        |row| row.number,
        |row| visit.sees(row.services.iter().map(String::as_str), &row.environment),
    )?;
    let here = here(query, "list");
    let (path, parameters) = here.split_once('?').unwrap_or((&here, ""));
    let next = last.map(|key| paging::next(path, Some(parameters), key));
    Ok((rows.into_iter().map(|change| row(visit, change)).collect(), next))
}

fn columns(
    visit: &Visit,
    query: &ChangesQuery,
    filter: &ChangeFilter,
) -> Result<Vec<Column>, Problem> {
    let mut columns = Vec::new();
    for states in COLUMNS {
        let mut rows = Vec::new();
        let mut more = Vec::new();
        for state in states {
            if filter.state.as_deref().is_some_and(|wanted| wanted != state.as_str()) {
                continue;
            }
            let filter = ChangeFilter { state: Some(state.as_str().to_owned()), ..filter.clone() };
            let (found, next) = fill(
                &Seek::read(Some(CARDS), None)?,
                |page| read(visit.readers().changes(&filter, page)),
                |row| row.number,
                |row| visit.sees(row.services.iter().map(String::as_str), &row.environment),
            )?;
            if next.is_some() {
                let with = ChangesQuery { state: Some(state.as_str().into()), ..query.clone() };
                more.push((w::named("state", state.as_str()), here(&with, "list")));
            }
            rows.extend(found.into_iter().map(|change| row(visit, change)));
        }
        let word = states.first().map_or_else(String::new, |it| w::named("state", it.as_str()));
        columns.push(Column { word, rows, more });
    }
    Ok(columns)
}

/// A change of the store as a row.
pub(crate) fn row(visit: &Visit, change: ChangeRow) -> Row {
    Row {
        number: format!("CHG{:07}", change.number),
        state: marks::state(&change.state),
        waiting: change.waiting,
        kind: (change.kind != "normal").then(|| marks::kind(&change.kind)),
        risk: marks::risk(&change.risk),
        outcome: change.outcome.as_deref().map(marks::outcome),
        updated: visit.when_us(change.updated_us),
        services: change.services.join(", "),
        environment: change.environment,
        title: change.title,
    }
}

fn here(query: &ChangesQuery, view: &str) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    address(
        "/changes",
        &[
            ("view", if view == "board" { "board" } else { "" }),
            ("q", &text(&query.q)),
            ("state", &text(&query.state)),
            ("service", &text(&query.service)),
            ("environment", &text(&query.environment)),
            ("kind", &text(&query.kind)),
            ("risk", &text(&query.risk)),
            ("waiting", &text(&query.waiting)),
        ],
    )
}

fn views(query: &ChangesQuery) -> Vec<SavedView> {
    let now = here(query, "list");
    let view = |word, icon, parameters: &[(&str, &str)]| {
        let address = address("/changes", parameters);
        SavedView { word, icon: marks::icon(icon), here: address == now, address }
    };
    vec![
        view(w::t("changes.all"), "change", &[]),
        view(w::t("changes.waiting"), "hourglass", &[("waiting", "true")]),
        view(w::t("changes.being_deployed"), "play", &[("state", "implement")]),
        view(w::t("changes.in_review"), "eye", &[("state", "review")]),
        view(w::t("changes.emergencies"), "bolt", &[("kind", "emergency")]),
        view(w::t("changes.high_risk"), "bar3", &[("risk", "high")]),
    ]
}

fn filters(visit: &Visit, query: &ChangesQuery) -> Filters {
    let choices = |group: &str, names: &[&str], now: &Option<String>| {
        names
            .iter()
            .map(|name| Choice {
                value: (*name).to_owned(),
                word: named(group, name),
                chosen: now.as_deref() == Some(*name),
            })
            .collect()
    };
    let environments: Vec<&str> =
        visit.standing.organisation.environments.keys().map(|name| name.as_str()).collect();
    let states: Vec<&str> = STATES.iter().map(|state| state.as_str()).collect();
    Filters {
        q: query.q.clone().unwrap_or_default(),
        service: query.service.clone().unwrap_or_default(),
        state: choices("state", &states, &query.state),
        environment: choices("", &environments, &query.environment),
        kind: choices("kind", &["standard", "normal", "emergency"], &query.kind),
        risk: choices("risk", &["low", "medium", "high", "critical"], &query.risk),
        waiting: some(query.waiting.clone()).is_some(),
    }
}

fn named(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { w::named(group, name) }
}
