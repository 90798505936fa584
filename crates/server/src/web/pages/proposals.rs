//! What two people decide together: roles, what decides about changes, and the emergency path. One proposes, another
//! confirms or refuses.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sluice_core::access::{RoleState, StandingRole};
use sluice_core::gate::Question;
use sluice_core::ids::{Digest, GrantId, PersonId};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::{EngineError, Enrolment, RoleWish, ToldStep};

use super::calendar::agree::{self, Part, Waiting};
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::status;
use crate::web::form::{Fault, Form, NoFields, ReasonForm, refused};
use crate::web::page::{Looker, page, see, some};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::Visit;
use crate::web::{Markup, w};

/// The most steps of a plan that are shown.
const STEPS: usize = 60;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProposalsQuery {
    done: Option<String>,
    /// After how many proposals about windows to begin.
    windows: Option<usize>,
}

#[derive(Template)]
#[template(path = "pages/proposals.html")]
struct ProposalsPage {
    shell: Shell,
    roles: Vec<RoleLine>,
    plans: Vec<PlanLine>,
    glasses: Vec<GlassLine>,
    waiting: Vec<Waiting>,
    part: Option<Part>,
    resets: Vec<ResetLine>,
    /// Whose account was set back just now, and the code, which is shown this once.
    code: Option<(Markup, String, Markup)>,
    may_role: bool,
    table: Vec<(String, String)>,
    /// The role that was wished for and refused, and why.
    wish: RoleForm,
    fault: Option<Fault>,
}

/// A role that was proposed or waits for its time.
struct RoleLine {
    grant: String,
    who: Markup,
    role: String,
    scope: String,
    reason: String,
    by: Markup,
    at: Markup,
    from: Option<Markup>,
    /// Since when it holds.
    since: Option<Markup>,
    until: Option<Markup>,
    confirm: bool,
    refuse: bool,
    why_not: Option<&'static str>,
}

/// A plan that was proposed.
struct PlanLine {
    plan: String,
    touches: String,
    by: Option<Markup>,
    from: Markup,
    steps: Vec<StepLine>,
    more: usize,
    own: bool,
    confirm: bool,
    /// Why somebody who could confirm it has to do so with the files.
    with_files: Option<String>,
    refuse: bool,
}

/// A step of a plan: what it does, and each member that differs, as it was and as it will be.
struct StepLine {
    title: String,
    differences: Vec<(String, String, String)>,
}

/// An account that somebody wants set back.
struct ResetLine {
    person: String,
    who: Markup,
    reason: String,
    by: Markup,
    at: Markup,
    confirm: bool,
    refuse: bool,
    why_not: Option<&'static str>,
}

/// An emergency path.
struct GlassLine {
    id: String,
    place: String,
    commit: String,
    artifacts: Vec<String>,
    reason: String,
    by: Markup,
    at: Markup,
    until: Option<Markup>,
    open: bool,
    refuse: bool,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<ProposalsQuery>,
) -> Result<Response, Problem> {
    tell(looker, query, None).await
}

async fn tell(
    looker: Looker,
    query: ProposalsQuery,
    code: Option<Enrolment>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let mut page = build(visit, &query)?;
        page.shell.notice = notice(query.done.as_deref());
        // What is shown once must not be fetched again.
        page.shell.live &= code.is_none();
        page.code = code.map(|it| (visit.who(&it.person), it.code, visit.when(it.expires_at)));
        Ok(page)
    })
    .await
}

fn build(visit: &Visit, query: &ProposalsQuery) -> Result<ProposalsPage, Problem> {
    let table = &visit.standing.access.table.roles;
    let table = table.iter().filter(|role| !role.machine);
    let after = query.windows.unwrap_or(0);
    let (waiting, all) = agree::waiting(visit, None, after);
    Ok(ProposalsPage {
        shell: visit.shell(Section::Elsewhere, w::t("proposals.second_person")),
        roles: roles(visit),
        plans: plans(visit)?,
        glasses: glasses(visit),
        part: agree::part(after, waiting.len(), all),
        waiting,
        resets: resets(visit),
        code: None,
        may_role: visit.may(Permission::RoleGrant) && visit.caller.person.is_some(),
        table: table.map(|role| (role.name.clone(), role.title.clone())).collect(),
        wish: RoleForm::default(),
        fault: None,
    })
}

fn resets(visit: &Visit) -> Vec<ResetLine> {
    let Some(person) = &visit.caller.person else { return Vec::new() };
    let may = visit.may(Permission::AccountManage);
    let waiting = visit.standing.access.resets.iter();
    let waiting = waiting.filter(|(whose, it)| it.waits(visit.now) && (may || *whose == person));
    waiting
        .map(|(whose, reset)| {
            let why_not = if whose == person {
                Some(w::t("proposals.it_is_for_yourself"))
            } else if reset.asked.by == *person {
                Some(w::t("proposals.you_proposed_it"))
            } else {
                None
            };
            ResetLine {
                person: whose.as_str().trim_start_matches("person/").to_owned(),
                who: visit.who(whose),
                reason: reset.asked.reason.clone(),
                by: visit.who(&reset.asked.by),
                at: visit.when(reset.at),
                confirm: may && why_not.is_none(),
                refuse: true,
                why_not,
            }
        })
        .collect()
}

