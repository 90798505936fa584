//! One service: where it runs, what is under way, which windows and rules hold for it.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use sluice_core::ids::ServiceName;
use sluice_core::organisation::Service;
use sluice_core::permission::Permission;
use sluice_engine::store::{ChangeFilter, DeploymentFilter, Page, ProblemFilter};

use super::catalogue;
use super::graph::{self, Picture};
use crate::api::no_such;
use crate::problem::Problem;
use crate::query::id;
use crate::web::page::{Looker, address, page};
use crate::web::pages::changes::{Row, row};
use crate::web::pages::flow::lanes::environments;
use crate::web::pages::flow::version;
use crate::web::pages::{incidents, problems};
use crate::web::shell::{Section, Shell};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, moment, w};

/// The most open incidents that are named.
const INCIDENTS: usize = 8;

#[derive(Template)]
#[template(path = "pages/service.html")]
struct ServicePage {
    shell: Shell,
    name: String,
    title: String,
    owner: String,
    tier: String,
    class: String,
    controlled: bool,
    labels: Vec<String>,
    repositories: Vec<Markup>,
    places: Vec<PlaceCard>,
    incidents: Vec<incidents::Line>,
    problems: Vec<problems::Line>,
    sees_incidents: bool,
    new_incident: Option<String>,
    open: Vec<Row>,
    past: Vec<Row>,
    deployments: Vec<Shipped>,
    windows: Vec<Coming>,
    rules: Vec<RuleLine>,
    picture: Picture,
    sees_calendar: bool,
}

/// One environment that it runs in.
struct PlaceCard {
    environment: String,
    tier: &'static str,
    version: Option<String>,
    since: Option<Markup>,
    strip: Option<Markup>,
}

/// One deployment.
struct Shipped {
    number: String,
    version: String,
    environment: String,
    state: Markup,
    change: Option<String>,
    started: Option<Markup>,
    took: Option<String>,
}

/// One window that comes.
struct Coming {
    mark: Markup,
    title: String,
    from: Markup,
    to: Markup,
    reason: String,
}

/// One rule that holds for it.
struct RuleLine {
    mark: Markup,
    name: String,
    text: String,
}

pub(crate) async fn show(looker: Looker, Path(name): Path<String>) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let name: ServiceName = id(&name)?;
        build(visit, &name)
    })
    .await
}

fn build(visit: &Visit, name: &ServiceName) -> Result<ServicePage, Problem> {
    let unknown = || no_such(format!("service `{name}`"));
    let organisation = &visit.standing.organisation;
    let service = organisation.services.get(name).ok_or_else(unknown)?;
    let mut seen = organisation.environments.keys();
    if !visit.everywhere(Permission::OrganisationRead)
        && !seen.any(|environment| visit.sees([name.as_str()], environment.as_str()))
    {
        return Err(unknown());
    }
    let changes = visit.may(Permission::ChangeRead);
    let rows = if changes { recent(visit, name)? } else { Vec::new() };
    let (past, open) = rows.into_iter().partition(|(_, over)| *over);
    let strip = |rows: Vec<(Row, bool)>| rows.into_iter().map(|(row, _)| row).collect();
    let sees_calendar = visit.may(Permission::CalendarRead);
    Ok(ServicePage {
        shell: visit.shell(Section::Services, name.as_str()),
        name: name.to_string(),
        title: service.title.clone(),
        owner: service.owner.to_string(),
        tier: service.tier.clone(),
        class: service.class.clone(),
        controlled: service.controlled,
        labels: service.labels.iter().map(|(key, value)| format!("{key}={value}")).collect(),
        repositories: service
            .repositories
            .iter()
            .map(|it| marks::outward(&format!("https://{it}"), it))
            .collect(),
        places: places(visit, service),
        incidents: incidents::open_of(visit, name)
            .iter()
            .take(INCIDENTS)
            .map(|incident| incidents::line(visit, incident))
            .collect(),
        problems: problems::near(visit, &known_of(name))?,
        sees_incidents: visit.may(Permission::IncidentRead),
        new_incident: visit
            .may(Permission::IncidentCreate)
            .then(|| address("/incidents/new", &[("service", name.as_str())])),
        open: strip(open),
        past: strip(past),
        deployments: if changes { deployments(visit, name)? } else { Vec::new() },
        windows: if sees_calendar { windows(visit, name) } else { Vec::new() },
        rules: rules(visit, service),
        picture: graph::neighbours(visit, name.as_str()),
        sees_calendar,
    })
}

/// The open problems of a service.
fn known_of(name: &ServiceName) -> ProblemFilter {
    ProblemFilter { service: Some(name.to_string()), is_open: true, ..ProblemFilter::default() }
}

