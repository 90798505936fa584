//! Windows: those that files declare and those that people make, what one would hold, and what waits for a second person.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::calendar::made::event::Deed;
use sluice_core::calendar::made::{self, Holding, MadeWindow};
use sluice_core::calendar::{InFlight, Occurrence, Schedule, Window, WindowKind};
use sluice_core::ids::{DeploymentNumber, Digest, LinkName, PersonId, ProposalId};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::ledger::Receipt;
use sluice_engine::{Answer, Caller, WindowAnswer};

use super::stops::{Done, ReasonRequest};
use super::{Created, Reply};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::id;

/// A window, where it comes from, and when it comes next.
#[derive(Serialize)]
struct WindowItem {
    #[serde(flatten)]
    window: Window,
    /// `files`, `people` or `neighbour`.
    source: &'static str,
    /// The link that reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreed_by: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// Names a window that people made as it is; given back as `over` by whoever alters it.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    in_force: bool,
    next: Option<Occurrence>,
}

pub(crate) async fn list(
    State(app): State<App>,
    By(caller): By,
) -> Result<impl IntoResponse, Problem> {
    let as_of = app.engine.standing().size;
    let work = app.clone();
    let items = app.blocking(move || Ok(items(&work, &caller))).await?;
    Ok(Reply(Listed { items, next: None, as_of }))
}

fn items(app: &App, caller: &Caller) -> Vec<WindowItem> {
    let (standing, now) = (app.engine.standing(), app.engine.now());
    let calendar = app.engine.present_calendar();
    let (_, to) = calendar.span();
    let mut next: std::collections::BTreeMap<String, Occurrence> = calendar
        .between(now, to, 1)
        .filter_map(|(window, spans)| Some((window.name.clone(), *spans.first()?)))
        .collect();
    let seen =
        standing.windows().filter(|window| caller.touches(Permission::CalendarRead, &window.scope));
    seen.map(|window| {
        let made: Option<&MadeWindow> =
            standing.made.windows.get(&window.name).map(|made| made.as_ref());
        let theirs = standing.theirs.get(&window.name);
        let next = next.remove(&window.name);
        WindowItem {
            window: window.as_ref().clone(),
            source: match (made, theirs) {
                (Some(_), _) => "people",
                (None, Some(_)) => "neighbour",
                (None, None) => "files",
            },
            link: theirs.map(|theirs| theirs.link.clone()),
            by: made.map(|made| made.by.clone()),
            agreed_by: made.and_then(|made| made.agreed_by.clone()),
            at: made.map(|made| made.at).or(theirs.map(|theirs| theirs.at)),
            digest: made.map(|made| made::digest_of(&made.window)),
            in_force: next.is_some_and(|span| span.start <= now),
            next,
        }
    })
    .collect()
}

/// A window as somebody wants it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowWish {
    title: String,
    kind: WindowKind,
    #[serde(default)]
    scope: Scope,
    schedule: Schedule,
    #[serde(default)]
    in_flight: InFlight,
    #[serde(default)]
    grants: Vec<String>,
    #[serde(default)]
    reason: String,
}

impl WindowWish {
    fn window(self, name: String) -> Window {
        let Self { title, kind, scope, schedule, in_flight, grants, reason } = self;
        Window { name, title, kind, scope, schedule, in_flight, grants, reason }
    }
}

#[derive(Serialize)]
struct PreviewReply {
    next: Vec<Occurrence>,
    in_force: bool,
    holds_now: bool,
    places: usize,
    services: Vec<String>,
    changes: Vec<String>,
    moving: Vec<DeploymentNumber>,
    as_of: u64,
}

/// What a window would hold; only what the caller may see is named.
pub(crate) async fn preview(
    State(app): State<App>,
    By(caller): By,
    body: Json<WindowWish>,
) -> Result<impl IntoResponse, Problem> {
    let window = body.value.window(String::new());
    let work = app.clone();
    let look = move || {
        let holding = work
            .engine
            .preview_window(&caller, &window)
            .map_err(sluice_engine::EngineError::from)?;
        Ok(preview_reply(&work, &caller, holding))
    };
    Ok(Reply(app.blocking(look).await?))
}