fn roles(visit: &Visit) -> Vec<RoleLine> {
    let person = visit.caller.person.as_ref();
    if !visit.may(Permission::RoleGrant) {
        return Vec::new();
    }
    let standing = visit.standing.access.roles.iter();
    standing
        .map(|(grant, role)| {
            let StandingRole { proposed, at, state } = role.as_ref();
            let why_not = if *state != RoleState::Proposed {
                None
            } else if Some(&proposed.person) == person {
                Some(w::t("proposals.it_is_for_yourself"))
            } else if Some(&proposed.by) == person {
                Some(w::t("proposals.you_proposed_it"))
            } else {
                None
            };
            RoleLine {
                grant: grant.to_string(),
                who: visit.who(&proposed.person),
                role: proposed.role.replace('_', " "),
                scope: proposed.scope.to_string(),
                reason: proposed.reason.clone(),
                by: visit.who(&proposed.by),
                at: visit.when(*at),
                from: match state {
                    RoleState::Confirmed { from, .. } => Some(visit.when(*from)),
                    RoleState::Proposed | RoleState::Granted { .. } => None,
                },
                since: match state {
                    RoleState::Granted { since, .. } => Some(visit.when(*since)),
                    RoleState::Proposed | RoleState::Confirmed { .. } => None,
                },
                until: proposed.until.map(|until| visit.when(until)),
                confirm: *state == RoleState::Proposed && why_not.is_none() && person.is_some(),
                refuse: person.is_some(),
                why_not,
            }
        })
        .collect()
}

fn plans(visit: &Visit) -> Result<Vec<PlanLine>, Problem> {
    if !visit.may(Permission::OrganisationRead) {
        return Ok(Vec::new());
    }
    let person = visit.caller.person.as_ref();
    let plans = visit.standing.access.plans_waiting(visit.now);
    plans
        .map(|plan| {
            let kept = visit.app.engine.waiting_plan(&visit.caller, &plan.plan);
            let touches: Vec<&str> = plan.touches.iter().map(String::as_str).collect();
            let own = person.is_some() && plan.by.as_ref() == person;
            let cooling = visit.now < plan.from;
            let may = visit.everywhere(Permission::PolicyActivate) && person.is_some();
            let (steps, needs_files) = match kept {
                Ok(kept) => (kept.told, kept.needs_files.map(|refusal| refusal.message)),
                Err(EngineError::Refused(refusal)) => (Vec::new(), Some(refusal.message)),
                Err(error) => return Err(error.into()),
            };
            let could = may && !own;
            Ok(PlanLine {
                plan: plan.plan.to_string(),
                touches: touches.join(", "),
                by: plan.by.as_ref().map(|by| visit.who(by)),
                from: visit.when(plan.from),
                confirm: could && !cooling && needs_files.is_none(),
                with_files: needs_files.filter(|_| could),
                own,
                more: steps.len().saturating_sub(STEPS),
                steps: steps.iter().take(STEPS).map(step).collect(),
                refuse: person.is_some() && (own || visit.may(Permission::PolicyActivate)),
            })
        })
        .collect()
}

/// What a step of a plan does, and what differs by it.
fn step(step: &ToldStep) -> StepLine {
    let verb = match step.does {
        "alter" => w::t("proposals.alter"),
        "declare" => w::t("proposals.declare"),
        "rename" => w::t("proposals.rename"),
        _ => w::t("proposals.withdraw"),
    };
    let title = format!("{verb} {} {}", step.kind.as_str().replace('_', " "), step.name);
    let lines = step.differences.iter().map(|it| {
        let what = it.what.replace('_', " ").replace('.', ", ");
        (what, it.removed.join("; "), it.added.join("; "))
    });
    StepLine { title, differences: lines.collect() }
}

fn glasses(visit: &Visit) -> Vec<GlassLine> {
    let may = visit.may(Permission::BreakGlass);
    let person = visit.caller.person.as_ref();
    let glasses = visit.standing.access.glasses.iter();
    let shown = glasses.filter(|(_, one)| one.is_open(visit.now) || one.waits(visit.now));
    shown
        .map(|(id, glass)| {
            let question = &glass.asked.question;
            let own = Some(&glass.asked.by) == person;
            let waits = glass.waits(visit.now);
            GlassLine {
                id: id.to_string(),
                place: place(question),
                commit: question.commit.to_string(),
                artifacts: question.artifacts.iter().map(ToString::to_string).collect(),
                reason: question.emergency.clone().unwrap_or_default(),
                by: visit.who(&glass.asked.by),
                at: visit.when(glass.at),
                until: glass.opened.as_ref().map(|opened| visit.when(opened.until)),
                open: may && waits && !own && person.is_some(),
                refuse: may && waits && person.is_some(),
            }
        })
        .collect()
}

