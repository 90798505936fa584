//! One window, and the form by which people make and alter them, with what it would hold.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use sluice_core::calendar::made::event::Deed;
use sluice_core::calendar::made::{self, PREFIX};
use sluice_core::calendar::{Window, WindowKind};
use sluice_core::permission::Permission;
use sluice_engine::EngineError;

use super::agree::{self, Waiting};
use super::kind;
use super::traits::{self, Trait};
use super::wish::{Wish, is_simple};
use crate::api::no_such;
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::Query;
use crate::web::form::{Fault, Form, ReasonForm, refused};
use crate::web::page::{Looker, page, see};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::Visit;
use crate::web::{Markup, marks, moment, w};

/// The most changes that a preview names.
const NAMED: usize = 12;

/// What a window speaks of, in words.
pub(crate) struct Preview {
    pub(crate) sentence: &'static str,
    pub(crate) services: Vec<String>,
    pub(crate) more_services: usize,
    pub(crate) places: usize,
    pub(crate) open: Vec<(String, String)>,
    pub(crate) more: usize,
    pub(crate) moving: usize,
    pub(crate) next: Vec<(Markup, Markup, String, bool)>,
}

pub(super) fn preview(visit: &Visit, window: &Window) -> Preview {
    let holding = made::holds(&visit.standing, window, visit.now, |target| {
        visit.caller.covers(Permission::CalendarRead, target)
    });
    let changes = holding.changes.iter().filter_map(|it| visit.standing.changes.get(it));
    let seen = changes.filter(|change| visit.sees_change(change));
    let mut open: Vec<(String, String)> =
        seen.map(|change| (change.number.to_string(), change.title.clone())).collect();
    let more = open.len().saturating_sub(NAMED);
    open.truncate(NAMED);
    let named = holding.services.iter().take(NAMED).map(ToString::to_string).collect();
    Preview {
        sentence: match (window.kind, holding.in_force) {
            (WindowKind::Freeze, true) => w::t("window.it_would_hold_from_now_on"),
            (WindowKind::Freeze, false) => w::t("window.it_would_hold_when_it_begins"),
            (WindowKind::Release, true) => w::t("window.it_lets_go_now"),
            (WindowKind::Release, false) => w::t("window.it_would_hold_outside"),
            (WindowKind::Maintenance, _) => w::t("window.it_holds_nothing"),
        },
        services: named,
        more_services: holding.services.len().saturating_sub(NAMED),
        places: holding.places,
        open,
        more,
        moving: holding.moving.len(),
        next: holding
            .next
            .iter()
            .map(|span| {
                let length = moment::span_of(span.end.duration_since(span.start));
                let now = span.start <= visit.now;
                (moment::at(span.start), moment::at(span.end), length, now)
            })
            .collect(),
    }
}

