//! Stops and exceptions: what is in force, and the forms that pull, lift, grant and take back.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use sluice_core::ids::StopId;
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;

use super::exceptions::named;
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::status;
use crate::web::form::{Fault, Form, ReasonForm, refused};
use crate::web::page::{Looker, page, see, some};
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::{Markup, w};

/// What is in force.
pub(super) struct Halts {
    pub(super) stops: Vec<StopLine>,
    pub(super) exceptions: Vec<ExceptionLine>,
    pub(super) may_pull: bool,
    pub(super) may_lift: bool,
    pub(super) may_grant: bool,
    pub(super) services: Vec<String>,
}

/// A stop.
pub(super) struct StopLine {
    pub(super) id: String,
    pub(super) scope: String,
    pub(super) reason: String,
    pub(super) by: Option<Markup>,
    pub(super) since: Markup,
}

/// An exception.
pub(super) struct ExceptionLine {
    pub(super) id: String,
    pub(super) lifts: String,
    pub(super) scope: String,
    pub(super) reason: String,
    pub(super) by: Option<Markup>,
    pub(super) until: Markup,
}

pub(super) fn build(visit: &Visit) -> Halts {
    let standing = &visit.standing;
    let mine = |scope: &Scope| visit.touches(Permission::ChangeRead, scope);
    let stops = standing.stops.values().filter(|stop| mine(&stop.scope));
    let exceptions = standing
        .exceptions
        .values()
        .filter(|exception| mine(&exception.scope) && visit.now < exception.until);
    let person = visit.caller.person.is_some();
    Halts {
        stops: stops
            .map(|stop| StopLine {
                id: stop.id.to_string(),
                scope: stop.scope.to_string(),
                reason: stop.reason.clone(),
                by: stop.by.as_ref().map(|by| visit.who(by)),
                since: visit.when(stop.since),
            })
            .collect(),
        exceptions: exceptions
            .map(|it| ExceptionLine {
                id: it.id.to_string(),
                lifts: named(visit, &it.lifts),
                scope: it.scope.to_string(),
                reason: it.reason.clone(),
                by: it.by.as_ref().map(|by| visit.who(by)),
                until: visit.when(it.until),
            })
            .collect(),
        may_pull: visit.may(Permission::StopPull),
        may_lift: visit.may(Permission::StopLift),
        may_grant: visit.may(Permission::ExceptionGrant) && person,
        services: visit.service_names(),
    }
}

/// A scope as the forms write it; empty fields mean everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeQuery {
    service: Option<String>,
    team: Option<String>,
    environment: Option<String>,
    tier: Option<String>,
    preview: Option<String>,
}

impl ScopeQuery {
    fn scope(&self) -> Scope {
        let set = |value: &Option<String>| some(value.clone()).into_iter().collect::<BTreeSet<_>>();
        Scope {
            services: set(&self.service),
            teams: set(&self.team),
            environments: set(&self.environment),
            environment_tiers: set(&self.tier),
            ..Scope::default()
        }
    }
}

#[derive(Template)]
#[template(path = "pages/stop.html")]
struct StopPage {
    shell: Shell,
    wanted: ScopeQuery,
    scope: String,
    reason: String,
    fault: Option<Fault>,
    preview: Option<Preview>,
    teams: Vec<String>,
    environments: Vec<String>,
    services: Vec<String>,
    tiers: [&'static str; 4],
}

/// What a stop would hold.
struct Preview {
    services: usize,
    open: Vec<(String, String)>,
    more: usize,
    moving: usize,
}

/// The form for stopping the line, with what it would hold.
pub(crate) async fn new_stop(
    looker: Looker,
    Query(query): Query<ScopeQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let services = &visit.standing.organisation.services;
        let unknown = some(query.service.clone())
            .filter(|wanted| !services.keys().any(|name| name.as_str() == wanted));
        let fault = unknown.map(|name| {
            let told = format!("no service `{name}` is declared: nothing would stop");
            Fault::of(&Problem::of(&status::BODY_INVALID, told))
        });
        let known =
            ScopeQuery { preview: query.preview.clone().filter(|_| fault.is_none()), ..query };
        Ok(stop_page(visit, known, String::new(), fault))
    })
    .await
}

fn stop_page(visit: &Visit, query: ScopeQuery, reason: String, fault: Option<Fault>) -> StopPage {
    let scope = query.scope();
    let organisation = &visit.standing.organisation;
    StopPage {
        shell: visit.shell(Section::Calendar, w::t("halts.stop_the_line")),
        preview: query.preview.is_some().then(|| preview(visit, &scope)),
        scope: scope.to_string(),
        teams: organisation.teams.keys().map(ToString::to_string).collect(),
        environments: organisation.environments.keys().map(ToString::to_string).collect(),
        services: visit.service_names(),
        tiers: ["production", "staging", "test", "development"],
        wanted: query,
        reason,
        fault,
    }
}

fn preview(visit: &Visit, scope: &Scope) -> Preview {
    let organisation = &visit.standing.organisation;
    let covers = |service: &sluice_core::ids::ServiceName, environment| {
        scope.covers(&organisation.target(service, environment))
    };
    let held = visit.standing.changes.values().filter(|change| {
        !change.state.is_over()
            && visit.sees_change(change)
            && change.services.iter().any(|service| covers(service, &change.environment))
    });
    let mut open: Vec<(String, String)> =
        held.map(|change| (change.number.to_string(), change.title.clone())).collect();
    let more = open.len().saturating_sub(12);
    open.truncate(12);
    let places = organisation.services.keys().filter(|service| {
        organisation.environments.keys().any(|environment| covers(service, environment))
    });
    let moving = visit.standing.deployments.values().filter(|deployment| {
        deployment.state == sluice_core::deployment::DeploymentState::Running
            && covers(&deployment.service, &deployment.environment)
    });
    Preview { services: places.count(), open, more, moving: moving.count() }
}

/// What pulls a stop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopForm {
    #[serde(default)]
    service: String,
    #[serde(default)]
    team: String,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    tier: String,
    reason: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Stops the line.
pub(crate) async fn pull(looker: Looker, Form(form): Form<StopForm>) -> Result<Response, Problem> {
    let wanted = ScopeQuery {
        service: Some(form.service),
        team: Some(form.team),
        environment: Some(form.environment),
        tier: Some(form.tier),
        preview: Some("1".to_owned()),
    };
    let pulled = match said(&form.reason) {
        Ok(reason) => {
            let engine = &looker.app.engine;
            let pulled = engine.pull_stop(&looker.caller, wanted.scope(), reason).await;
            pulled.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match pulled {
        Ok(()) => Ok(see("/calendar?done=stopped#stops")),
        Err(problem) => {
            let again =
                |visit: &Visit, fault| Ok(stop_page(visit, wanted, form.reason, Some(fault)));
            refused(looker, problem, again).await
        }
    }
}

/// Lifts a stop.
pub(crate) async fn lift(
    State(app): State<App>,
    By(caller): By,
    Path(stop): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    let stop: StopId = id(&stop)?;
    app.engine.lift_stop(&caller, &stop, said(&form.reason)?).await?;
    Ok(see("/calendar?done=lifted#stops"))
}

/// A reason that says something.
pub(super) fn said(reason: &str) -> Result<String, Problem> {
    let reason = reason.replace("\r\n", "\n").trim().to_owned();
    if reason.is_empty() {
        return Err(Problem::of(&status::BODY_INVALID, "say why, in a sentence"));
    }
    Ok(reason)
}
