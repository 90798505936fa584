//! Exceptions: the form by which one is granted, with what it would let through and what would still hold.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sluice_core::calendar::WindowKind;
use sluice_core::ids::ExceptionId;
use sluice_core::organisation::Organisation;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::scope::Scope;
use sluice_core::stop::Lifted;
use sluice_engine::{Caller, EngineError};

use super::halts::said;
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::web::form::{Fault, Form, ReasonForm, refused};
use crate::web::page::{Looker, page, see, some};
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::{Markup, moment, w};

/// The most things to lift that are offered.
const OFFERED: usize = 200;
/// The most changes that a preview names.
const NAMED: usize = 20;

/// An exception as the form writes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wish {
    lifts: String,
    service: String,
    environment: String,
    hours: String,
    reason: String,
    preview: String,
    csrf_token: String,
}

impl Wish {
    /// What it is for. Who may grant for a tier, a team or a label only names that too: then it certainly lies within
    /// theirs, whatever is declared later.
    fn scope(&self, caller: &Caller, organisation: &Organisation) -> Scope {
        let set = |text: &str| some(Some(text.to_owned())).into_iter().collect();
        let bare = Scope {
            services: set(&self.service),
            environments: set(&self.environment),
            ..Scope::default()
        };
        let mut tiered = bare.clone();
        let environment = organisation.environments.get(self.environment.trim());
        tiered.environment_tiers.extend(environment.map(|it| it.tier.as_str().to_owned()));
        let mut owned = tiered.clone();
        if let Some(service) = organisation.services.get(self.service.trim()) {
            owned.teams.insert(service.owner.to_string());
            owned.service_tiers.extend(some(Some(service.tier.clone())));
            owned.labels.clone_from(&service.labels);
        }
        let fits = |scope: &&Scope| caller.contains(Permission::ExceptionGrant, scope);
        [&bare, &tiered, &owned].into_iter().find(fits).unwrap_or(&bare).clone()
    }

    fn until(&self, now: Timestamp) -> Result<Timestamp, Refusal> {
        let hours = self.hours.trim().parse().ok().filter(|hours| (1..=168_i64).contains(hours));
        let until = hours.and_then(|hours| now.checked_add(SignedDuration::from_hours(hours)).ok());
        until.ok_or_else(|| {
            let message = "an exception lasts 1 to 168 hours";
            Refusal::invalid("bad_hours", message, "give a whole number of hours")
        })
    }
}

#[derive(Template)]
#[template(path = "pages/exception.html")]
struct ExceptionPage {
    shell: Shell,
    wish: Wish,
    lifts: Vec<(String, String)>,
    environments: Vec<String>,
    services: Vec<String>,
    preview: Option<Preview>,
    fault: Option<Fault>,
}

/// What would come of it.
struct Preview {
    scope: String,
    until: Markup,
    lines: Vec<Line>,
    more: usize,
    free: usize,
}

/// One change that it is about.
struct Line {
    number: String,
    title: String,
    own: bool,
    still: Vec<String>,
}

/// The form, with what the exception would let through.
pub(crate) async fn form(looker: Looker, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, wish, None)).await
}

