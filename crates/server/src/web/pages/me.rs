//! Who one is here: the session, teams, and what one may where.

use askama::Template;
use axum::response::Response;
use sluice_core::scope::Scope;

use crate::problem::Problem;
use crate::web::page::{Looker, page};
use crate::web::roles::{RoleHeld, roles_of};
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::{Markup, w};

#[derive(Template)]
#[template(path = "pages/me.html")]
struct MePage {
    shell: Shell,
    name: Markup,
    handle: String,
    is_session: bool,
    proven: Option<Markup>,
    ends: Option<Markup>,
    teams: Vec<String>,
    roles: Vec<RoleHeld>,
    rights: Vec<Right>,
}

/// One permission, and where it holds.
struct Right {
    name: &'static str,
    about: &'static str,
    scope: String,
}

pub(crate) async fn show(looker: Looker) -> Result<Response, Problem> {
    page(looker, |visit| Ok(build(visit))).await
}

fn build(visit: &Visit) -> MePage {
    let caller = &visit.caller;
    let person = caller.person.as_ref();
    let card = person.and_then(|person| visit.card(person));
    let opened = visit.standing.access.sessions.get(&caller.token);
    let groups = opened.and_then(|session| session.opened.groups.clone());
    let session = caller.session.as_ref();
    let shell = visit.shell(Section::Elsewhere, w::t("me.you"));
    MePage {
        name: visit.me(),
        handle: card.map(|card| card.handle).unwrap_or_default(),
        is_session: session.is_some(),
        proven: session.map(|session| visit.when(session.auth_time)),
        ends: session.map(|session| visit.when(session.expires_at)),
        teams: visit.my_teams().into_iter().collect(),
        roles: person.map(|it| roles_of(visit, it, groups.as_ref())).unwrap_or_default(),
        rights: caller
            .permissions()
            .into_iter()
            .map(|permission| Right {
                name: permission.as_str(),
                about: permission.about(),
                scope: if visit.everywhere(permission) {
                    Scope::default().to_string()
                } else {
                    caller.told_scope(permission)
                },
            })
            .collect(),
        shell,
    }
}
