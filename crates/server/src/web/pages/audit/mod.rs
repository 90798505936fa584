//! Audit: the ledger entry by entry, and the check of a receipt in the browser itself.

mod entry;
mod explore;
mod witnesses;

use askama::Template;
use axum::response::Response;
use serde::Deserialize;

pub(crate) use self::entry::{check, show as show_entry};
use self::explore::Line;
use self::witnesses::Witnesses;
use crate::problem::Problem;
use crate::query::Query;
use crate::web::page::{Looker, page};
use crate::web::shell::{Section, Shell};
use crate::web::visit::time;
use crate::web::{Markup, w};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    record: Option<String>,
    person: Option<String>,
    event: Option<String>,
    at: Option<String>,
    before: Option<u64>,
}

#[derive(Template)]
#[template(path = "pages/audit.html")]
struct AuditPage {
    shell: Shell,
    query: AuditQuery,
    lines: Vec<Line>,
    next: Option<String>,
    looked: Option<u64>,
    problem: Option<&'static str>,
    head: Head,
    witnesses: Option<Witnesses>,
    filtered: bool,
}

/// The signed head.
pub(crate) struct Head {
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: String,
    pub(crate) last: Option<Markup>,
    pub(crate) checkpoint: String,
    pub(crate) log_key: String,
    pub(crate) pass_key: String,
}

pub(crate) async fn show(
    looker: Looker,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let found = explore::find(visit, &query)?;
        let filtered = [&query.record, &query.person, &query.event, &query.at]
            .iter()
            .any(|it| it.as_deref().is_some_and(|text| !text.is_empty()));
        let head = head(visit);
        Ok(AuditPage {
            witnesses: witnesses::witnesses(visit, head.size),
            shell: visit.shell(Section::Audit, w::t("audit.audit")),
            lines: found.lines,
            next: found.next,
            looked: found.looked,
            problem: found.problem,
            head,
            filtered,
            query,
        })
    })
    .await
}

fn head(visit: &crate::web::visit::Visit) -> Head {
    let (readers, keys) = (visit.readers(), visit.app.engine.keys());
    let head = readers.head();
    Head {
        origin: keys.origin.clone(),
        size: head.size,
        root: head.root.to_base64(),
        last: (head.size > 0).then(|| visit.when(time(head.last_time_us))),
        checkpoint: readers.checkpoint_note().to_string(),
        log_key: keys.log_key.clone(),
        pass_key: keys.pass_key.clone(),
    }
}
