//! The inbox: what was delivered, what became of it, and reading it again.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use sluice_core::permission::Permission;
use sluice_engine::store::DeliveryGlance;

use super::{Tab, tabs};
use crate::api::no_such;
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::web::form::{Form, NoFields};
use crate::web::page::{Looker, address, page, see, some};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, w};

/// Deliveries on a page.
const PAGE: u32 = 40;
/// The most characters of a body that are shown.
const SHOWN: usize = 16_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InboxQuery {
    state: Option<String>,
    before: Option<u64>,
}

#[derive(Template)]
#[template(path = "pages/inbox.html")]
struct InboxPage {
    shell: Shell,
    tabs: Vec<Tab>,
    all: bool,
    states: Vec<(String, u64, String, bool)>,
    /// Whether a link says of what kind its deliveries are; not all do.
    has_kinds: bool,
    lines: Vec<DeliveryLine>,
    next: Option<String>,
}

/// One delivery.
struct DeliveryLine {
    id: u64,
    link: String,
    kind: String,
    mark: Markup,
    outcome: String,
    size: String,
    at: Markup,
}

/// What was delivered, and what became of it.
pub(crate) async fn inbox(
    looker: Looker,
    Query(query): Query<InboxQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let state = some(query.state);
        let mut rows =
            read(visit.readers().inbox_glance(state.as_deref(), query.before, PAGE + 1))?;
        let more = rows.len() > PAGE as usize;
        rows.truncate(PAGE as usize);
        let wanted = state.clone().unwrap_or_default();
        let next = rows.last().filter(|_| more).map(|row| {
            address("/admin/inbox", &[("state", &wanted), ("before", &row.id.to_string())])
        });
        let states = read(visit.readers().inbox_states())?;
        Ok(InboxPage {
            shell: visit.shell(Section::Admin, w::t("admin.inbox")),
            tabs: tabs(visit, "/admin/inbox"),
            all: wanted.is_empty(),
            states: states
                .into_iter()
                .map(|(name, count)| {
                    let link = address("/admin/inbox", &[("state", &name)]);
                    (w::named("inbox", &name), count, link, name == wanted)
                })
                .collect(),
            has_kinds: rows.iter().any(|row| !row.kind.is_empty()),
            lines: rows.into_iter().map(|row| line(visit, row)).collect(),
            next,
        })
    })
    .await
}

fn line(visit: &Visit, row: DeliveryGlance) -> DeliveryLine {
    DeliveryLine {
        id: row.id,
        mark: mark(&row.state),
        outcome: row.outcome.unwrap_or_default().replace('_', " "),
        size: w::f("admin.bytes", w::thousands(row.size_bytes)),
        at: visit.when_us(row.received_us),
        link: row.link,
        kind: row.kind,
    }
}

/// What became of a delivery.
fn mark(state: &str) -> Markup {
    let (tone, icon) = match state {
        "done" => ("ok", "check"),
        "quarantined" => ("no", "ban"),
        "new" => ("info", "clock"),
        _ => ("calm", "dot"),
    };
    marks::pill(tone, icon, &w::named("inbox", state))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryQuery {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/delivery.html")]
struct DeliveryPage {
    shell: Shell,
    tabs: Vec<Tab>,
    line: DeliveryLine,
    delivery_id: String,
    attempts: u32,
    body: String,
    is_cut: bool,
    replay: bool,
}

/// One delivery, with its body as it came.
pub(crate) async fn delivery(
    looker: Looker,
    Path(number): Path<String>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let number: u64 = id(&number)?;
        let row = read(visit.readers().inbox_get(number))?;
        let row = row.ok_or_else(|| no_such(format!("delivery {number}")))?;
        let whole = String::from_utf8_lossy(&row.delivery.body).into_owned();
        let body: String = whole.chars().take(SHOWN).collect();
        let mut shell = visit.shell(Section::Admin, w::f("delivery.delivery", number));
        shell.notice = notice(query.done.as_deref());
        let again = matches!(row.state.as_str(), "quarantined" | "ignored");
        Ok(DeliveryPage {
            shell,
            tabs: tabs(visit, "/admin/inbox"),
            line: DeliveryLine {
                id: row.id,
                mark: mark(&row.state),
                outcome: row.outcome.unwrap_or_default().replace('_', " "),
                size: w::f("admin.bytes", w::thousands(row.delivery.body.len())),
                at: visit.when_us(row.delivery.received_us),
                link: row.delivery.link,
                kind: row.delivery.kind,
            },
            delivery_id: row.delivery.delivery_id,
            attempts: row.attempts,
            is_cut: body.len() < whole.len(),
            body,
            replay: again && visit.may(Permission::OrganisationApply),
        })
    })
    .await
}

/// Has a delivery read again.
pub(crate) async fn replay_delivery(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    let number: u64 = id(&number)?;
    app.engine.replay_delivery(&caller, number).await?;
    Ok(see(&format!("/admin/inbox/{number}?done=replayed")))
}
