//! One incident: its life as a line, what it hangs together with, what is to be done.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::ids::IncidentNumber;
use sluice_core::incident::{Incident, IncidentState, Resolution};
use sluice_core::permission::Permission;
use sluice_engine::store::ProblemFilter;

use super::{Line, incident_of, line, open_of};
use crate::api::no_such;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::web::form::Fault;
use crate::web::page::{Looker, address, page};
use crate::web::pages::change::{Moment, Reference, Step, moments, references};
use crate::web::pages::changes::Choice;
use crate::web::pages::disturbed::{self, Life};
use crate::web::pages::flow::version;
use crate::web::pages::problems;
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, moment, w};

/// The most entries of its trail that are shown.
const TRAIL: u32 = 400;
/// The most other incidents that are named.
const OTHERS: usize = 8;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneQuery {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/incident.html")]
pub(super) struct IncidentPage {
    shell: Shell,
    head: Head,
    steps: Vec<Step>,
    story: Vec<Moment>,
    /// States that it can be moved to.
    moves: Vec<(&'static str, String, Markup)>,
    /// Ways in which it can end.
    endings: Vec<Choice>,
    may_edit: bool,
    may_link: bool,
    kept: Kept,
    fault: Option<Fault>,
    change: Option<Came>,
    deployment: Option<Shipped>,
    problems: Vec<problems::Line>,
    new_problem: Option<String>,
    references: Vec<Reference>,
    others: Vec<Line>,
    weighs: bool,
}

/// What stands at the top.
struct Head {
    number: String,
    title: String,
    state: Markup,
    severity: Option<Markup>,
    resolution: Option<Markup>,
    services: Vec<String>,
    environment: String,
    opened: Markup,
    updated: Markup,
    lasted: String,
    is_over: bool,
    note: String,
    source: Option<String>,
}

/// The change that it came with, as far as that may be seen.
struct Came {
    number: String,
    title: Option<String>,
    state: Option<Markup>,
}

/// The deployment that it came with.
struct Shipped {
    number: String,
    version: String,
    state: Markup,
}

/// What a form said that was refused.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) move_note: String,
    pub(super) end_note: String,
    pub(super) resolution: String,
    pub(super) problem: String,
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
    number: IncidentNumber,
    kept: Kept,
    fault: Option<Fault>,
) -> Result<IncidentPage, Problem> {
    let row = read(visit.readers().incident(number.0))?;
    let incident = row.as_ref().and_then(incident_of);
    let incident = incident
        .filter(|incident| visit.sees_incident(incident))
        .ok_or_else(|| no_such(format!("incident {number}")))?;
    let trail = read(visit.readers().stream(&format!("incident/{number}"), 0, TRAIL))?;
    let life = Life {
        opened_at: incident.opened_at,
        state: incident.state.as_str(),
        resolved_at: incident.resolved_at,
    };
    let may_edit = visit.app.engine.may_edit_incident(&visit.caller, number);
    let is_over = incident.state.is_over();
    Ok(IncidentPage {
        shell: visit.shell(Section::Incidents, format!("{number} {}", incident.title)),
        steps: disturbed::steps(visit, &life, &trail, "incident_state"),
        story: moments(visit, &trail, &[]),
        moves: if may_edit { moves(incident.state) } else { Vec::new() },
        endings: endings(&kept.resolution),
        may_edit,
        may_link: visit.may(Permission::ProblemEdit),
        kept,
        fault,
        change: came(visit, &incident)?,
        deployment: shipped(visit, &incident)?,
        problems: problems_of(visit, number)?,
        new_problem: visit.may(Permission::ProblemEdit).then(|| new_problem(&incident)),
        references: references(visit, &number.to_string())?,
        others: others(visit, &incident),
        weighs: !is_over && !incident.is_of_deployment(),
        head: head(visit, &incident),
    })
}

fn head(visit: &Visit, incident: &Incident) -> Head {
    let until = incident.resolved_at.unwrap_or(visit.now);
    Head {
        number: incident.number.to_string(),
        title: incident.title.clone(),
        state: marks::incident(incident.state.as_str()),
        severity: marks::severity(&incident.severity),
        resolution: incident.resolution.map(|how| marks::resolution(how.as_str())),
        services: incident.services.iter().map(ToString::to_string).collect(),
        environment: incident.environment.clone().unwrap_or_default(),
        opened: visit.when(incident.opened_at),
        updated: visit.when(incident.updated_at),
        lasted: moment::span_of(until.duration_since(incident.opened_at)),
        is_over: incident.state.is_over(),
        note: incident.note.clone(),
        source: incident.source.clone(),
    }
}

/// Where an incident can go from a state, other than to its end.
fn moves(now: IncidentState) -> Vec<(&'static str, String, Markup)> {
    let all = [
        (IncidentState::Acknowledged, "eye"),
        (IncidentState::InProgress, "tool"),
        (IncidentState::OnHold, "hourglass"),
    ];
    let others = all.into_iter().filter(|(state, _)| *state != now);
    // Who works on it has seen it.
    let others = others
        .filter(|(state, _)| *state != IncidentState::Acknowledged || now == IncidentState::New);
    let named = others.map(|(state, icon)| {
        let word = w::named("incident_move", state.as_str());
        (state.as_str(), word, marks::icon(icon))
    });
    named.collect()
}

fn endings(chosen: &str) -> Vec<Choice> {
    let all =
        [Resolution::Fixed, Resolution::WorkedAround, Resolution::Recovered, Resolution::Unfounded];
    let choices = all.map(Resolution::as_str).into_iter().map(|how| Choice {
        value: how.to_owned(),
        word: w::named("ending", how),
        chosen: how == chosen,
    });
    choices.collect()
}

fn came(visit: &Visit, incident: &Incident) -> Result<Option<Came>, Problem> {
    let Some(number) = incident.change else { return Ok(None) };
    let row = read(visit.readers().change(number.0))?;
    let seen = row.filter(|row| {
        let services = row.services.iter().map(String::as_str);
        visit.may(Permission::ChangeRead) && visit.sees(services, &row.environment)
    });
    Ok(Some(Came {
        number: number.to_string(),
        state: seen.as_ref().map(|row| {
            let ended = row.outcome.as_deref().map(marks::outcome);
            ended.unwrap_or_else(|| marks::state(&row.state))
        }),
        title: seen.map(|row| row.title),
    }))
}

fn shipped(visit: &Visit, incident: &Incident) -> Result<Option<Shipped>, Problem> {
    let Some(number) = incident.deployment else { return Ok(None) };
    let deployment = visit.app.engine.deployment(number).map_err(Problem::from)?;
    Ok(deployment.map(|it| Shipped {
        number: number.to_string(),
        version: version(it.version.as_deref(), it.commit.as_ref()),
        state: marks::deployment(it.state.as_str()),
    }))
}

fn problems_of(visit: &Visit, number: IncidentNumber) -> Result<Vec<problems::Line>, Problem> {
    let filter = ProblemFilter { incident: Some(number.to_string()), ..ProblemFilter::default() };
    problems::near(visit, &filter)
}

/// The form of a problem that begins with what an incident knows.
fn new_problem(incident: &Incident) -> String {
    let mut services = incident.services.iter().map(|name| name.as_str());
    let first = services.next().unwrap_or_default();
    let others: Vec<&str> = services.collect();
    let change = incident.change.map_or(String::new(), |change| format!(", {change}"));
    address(
        "/problems/new",
        &[
            ("service", first),
            ("others", &others.join(", ")),
            ("records", &format!("{}{change}", incident.number)),
        ],
    )
}

/// Other open incidents of the same services.
fn others(visit: &Visit, incident: &Incident) -> Vec<Line> {
    let mut found: Vec<_> =
        incident.services.iter().flat_map(|service| open_of(visit, service)).collect();
    found.sort_by_key(|it| std::cmp::Reverse(it.number));
    found.dedup_by_key(|it| it.number);
    let others = found.iter().filter(|it| it.number != incident.number);
    others.take(OTHERS).map(|it| line(visit, it)).collect()
}