#[derive(Template)]
#[template(path = "pages/window_form.html")]
struct FormPage {
    shell: Shell,
    wish: Wish,
    alters: bool,
    fields: Vec<(&'static str, String)>,
    preview: Option<Preview>,
    fault: Option<Fault>,
    fixed_scope: Option<String>,
    two: bool,
    teams: Vec<String>,
    environments: Vec<String>,
    services: Vec<String>,
    tiers: [&'static str; 4],
    zones: Vec<String>,
}

/// The form for a new window, or over one that people made, with what it would hold.
pub(crate) async fn form(looker: Looker, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    page(looker, move |visit| form_page(visit, wish, None)).await
}

fn form_page(visit: &Visit, mut wish: Wish, mut fault: Option<Fault>) -> Result<FormPage, Problem> {
    let standing = match wish.over.as_str() {
        "" => None,
        name => Some(made_window(visit, name)?),
    };
    let asked = !wish.preview.is_empty();
    if let Some(window) = standing.as_ref().filter(|_| !asked) {
        wish = Wish::of(window);
    }
    let zone = &visit.standing.organisation.settings.zone;
    if wish.zone.is_empty() {
        wish.zone.clone_from(zone);
    }
    let (mut seen, mut deed) = (None, None);
    if asked {
        let read = wish.window(standing.as_ref());
        let checked = read.and_then(|mut window| {
            if window.name.is_empty() {
                window.name = PREFIX.to_owned();
            }
            made::check(&visit.standing.organisation, &window, visit.now).map(|()| window)
        });
        match checked {
            Ok(window) => {
                seen = Some(preview(visit, &window));
                deed = Some(Deed::Set { window: Box::new(window) });
            }
            Err(refusal) => {
                fault = fault.or_else(|| Some(Fault::of(&EngineError::from(refusal).into())));
            }
        }
    }
    let organisation = &visit.standing.organisation;
    let alters = standing.is_some();
    Ok(FormPage {
        shell: visit.shell(
            Section::Calendar,
            if alters { w::t("window.alter") } else { w::t("window.new_window") },
        ),
        alters,
        fields: wish.fields(),
        preview: seen,
        fault,
        fixed_scope: standing
            .as_ref()
            .filter(|window| !is_simple(&window.scope))
            .map(|window| window.scope.to_string()),
        two: visit.app.engine.calendar_needs_two(visit.caller.person.as_ref(), deed.as_ref()),
        teams: organisation.teams.keys().map(ToString::to_string).collect(),
        environments: organisation.environments.keys().map(ToString::to_string).collect(),
        services: visit.service_names(),
        tiers: ["production", "staging", "test", "development"],
        zones: [zone.clone(), "UTC".to_owned()].into(),
        wish,
    })
}

/// A window that people made, where it may be seen.
fn made_window(visit: &Visit, name: &str) -> Result<Window, Problem> {
    let found = visit.standing.made.windows.get(name).map(|made| made.window.as_ref().clone());
    let seen = found.filter(|window| visit.touches(Permission::CalendarRead, &window.scope));
    seen.ok_or_else(|| no_such(format!("window `{name}`")))
}

/// Proposes the window that the form means, or makes it.
pub(crate) async fn propose(looker: Looker, Form(wish): Form<Wish>) -> Result<Response, Problem> {
    match proposed(&looker, &wish).await {
        Ok(address) => Ok(see(&address)),
        Err(problem) => {
            let mut wish = wish;
            "1".clone_into(&mut wish.preview);
            refused(looker, problem, |visit, fault| form_page(visit, wish, Some(fault))).await
        }
    }
}

/// Where to look after it was proposed or made.
async fn proposed(looker: &Looker, wish: &Wish) -> Result<String, Problem> {
    let engine = &looker.app.engine;
    let standing = engine.standing();
    let known = standing.made.windows.get(&wish.over).map(|made| made.window.as_ref());
    if !wish.over.is_empty() && known.is_none() {
        return Err(no_such(format!("window `{}`", wish.over)));
    }
    let window = wish.window(known).map_err(EngineError::from)?;
    let reason = wish.reason.trim().to_owned();
    let seen = wish.seen();
    let answer = engine.set_window(&looker.caller, window, seen, reason).await?;
    Ok(after(answer.value.proposal.is_some(), &answer.value.window))
}

/// Ends a window, or proposes to.
pub(crate) async fn end(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    let reason = form.reason.trim().to_owned();
    let answer = app.engine.end_window(&caller, &name, reason).await?;
    Ok(see(if answer.value.proposal.is_some() {
        "/proposals?done=proposed#windows"
    } else {
        "/calendar?view=list&done=window_ended"
    }))
}

fn after(proposed: bool, name: &str) -> String {
    if proposed {
        "/proposals?done=proposed#windows".to_owned()
    } else {
        format!("/calendar/windows/{name}?done=window_set")
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneQuery {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/window.html")]
struct WindowPage {
    shell: Shell,
    name: String,
    title: String,
    mark: Markup,
    scope: String,
    traits: Vec<Trait>,
    made: Option<(Markup, Option<Markup>, Markup)>,
    /// The link that reads it from where it is kept.
    link: Option<String>,
    may: bool,
    may_grant: bool,
    preview: Preview,
    waiting: Vec<Waiting>,
    waiting_more: usize,
    exceptions: Vec<(String, String, Markup)>,
}

/// One window: when it comes, what it holds, whose it is.
pub(crate) async fn one(
    looker: Looker,
    Path(name): Path<String>,
    Query(query): Query<OneQuery>,
) -> Result<Response, Problem> {
    show(looker, name, query).await
}

/// Events of calendar files have two parts in their names.
pub(crate) async fn of_file(
    looker: Looker,
    Path((window, event)): Path<(String, String)>,
    Query(query): Query<OneQuery>,
) -> Result<Response, Problem> {
    show(looker, format!("{window}/{event}"), query).await
}

async fn show(looker: Looker, name: String, query: OneQuery) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let found = visit
            .standing
            .window(&name)
            .filter(|it| visit.touches(Permission::CalendarRead, &it.scope));
        let window = found.ok_or_else(|| no_such(format!("window `{name}`")))?;
        let mut shell = visit.shell(Section::Calendar, window.title.clone());
        shell.notice = notice(query.done.as_deref());
        Ok(build(visit, window, shell))
    })
    .await
}

fn build(visit: &Visit, window: &Window, shell: Shell) -> WindowPage {
    let made = visit.standing.made.windows.get(&window.name);
    let may = visit.caller.person.is_some()
        && visit.caller.contains(Permission::CalendarEdit, &window.scope);
    let (waiting, all) = agree::waiting(visit, Some(&window.name), 0);
    let waiting_more = all - waiting.len();
    let lifts = format!("freeze:{}", window.name);
    let exceptions = visit.standing.exceptions.values();
    let passing = exceptions.filter(|it| {
        it.lifts(&lifts, visit.now) && visit.touches(Permission::ChangeRead, &it.scope)
    });
    WindowPage {
        shell,
        name: window.name.clone(),
        title: window.title.clone(),
        mark: marks::window(kind(window.kind)),
        scope: window.scope.to_string(),
        traits: traits::of(visit, window),
        made: made.map(|made| {
            let agreed = made.agreed_by.as_ref().map(|by| visit.who(by));
            (visit.who(&made.by), agreed, visit.when(made.at))
        }),
        link: visit.standing.theirs.get(&window.name).map(|theirs| theirs.link.to_string()),
        may: may && made.is_some(),
        may_grant: window.kind == WindowKind::Freeze
            && visit.caller.person.is_some()
            && visit.may(Permission::ExceptionGrant),
        preview: preview(visit, window),
        waiting,
        waiting_more,
        exceptions: passing
            .map(|it| (it.scope.to_string(), it.reason.clone(), visit.when(it.until)))
            .collect(),
    }
}
