//! The outbox: what is or was owed to neighbours, how each link fares, and what a person does about it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use sluice_core::permission::Permission;
use sluice_engine::store::rows::OutboxRow;
use sluice_engine::store::{OutboxFilter, Page};
use sluice_engine::{LinkCard, record_owed};

use super::{Tab, tabs};
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::Query;
use crate::web::form::{Form, NoFields, ReasonForm};
use crate::web::page::{Looker, address, page, see, some};
use crate::web::pages::changes::Choice;
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, moment, w};

/// Effects on a page.
const PAGE: u32 = 40;
/// The states that an effect can have.
const STATES: [&str; 3] = ["pending", "delivered", "given_up"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboxQuery {
    link: Option<String>,
    state: Option<String>,
    before: Option<u64>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/outbox.html")]
struct OutboxPage {
    shell: Shell,
    tabs: Vec<Tab>,
    links: Vec<LinkLine>,
    choices: Vec<Choice>,
    states: Vec<Choice>,
    lines: Vec<EffectLine>,
    next: Option<String>,
    may: bool,
}

/// How one link fares.
struct LinkLine {
    name: String,
    connector: String,
    mark: Markup,
    paused: bool,
    owed: u64,
    given_up: u64,
    lag: Option<String>,
    good: Option<Markup>,
    error: Option<String>,
    expires: Option<String>,
}

/// One effect.
struct EffectLine {
    id: u64,
    link: String,
    entity: String,
    change: Option<String>,
    tell: String,
    mark: Markup,
    attempts: u32,
    since: Markup,
    next: Option<Markup>,
    error: String,
    given_up: bool,
}

/// What is or was owed.
pub(crate) async fn outbox(
    looker: Looker,
    Query(query): Query<OutboxQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| build(visit, query)).await
}

fn build(visit: &Visit, query: OutboxQuery) -> Result<OutboxPage, Problem> {
    let (link, state) = (some(query.link), some(query.state));
    let filter = OutboxFilter { link: link.clone(), state: state.clone(), entity: None };
    let wanted = Page { before: query.before, after: None, limit: PAGE + 1 };
    let mut rows = read(visit.readers().outbox(&filter, wanted))?;
    let more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let (link, state) = (link.unwrap_or_default(), state.unwrap_or_default());
    let next = rows.last().filter(|_| more).map(|row| {
        let before = row.id.to_string();
        address("/admin/outbox", &[("link", &link), ("state", &state), ("before", &before)])
    });
    let cards = visit.app.engine.links().map_err(Problem::from)?;
    let mut shell = visit.shell(Section::Admin, w::t("admin.outbox"));
    shell.notice = notice(query.done.as_deref());
    let choice = |value: String, word: String, chosen: bool| Choice { value, word, chosen };
    Ok(OutboxPage {
        shell,
        tabs: tabs(visit, "/admin/outbox"),
        choices: cards
            .iter()
            .filter(|card| !card.told.is_empty())
            .map(|card| {
                choice(card.name.to_string(), card.name.to_string(), card.name.as_str() == link)
            })
            .collect(),
        states: STATES
            .iter()
            .map(|name| choice((*name).to_owned(), w::named("outbox", name), **name == *state))
            .collect(),
        links: cards
            .into_iter()
            .filter(|it| !it.told.is_empty())
            .map(|it| fares(visit, it))
            .collect(),
        lines: rows.into_iter().map(|row| line(visit, row)).collect(),
        next,
        may: visit.may(Permission::OrganisationApply),
    })
}

fn fares(visit: &Visit, card: LinkCard) -> LinkLine {
    let mark = if card.paused {
        marks::pill("wait", "clock", w::t("outbox.paused"))
    } else if card.failures > 0 {
        marks::pill("no", "x", &w::n("outbox.one_failure_in_a_row", card.failures))
    } else if card.expires.as_ref().is_some_and(|first| first.soon) {
        marks::pill("wait", "clock", w::t("outbox.expires_soon"))
    } else if card.last_good_at.is_some() {
        marks::pill("ok", "check", w::t("outbox.goes_well"))
    } else {
        marks::pill("calm", "dot", w::t("outbox.not_used_yet"))
    };
    let seconds = i64::try_from(card.lag_s).unwrap_or(0);
    let lag = moment::span_of(jiff::SignedDuration::from_secs(seconds));
    LinkLine {
        name: card.name.to_string(),
        connector: card.connector,
        mark,
        paused: card.paused,
        owed: card.owed,
        given_up: card.given_up,
        lag: (card.owed > 0).then_some(lag),
        good: card.last_good_at.map(|at| visit.when(at)),
        error: card.last_error.filter(|_| card.failures > 0),
        expires: card
            .expires
            .filter(|first| first.soon)
            .map(|first| w::f("outbox.expires", first.at.strftime("%Y-%m-%d"))),
    }
}

fn line(visit: &Visit, row: OutboxRow) -> EffectLine {
    let (tone, icon) = match row.state.as_str() {
        "delivered" => ("ok", "check"),
        "given_up" => ("no", "ban"),
        _ => ("info", "clock"),
    };
    let pending = row.state == "pending";
    let record = record_owed(&row.effect.entity);
    EffectLine {
        id: row.id,
        link: row.effect.link,
        change: record.starts_with("CHG").then(|| record.to_owned()),
        entity: row.effect.entity,
        tell: w::named("tell", &row.effect.kind.replace('.', "_")),
        mark: marks::pill(tone, icon, &w::named("outbox", &row.state)),
        attempts: row.attempts,
        since: visit.when_us(row.effect.created_us),
        next: pending.then(|| visit.when_us(row.effect.next_us)),
        error: row.last_error.unwrap_or_default(),
        given_up: row.state == "given_up",
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayForm {
    #[serde(default)]
    effect: Option<u64>,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// Owes anew what was given up.
pub(crate) async fn replay(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    Form(form): Form<ReplayForm>,
) -> Result<Response, Problem> {
    app.engine.replay_link(&caller, &name, form.effect).await?;
    Ok(see("/admin/outbox?done=replayed"))
}

/// Sends nothing by a link until it is resumed.
pub(crate) async fn pause(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    app.engine.pause_link(&caller, &name, form.reason.trim().to_owned()).await?;
    Ok(see("/admin/outbox?done=paused"))
}

/// Sends by a link again.
pub(crate) async fn resume(
    State(app): State<App>,
    By(caller): By,
    Path(name): Path<String>,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    app.engine.resume_link(&caller, &name).await?;
    Ok(see("/admin/outbox?done=resumed"))
}