fn preview_reply(app: &App, caller: &Caller, holding: Holding) -> PreviewReply {
    let standing = app.engine.standing();
    let changes = holding.changes.iter().filter_map(|number| standing.changes.get(number));
    let changes = changes.filter(|change| {
        let services = change.services.iter().map(|service| service.as_str());
        app.sees(caller, services, change.environment.as_str())
    });
    let moving = holding.moving.iter().filter(|number| {
        standing
            .deployments
            .get(*number)
            .is_some_and(|it| app.sees(caller, [it.service.as_str()], it.environment.as_str()))
    });
    PreviewReply {
        in_force: holding.in_force,
        holds_now: holding.holds_now,
        places: holding.places,
        services: holding.services.iter().map(ToString::to_string).collect(),
        changes: changes.map(|change| change.number.to_string()).collect(),
        moving: moving.copied().collect(),
        next: holding.next,
        as_of: standing.size,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowRequest {
    window: WindowWish,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlterRequest {
    window: WindowWish,
    /// Digest of the window that was looked at; over another one nothing is done.
    #[serde(default)]
    over: Option<Digest>,
    reason: String,
}

#[derive(Serialize)]
struct WindowReply {
    #[serde(flatten)]
    answer: WindowAnswer,
    receipt: Option<Receipt>,
    as_of: u64,
}

fn reply(answer: Answer<WindowAnswer>) -> WindowReply {
    WindowReply { answer: answer.value, receipt: answer.receipt, as_of: answer.as_of }
}

/// Makes a window, or proposes to.
pub(crate) async fn make(
    State(app): State<App>,
    By(caller): By,
    body: Json<WindowRequest>,
) -> Result<impl IntoResponse, Problem> {
    let WindowRequest { window, reason } = body.value;
    text_within("reason", &reason, 1_000)?;
    let answer = app.engine.set_window(&caller, window.window(String::new()), None, reason).await?;
    Ok(Created(reply(answer)))
}

/// Alters a window that a person made, or proposes to.
pub(crate) async fn alter(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    body: Json<AlterRequest>,
) -> Result<impl IntoResponse, Problem> {
    let AlterRequest { window, over, reason } = body.value;
    text_within("reason", &reason, 1_000)?;
    let answer = app.engine.set_window(&caller, window.window(name), over, reason).await?;
    Ok(Reply(reply(answer)))
}

/// Ends a window that a person made, or proposes to.
pub(crate) async fn end(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let answer = app.engine.end_window(&caller, &name, body.value.reason).await?;
    Ok(Reply(reply(answer)))
}

/// Something that waits for a second person.
#[derive(Serialize)]
struct ProposalItem {
    id: ProposalId,
    /// `set` or `end`.
    deed: &'static str,
    name: String,
    /// As it is wanted, or as it stands where it is to end.
    window: Window,
    alters: bool,
    reason: String,
    by: PersonId,
    at: Timestamp,
    from: Timestamp,
}

pub(crate) async fn proposals(State(app): State<App>, By(caller): By) -> impl IntoResponse {
    let (standing, now) = (app.engine.standing(), app.engine.now());
    let waiting = standing.made.proposals.values().filter(|it| it.waits(now));
    let items: Vec<ProposalItem> = waiting
        .filter_map(|it| {
            let proposed = &it.proposed;
            let (deed, window) = match &proposed.deed {
                Deed::Set { window } => ("set", window.as_ref().clone()),
                // One that is gone has nothing left to agree to.
                Deed::End { name } => {
                    ("end", standing.made.windows.get(name)?.window.as_ref().clone())
                }
            };
            caller.touches(Permission::CalendarRead, &window.scope).then(|| ProposalItem {
                id: proposed.proposal.clone(),
                deed,
                name: window.name.clone(),
                window,
                alters: proposed.over.is_some(),
                reason: proposed.reason.clone(),
                by: proposed.by.clone(),
                at: it.at,
                from: proposed.from,
            })
        })
        .collect();
    Reply(Listed { items, next: None, as_of: standing.size })
}

/// A second person agrees.
pub(crate) async fn confirm(
    State(app): State<App>,
    By(caller): By,
    Path(proposal): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let proposal: ProposalId = id(&proposal)?;
    let answer = app.engine.confirm_window(&caller, &proposal).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

/// Somebody refuses, or takes back what they proposed.
pub(crate) async fn refuse(
    State(app): State<App>,
    By(caller): By,
    Path(proposal): Path<String>,
    body: Json<ReasonRequest>,
) -> Result<impl IntoResponse, Problem> {
    let proposal: ProposalId = id(&proposal)?;
    let answer = app.engine.refuse_window(&caller, &proposal, body.value.reason).await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}