/// The latest changes, and whether each is over.
fn recent(visit: &Visit, name: &ServiceName) -> Result<Vec<(Row, bool)>, Problem> {
    let filter = ChangeFilter { service: Some(name.to_string()), ..ChangeFilter::default() };
    let page = Page { before: None, after: None, limit: 15 };
    let rows = read(visit.readers().changes(&filter, page))?;
    Ok(rows
        .into_iter()
        .filter(|it| visit.sees(it.services.iter().map(String::as_str), &it.environment))
        .map(|it| {
            let over = it.closed_us.is_some();
            (row(visit, it), over)
        })
        .collect())
}

fn places(visit: &Visit, service: &Service) -> Vec<PlaceCard> {
    let shown = environments(visit).into_iter().filter(|environment| {
        service.environments.is_empty() || service.environments.contains(&environment.name)
    });
    shown
        .map(|environment| {
            let place = visit.place(&service.name, &environment.name);
            PlaceCard {
                environment: environment.name.to_string(),
                tier: environment.tier.as_str(),
                version: place
                    .filter(|place| place.since.is_some())
                    .map(|place| version(place.version.as_deref(), place.commit.as_ref())),
                since: place.and_then(|place| place.since).map(|at| visit.when(at)),
                strip: place.and_then(|place| catalogue::strip(place)),
            }
        })
        .collect()
}

fn deployments(visit: &Visit, name: &ServiceName) -> Result<Vec<Shipped>, Problem> {
    let filter =
        DeploymentFilter { service: Some(name.to_string()), ..DeploymentFilter::default() };
    let page = Page { before: None, after: None, limit: 12 };
    let rows = read(visit.readers().deployments(&filter, page))?;
    Ok(rows
        .into_iter()
        .filter(|row| visit.sees([row.service.as_str()], &row.environment))
        .map(|row| {
            let body: Option<sluice_core::deployment::Deployment> =
                serde_json::from_str(&row.body).ok();
            Shipped {
                number: format!("DEP{:07}", row.number),
                version: body.map_or_else(String::new, |it| {
                    version(it.version.as_deref(), it.commit.as_ref())
                }),
                environment: row.environment,
                state: marks::deployment(&row.state),
                change: row.change_number.map(|number| format!("CHG{number:07}")),
                started: row.started_us.map(|at| visit.when_us(at)),
                took: row
                    .started_us
                    .zip(row.finished_us)
                    .map(|(from, to)| moment::span_us(to - from)),
            }
        })
        .collect())
}

fn windows(visit: &Visit, name: &ServiceName) -> Vec<Coming> {
    let windows = visit.app.engine.next_windows(name, None, 5);
    windows
        .into_iter()
        .map(|window| Coming {
            mark: marks::window(match window.kind {
                sluice_core::calendar::WindowKind::Freeze => "freeze",
                sluice_core::calendar::WindowKind::Maintenance => "maintenance",
                sluice_core::calendar::WindowKind::Release => "release",
            }),
            title: window.title,
            from: moment::at(window.start),
            to: moment::at(window.end),
            reason: window.reason,
        })
        .collect()
}

/// The rules that speak of it in production.
fn rules(visit: &Visit, service: &Service) -> Vec<RuleLine> {
    let organisation = &visit.standing.organisation;
    let Some(production) = visit.production() else { return Vec::new() };
    let target = organisation.target(&service.name, &production);
    let approval = organisation.approval_rules.values().filter(|it| it.scope.covers(&target));
    let evidence = organisation.evidence_rules.values().filter(|it| it.scope.covers(&target));
    let models = organisation.models.values().filter(|it| it.scope.covers(&target));
    let from = |level: &str| w::f("one.from_risk_on", w::named("risk", level));
    let mut lines: Vec<RuleLine> = Vec::new();
    lines.extend(approval.map(|rule| RuleLine {
        mark: marks::pill("wait", "people", w::t("one.approval")),
        name: rule.name.to_string(),
        text: format!("{} ({})", rule.reason, from(rule.min_risk.as_str())),
    }));
    lines.extend(evidence.map(|rule| {
        let requires: Vec<String> =
            rule.requires.iter().map(|kind| kind.replace('_', " ")).collect();
        RuleLine {
            mark: marks::pill("info", "doc", w::t("one.evidence")),
            name: rule.name.to_string(),
            text: format!("{} ({})", requires.join(", "), from(rule.min_risk.as_str())),
        }
    }));
    lines.extend(models.map(|model| {
        let record = visit.standing.models.get(&model.name);
        let earned = model.earned_after == 0 || record.is_some_and(|record| record.earned);
        let text = if earned { w::t("one.may_be_used") } else { w::t("one.not_earned_yet") };
        RuleLine {
            mark: marks::pill("calm", "repeat", w::t("one.standard_change")),
            name: model.name.to_string(),
            text: format!("{} – {text}", model.title),
        }
    }));
    lines
}
