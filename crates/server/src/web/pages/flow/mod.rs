//! Flow, the first page: what goes through the gates now, what waits and for whom, what is stopped.

pub(crate) mod lanes;
mod tasks;
pub(crate) mod waiting;

use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use sluice_core::gate::event::GateDecided;
use sluice_core::permission::Permission;
use sluice_engine::store::rows::DecisionRow;
use sluice_engine::store::{Answers, DecisionFilter};

use self::lanes::Lanes;
pub(crate) use self::lanes::version;
use self::tasks::Tasks;
use self::waiting::Waiting;
use crate::paging::Seek;
use crate::problem::Problem;
use crate::query::Query;
use crate::web::fill::fill;
use crate::web::page::{Looker, address, page, see, some};
use crate::web::pages::incidents::Alerts;
use crate::web::shell::{Section, Shell};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, w};

/// The most answers that are shown.
const SHOWN: usize = 12;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlowQuery {
    team: Option<String>,
    all: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/flow.html")]
struct FlowPage {
    shell: Shell,
    tasks: Tasks,
    lanes: Lanes,
    waiting: Vec<Waiting>,
    latest: Vec<Latest>,
    counts: Counts,
    teams: Vec<(String, bool)>,
    all_teams: bool,
    /// The same page with every lane.
    all_lanes: String,
    is_empty: bool,
}

/// The figures at the top.
struct Counts {
    moving: usize,
    waiting: usize,
    /// Open incidents, where they may be seen.
    incidents: Option<usize>,
    /// Answers of the last day; not told to those who may see a part only.
    answers: Option<Answers>,
}

/// One of the latest answers.
struct Latest {
    answer: Markup,
    service: String,
    environment: String,
    change: Option<String>,
    reason: Markup,
    when: Markup,
    /// How often the same was answered in a row.
    times: usize,
    key: (String, Option<u64>, String),
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<FlowQuery>,
) -> Result<Response, Problem> {
    if !looker.caller.may(Permission::ChangeRead) {
        // Who may not see changes begins where they may see something.
        let first = Visit::new(looker).shell(Section::Flow, "").nav.first().map(|it| it.address);
        return Ok(see(first.unwrap_or("/me")));
    }
    page(looker, move |visit| build(visit, query)).await
}

fn build(visit: &Visit, query: FlowQuery) -> Result<FlowPage, Problem> {
    let team = some(query.team);
    let waiting = waiting::all(visit);
    let alerts = Alerts::build(visit);
    let shown = lanes::Shown { team: team.as_deref(), all: query.all.is_some() };
    let lanes = Lanes::build(visit, &waiting, &alerts, shown);
    let since = visit.now.as_microsecond() - 86_400_000_000;
    let everything = visit.everywhere(Permission::ChangeRead);
    let answers = everything.then(|| read(visit.readers().answers_since(since))).transpose()?;
    let organisation = &visit.standing.organisation;
    Ok(FlowPage {
        shell: visit.shell(Section::Flow, w::t("flow.flow")),
        tasks: tasks::build(visit, &waiting, &alerts),
        counts: Counts {
            moving: lanes.moving,
            waiting: waiting.len(),
            incidents: visit.may(Permission::IncidentRead).then_some(alerts.open.len()),
            answers,
        },
        waiting: waiting::show(visit, &waiting)?,
        lanes,
        latest: latest(visit)?,
        all_teams: team.is_none(),
        all_lanes: address("/", &[("team", team.as_deref().unwrap_or_default()), ("all", "1")]),
        teams: organisation
            .teams
            .keys()
            .map(|name| (name.to_string(), team.as_deref() == Some(name.as_str())))
            .collect(),
        is_empty: organisation.services.is_empty(),
    })
}

fn latest(visit: &Visit) -> Result<Vec<Latest>, Problem> {
    let (rows, _) = fill(
        &Seek::read(Some(80), None)?,
        |page| read(visit.readers().decisions(&DecisionFilter::default(), page)),
        |row| row.seq,
        |row| visit.sees([row.service.as_str()], &row.environment),
    )?;
    let mut latest: Vec<Latest> = Vec::new();
    for row in rows {
        if latest.len() > SHOWN {
            break;
        }
        let key = (row.service.clone(), row.change_number, row.decision.clone());
        match latest.last_mut() {
            Some(last) if last.key == key => last.times += 1,
            _ => latest.push(one_of(visit, row, key)),
        }
    }
    latest.truncate(SHOWN);
    Ok(latest)
}

fn one_of(visit: &Visit, row: DecisionRow, key: (String, Option<u64>, String)) -> Latest {
    let decided: Option<GateDecided> = serde_json::from_str(&row.body).ok();
    let first = decided.and_then(|decided| decided.reasons.into_iter().next());
    Latest {
        answer: marks::answer(&row.decision),
        service: row.service,
        environment: row.environment,
        change: row.change_number.map(|number| format!("CHG{number:07}")),
        reason: visit.prose(&first.map(|reason| reason.message).unwrap_or_default()),
        when: visit.when_us(row.at_us),
        times: 1,
        key,
    }
}