fn build(
    visit: &Visit,
    mut wish: Wish,
    mut fault: Option<Fault>,
) -> Result<ExceptionPage, Problem> {
    let mut preview = None;
    if wish.hours.is_empty() {
        "2".clone_into(&mut wish.hours);
        if wish.environment.is_empty() && !visit.everywhere(Permission::ExceptionGrant) {
            // Most of those who may in a part only may in production.
            wish.environment = visit.production().map_or_else(String::new, |it| it.to_string());
        }
    }
    if !wish.preview.is_empty() {
        match look(visit, &wish) {
            Ok(seen) => preview = Some(seen),
            Err(error @ EngineError::Refused(_)) => {
                fault = fault.or_else(|| Some(Fault::of(&error.into())));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let organisation = &visit.standing.organisation;
    let mut lifts = offered(visit);
    if !wish.lifts.is_empty() && lifts.iter().all(|(name, _)| *name != wish.lifts) {
        // It may be one that the caller does not see: it is called as they called it.
        lifts.insert(0, (wish.lifts.clone(), wish.lifts.clone()));
    }
    Ok(ExceptionPage {
        shell: visit.shell(Section::Calendar, w::t("calendar.grant_an_exception")),
        environments: organisation.environments.keys().map(ToString::to_string).collect(),
        services: visit.service_names(),
        lifts,
        preview,
        fault,
        wish,
    })
}

/// What an exception can lift of what the caller sees.
fn offered(visit: &Visit) -> Vec<(String, String)> {
    let freezes = visit.standing.windows().filter(|window| {
        window.kind == WindowKind::Freeze && visit.touches(Permission::CalendarRead, &window.scope)
    });
    let freezes = freezes.map(|window| format!("freeze:{}", window.name));
    let stops = visit.standing.stops.values();
    let stops = stops.filter(|stop| visit.touches(Permission::ChangeRead, &stop.scope));
    let all = stops.map(|stop| format!("stop:{}", stop.id)).chain(freezes);
    all.take(OFFERED).map(|name| (name.clone(), named(visit, &name))).collect()
}

/// What a freeze, a stop or a rule is called.
pub(super) fn named(visit: &Visit, lifts: &str) -> String {
    match lifts.split_once(':') {
        Some((_, "*")) if lifts.starts_with("freeze") => w::t("exception.every_freeze").to_owned(),
        Some((_, "*")) => w::t("exception.every_stop").to_owned(),
        Some(("freeze", name)) => {
            let window = visit.standing.window(name);
            w::f("halts.the_freeze", window.map_or(name, |window| window.title.as_str()))
        }
        Some(("stop", id)) => {
            let stop = visit.standing.stops.values().find(|stop| stop.id.as_str() == id);
            w::f("halts.the_stop_of", stop.map_or(id.to_owned(), |stop| stop.scope.to_string()))
        }
        Some(("rule", "freeze.release_window")) => w::t("exception.closed_windows").to_owned(),
        _ => w::f("exception.the_rule", lifts.strip_prefix("rule:").unwrap_or(lifts)),
    }
}

fn look(visit: &Visit, wish: &Wish) -> Result<Preview, EngineError> {
    let scope = wish.scope(&visit.caller, &visit.standing.organisation);
    let until = wish.until(visit.now)?;
    let engine = &visit.app.engine;
    let found =
        engine.preview_exception(&visit.caller, wish.lifts.clone(), scope.clone(), until)?;
    let free = found.iter().filter(|one| one.still.is_empty() && !one.own).count();
    let more = found.len().saturating_sub(NAMED);
    let lines = found.iter().take(NAMED).filter_map(|one| line(visit, one)).collect();
    Ok(Preview { scope: scope.to_string(), until: moment::at(until), lines, more, free })
}

fn line(visit: &Visit, one: &Lifted) -> Option<Line> {
    let change = visit.standing.changes.get(&one.change)?;
    Some(Line {
        number: change.number.to_string(),
        title: change.title.clone(),
        own: one.own,
        still: one.still.iter().map(|name| named(visit, name)).collect(),
    })
}

/// Grants an exception.
pub(crate) async fn grant(looker: Looker, Form(wish): Form<Wish>) -> Result<Response, Problem> {
    match granted(&looker, &wish).await {
        Ok(()) => Ok(see("/calendar?done=granted#exceptions")),
        Err(problem) => {
            let wish = Wish { preview: "1".to_owned(), ..wish };
            refused(looker, problem, |visit, fault| build(visit, wish, Some(fault))).await
        }
    }
}

async fn granted(looker: &Looker, wish: &Wish) -> Result<(), Problem> {
    let engine = &looker.app.engine;
    let until = wish.until(engine.now()).map_err(EngineError::from)?;
    let scope = wish.scope(&looker.caller, &engine.standing().organisation);
    let (lifts, reason) = (wish.lifts.clone(), said(&wish.reason)?);
    engine.grant_exception(&looker.caller, lifts, scope, reason, until).await?;
    Ok(())
}

/// Takes an exception back.
pub(crate) async fn revoke(
    State(app): State<App>,
    By(caller): By,
    Path(exception): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    let exception: ExceptionId = id(&exception)?;
    app.engine.revoke_exception(&caller, &exception, said(&form.reason)?).await?;
    Ok(see("/calendar?done=revoked#exceptions"))
}
