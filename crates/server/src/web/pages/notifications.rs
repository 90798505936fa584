//! What waits for the person who looks, and the views that they keep.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sluice_engine::{SavedView, Wanted, WantedKind};

use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::web::form::{Form, NoFields};
use crate::web::page::{Looker, page, see, within};
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::{Markup, marks, w};

#[derive(Template)]
#[template(path = "pages/notifications.html")]
struct NotificationsPage {
    shell: Shell,
    lines: Vec<Line>,
    unseen: usize,
}

/// One thing that waits.
struct Line {
    mark: Markup,
    address: String,
    record: String,
    title: String,
    since: Markup,
    unseen: bool,
}

pub(crate) async fn show(looker: Looker) -> Result<Response, Problem> {
    page(looker, |visit| {
        let wanted = visit.app.engine.wanted(&visit.caller).map_err(Problem::from)?;
        Ok(NotificationsPage {
            shell: visit.shell(Section::Elsewhere, w::t("notifications.what_waits_for_you")),
            unseen: wanted.iter().filter(|one| one.unseen).count(),
            lines: wanted.into_iter().map(|one| line(visit, one)).collect(),
        })
    })
    .await
}

fn line(visit: &Visit, one: Wanted) -> Line {
    let (tone, icon) = match one.kind {
        WantedKind::Approval => ("wait", "people"),
        WantedKind::Debt => ("info", "eye"),
        WantedKind::Role | WantedKind::Plan | WantedKind::Reset => ("wait", "user"),
        WantedKind::Window => ("wait", "calendar"),
        WantedKind::BreakGlass => ("no", "bolt"),
        WantedKind::Account => ("info", "user"),
    };
    let is_change = matches!(one.kind, WantedKind::Approval | WantedKind::Debt);
    Line {
        mark: marks::pill(tone, icon, &w::named("wanted", one.kind.as_str())),
        address: if is_change {
            format!("/changes/{}#decide", one.record)
        } else if one.kind == WantedKind::Account {
            "/me".to_owned()
        } else {
            "/proposals".to_owned()
        },
        record: if is_change { one.record } else { String::new() },
        title: one.title,
        since: visit.when(one.since),
        unseen: one.unseen,
    }
}

/// They have been seen.
pub(crate) async fn seen(
    State(app): State<App>,
    By(caller): By,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    app.engine.mark_seen(&caller).await?;
    Ok(see("/notifications"))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewForm {
    title: String,
    /// What the list shows now: it is what is kept, and where one comes back to.
    to: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// Keeps a view.
pub(crate) async fn save_view(
    State(app): State<App>,
    By(caller): By,
    Form(form): Form<ViewForm>,
) -> Result<Response, Problem> {
    let to = within(Some(&form.to));
    let view = SavedView { title: form.title, address: to.clone() };
    app.engine.save_view(&caller, view).await?;
    Ok(see(&to))
}

/// Forgets a view.
pub(crate) async fn remove_view(
    State(app): State<App>,
    By(caller): By,
    Form(form): Form<ViewForm>,
) -> Result<Response, Problem> {
    app.engine.remove_view(&caller, &form.title).await?;
    Ok(see(&within(Some(&form.to))))
}