/// Everything that it lets through, not only what it was asked for first.
pub(crate) fn place(question: &Question) -> String {
    let others = question.services.iter().filter(|it| **it != question.service);
    let services = std::iter::once(&question.service).chain(others);
    let services: Vec<&str> = services.map(|name| name.as_str()).collect();
    format!("{} → {}", services.join(", "), question.environment)
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleForm {
    person: String,
    role: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    days: String,
    reason: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// Proposes a role for another person.
pub(crate) async fn propose_role(
    looker: Looker,
    Form(form): Form<RoleForm>,
) -> Result<Response, Problem> {
    let proposed = match wished(&looker.app, form.clone()) {
        Ok(wish) => {
            let proposed = looker.app.engine.propose_role(&looker.caller, wish).await;
            proposed.map(|_| ()).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    let Err(problem) = proposed else { return Ok(see("/proposals?done=proposed")) };
    let again = move |visit: &Visit, fault| {
        let page = build(visit, &ProposalsQuery::default())?;
        Ok(ProposalsPage { fault: Some(fault), wish: form, ..page })
    };
    refused(looker, problem, again).await
}

fn wished(app: &App, form: RoleForm) -> Result<RoleWish, Problem> {
    let unknown = || Problem::of(&status::BODY_INVALID, "nobody has this name here");
    let person = app.engine.person_by_handle(form.person.trim()).ok_or_else(unknown)?;
    let until = some(Some(form.days)).map(|days| until(&days, app.engine.now())).transpose()?;
    let services = some(Some(form.service.trim().to_owned()));
    let scope = Scope { services: services.into_iter().collect(), ..Scope::default() };
    let reason = form.reason.trim().to_owned();
    Ok(RoleWish { person, role: form.role, scope, until, reason })
}

/// The end of so many days; what is no number of days is refused, because a role without an end is another wish.
fn until(days: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let days = days.parse().ok().filter(|days| (1..=3_650_i64).contains(days));
    let end = days.and_then(|days| now.checked_add(SignedDuration::from_hours(24 * days)).ok());
    end.ok_or_else(|| {
        Problem::of(&status::BODY_INVALID, "days are a whole number from 1 to 3650, or nothing")
    })
}

/// A second person agrees to a role.
pub(crate) async fn confirm_role(
    State(app): State<App>,
    By(caller): By,
    Path(grant): Path<String>,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    let grant: GrantId = id(&grant)?;
    app.engine.confirm_role(&caller, &grant).await?;
    Ok(see("/proposals?done=confirmed"))
}

/// Refuses a role, or takes it back.
pub(crate) async fn refuse_role(
    State(app): State<App>,
    By(caller): By,
    Path(grant): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    let grant: GrantId = id(&grant)?;
    let standing = app.engine.standing();
    let held = standing.access.roles.get(&grant).is_some_and(|it| it.state != RoleState::Proposed);
    app.engine.revoke_role(&caller, &grant, form.reason.trim().to_owned()).await?;
    Ok(see(if held { "/proposals?done=role_taken_back" } else { "/proposals?done=refused" }))
}

/// A second person agrees to set an account back, and sees the code.
pub(crate) async fn confirm_reset(
    looker: Looker,
    Path(who): Path<String>,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    let person: PersonId = id(&format!("person/{who}"))?;
    let answer = looker.app.engine.confirm_reset(&looker.caller, &person).await?;
    tell(looker, ProposalsQuery::default(), Some(answer.value)).await
}

/// Lets nothing become of it.
pub(crate) async fn refuse_reset(
    State(app): State<App>,
    By(caller): By,
    Path(who): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    let person: PersonId = id(&format!("person/{who}"))?;
    app.engine.refuse_reset(&caller, &person, form.reason.trim().to_owned()).await?;
    Ok(see("/proposals?done=refused"))
}

/// A second person confirms a plan as it was kept.
pub(crate) async fn confirm_plan(
    State(app): State<App>,
    By(caller): By,
    Path(plan): Path<String>,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    let plan: Digest = id(&plan)?;
    app.engine.confirm_plan(&caller, &plan).await?;
    Ok(see("/proposals?done=confirmed"))
}

/// Refuses a plan.
pub(crate) async fn refuse_plan(
    State(app): State<App>,
    By(caller): By,
    Path(plan): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    let plan: Digest = id(&plan)?;
    app.engine.refuse_plan(&caller, &plan, form.reason.trim().to_owned()).await?;
    Ok(see("/proposals?done=refused"))
}

/// A second person opens an emergency path.
pub(crate) async fn open_glass(
    State(app): State<App>,
    By(caller): By,
    Path(glass): Path<String>,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    let glass: GrantId = id(&glass)?;
    let answer = app.engine.open_break_glass(&caller, &glass).await?;
    app.metrics.decision(answer.decision);
    Ok(see("/proposals?done=glass_opened"))
}

/// Refuses an emergency path.
pub(crate) async fn refuse_glass(
    State(app): State<App>,
    By(caller): By,
    Path(glass): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    let glass: GrantId = id(&glass)?;
    app.engine.refuse_break_glass(&caller, &glass, form.reason.trim().to_owned()).await?;
    Ok(see("/proposals?done=refused"))
}
