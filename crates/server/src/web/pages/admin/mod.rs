//! Admin: links and deliveries, people and roles, tokens, who may what and why, and how the installation fares.

mod inbox;
mod outbox;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use sluice_core::ids::{EnvironmentName, ServiceName, TokenId};
use sluice_core::permission::Permission;
use sluice_engine::store::States;

pub(crate) use self::inbox::{delivery, inbox, replay_delivery};
pub(crate) use self::outbox::{outbox, pause, replay, resume};
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::{Query, id};
use crate::web::form::{Form, NoFields};
use crate::web::page::{Looker, page, see, some};
use crate::web::pages::changes::Choice;
use crate::web::roles::{RoleHeld, roles_of};
use crate::web::shell::{Section, Shell, notice};
use crate::web::visit::{Visit, read, time};
use crate::web::{Markup, marks, w};

/// The parts of this section that the caller may see.
struct Tab {
    address: &'static str,
    word: &'static str,
    here: bool,
}

fn tabs(visit: &Visit, here: &str) -> Vec<Tab> {
    let rows = [
        ("/admin", w::t("admin.overview"), Permission::OrganisationRead),
        ("/admin/inbox", w::t("admin.inbox"), Permission::InboxRead),
        ("/admin/outbox", w::t("admin.outbox"), Permission::InboxRead),
        ("/admin/people", w::t("admin.people_and_roles"), Permission::OrganisationRead),
        ("/admin/tokens", w::t("admin.tokens"), Permission::TokenManage),
        ("/admin/access", w::t("admin.who_may_what"), Permission::AccessExplain),
    ];
    rows.into_iter()
        .filter(|(_, _, permission)| visit.may(*permission))
        .map(|(address, word, _)| Tab { address, word, here: address == here })
        .collect()
}

#[derive(Template)]
#[template(path = "pages/admin.html")]
struct AdminPage {
    shell: Shell,
    tabs: Vec<Tab>,
    links: Vec<LinkLine>,
    states: States,
    counts: Vec<(String, usize)>,
    version: &'static str,
    origin: String,
    halted: Option<String>,
    entries: u64,
    last: Option<Markup>,
    tasks: Vec<TaskLine>,
}

/// One background task.
struct TaskLine {
    word: String,
    mark: Markup,
    good: Option<Markup>,
    failed: Option<(Markup, String)>,
}

/// One link.
struct LinkLine {
    name: String,
    connector: String,
    heard: Option<Markup>,
    hook: Option<String>,
}

/// The overview.
pub(crate) async fn show(looker: Looker) -> Result<Response, Problem> {
    page(looker, |visit| {
        let organisation = &visit.standing.organisation;
        let heard = read(visit.readers().last_heard())?;
        let sees_hooks = visit.may(Permission::OrganisationApply);
        let links = organisation.links.values().map(|link| LinkLine {
            name: link.name.to_string(),
            connector: link.connector.clone(),
            heard: heard
                .iter()
                .find(|(name, _)| name == link.name.as_str())
                .map(|(_, at)| visit.when_us(*at)),
            hook: sees_hooks.then(|| format!("/hooks/{}", visit.app.engine.hook_of(&link.name))),
        });
        let links = links.collect();
        let open = visit.standing.changes.values().filter(|change| !change.state.is_over());
        let head = visit.readers().head();
        Ok(AdminPage {
            tabs: tabs(visit, "/admin"),
            links,
            states: read(visit.readers().inbox_states())?,
            counts: vec![
                (w::t("admin.services").to_owned(), organisation.services.len()),
                (w::t("admin.environments").to_owned(), organisation.environments.len()),
                (w::t("admin.people").to_owned(), organisation.people.len()),
                (w::t("admin.teams").to_owned(), organisation.teams.len()),
                (w::t("admin.windows").to_owned(), organisation.windows.len()),
                (w::t("admin.approval_rules").to_owned(), organisation.approval_rules.len()),
                (w::t("admin.open_changes").to_owned(), open.count()),
                (w::t("admin.passes_that_are_good").to_owned(), visit.standing.passes.len()),
            ],
            version: env!("CARGO_PKG_VERSION"),
            origin: visit.app.engine.keys().origin.clone(),
            halted: visit.app.engine.halted(),
            entries: head.size,
            last: (head.size > 0).then(|| visit.when(time(head.last_time_us))),
            tasks: tasks(visit),
            shell: visit.shell(Section::Admin, w::t("admin.admin")),
        })
    })
    .await
}

fn tasks(visit: &Visit) -> Vec<TaskLine> {
    let health = visit.app.engine.task_health();
    let lines = health.into_iter().map(|(name, health)| {
        let failed = health.failed;
        let is_bad =
            failed.as_ref().is_some_and(|(at, _)| health.good_at.is_none_or(|good| good < *at));
        TaskLine {
            word: w::named("task", name),
            mark: match is_bad {
                true => marks::pill("no", "alert", w::t("admin.failing")),
                false => marks::pill("ok", "check", w::t("admin.going_round")),
            },
            good: health.good_at.map(|at| visit.when(at)),
            failed: failed.map(|(at, error)| (visit.when(at), error)),
        }
    });
    lines.collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeopleQuery {
    person: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/people.html")]
struct PeoplePage {
    shell: Shell,
    tabs: Vec<Tab>,
    q: String,
    people: Vec<PersonLine>,
    more: usize,
}

/// One person.
struct PersonLine {
    who: Markup,
    handle: String,
    teams: Vec<String>,
    roles: Vec<RoleHeld>,
    identities: usize,
    delegates: Vec<String>,
}

/// People, their teams and roles.
pub(crate) async fn people(
    looker: Looker,
    Query(query): Query<PeopleQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let q = some(query.person).unwrap_or_default();
        let organisation = &visit.standing.organisation;
        let wanted = q.to_lowercase();
        let mut found: Vec<PersonLine> = Vec::new();
        let mut more = 0;
        let named = if q.is_empty() {
            Vec::new()
        } else {
            read(visit.readers().persons_named(&wanted, 60))?
        };
        for person in organisation.people.values() {
            if !q.is_empty() && !named.iter().any(|(id, _, _)| id == person.id.as_str()) {
                continue;
            }
            if found.len() == 60 {
                more += 1;
                continue;
            }
            let card = visit.card(&person.id);
            let teams =
                organisation.teams.values().filter(|team| team.members.contains(&person.id));
            found.push(PersonLine {
                who: visit.who(&person.id),
                handle: card.map(|card| card.handle).unwrap_or_default(),
                teams: teams.map(|team| team.name.to_string()).collect(),
                roles: roles_of(visit, &person.id, None),
                identities: person.identities.len(),
                delegates: person.delegates.iter().map(|it| visit.name(it)).collect(),
            });
        }
        Ok(PeoplePage {
            shell: visit.shell(Section::Admin, w::t("admin.people_and_roles")),
            tabs: tabs(visit, "/admin/people"),
            q,
            people: found,
            more,
        })
    })
    .await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensQuery {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/tokens.html")]
struct TokensPage {
    shell: Shell,
    tabs: Vec<Tab>,
    tokens: Vec<TokenLine>,
    more: usize,
}

/// One token.
struct TokenLine {
    id: String,
    label: String,
    kind: Markup,
    permissions: Vec<String>,
    scope: String,
    expires: Markup,
}

/// Tokens that are good.
pub(crate) async fn tokens(
    looker: Looker,
    Query(query): Query<TokensQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let good = visit.standing.tokens.values().filter(|it| it.token.expires_at > visit.now);
        let all: Vec<_> = good.collect();
        let mut shell = visit.shell(Section::Admin, w::t("admin.tokens"));
        shell.notice = notice(query.done.as_deref());
        Ok(TokensPage {
            shell,
            tabs: tabs(visit, "/admin/tokens"),
            more: all.len().saturating_sub(100),
            tokens: all
                .into_iter()
                .take(100)
                .map(|it| TokenLine {
                    id: it.token.id.to_string(),
                    label: it.token.label.clone(),
                    kind: match &it.token.person {
                        Some(person) => visit.who(person),
                        None => marks::pill("calm", "key", w::t("admin.machine")),
                    },
                    permissions: it.permissions.iter().cloned().collect(),
                    scope: it.token.scope.to_string(),
                    expires: visit.when(it.token.expires_at),
                })
                .collect(),
        })
    })
    .await
}

/// Makes a token void.
pub(crate) async fn revoke(
    State(app): State<App>,
    By(caller): By,
    Path(token): Path<String>,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    let token: TokenId = id(&token)?;
    app.engine.revoke_token(&caller, &token).await?;
    Ok(see("/admin/tokens?done=token_revoked"))
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessQuery {
    person: Option<String>,
    permission: Option<String>,
    service: Option<String>,
    environment: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/access.html")]
struct AccessPage {
    shell: Shell,
    tabs: Vec<Tab>,
    query: AccessQuery,
    permissions: Vec<Choice>,
    environments: Vec<Choice>,
    explained: Option<Told>,
    problem: Option<&'static str>,
}

/// The answer, and what speaks for and against it.
struct Told {
    mark: Markup,
    because: Vec<Markup>,
    but: Vec<Markup>,
}

/// Whether somebody may do something, and why.
pub(crate) async fn access(
    looker: Looker,
    Query(query): Query<AccessQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let (explained, problem) = explain(visit, &query)?;
        let organisation = &visit.standing.organisation;
        Ok(AccessPage {
            shell: visit.shell(Section::Admin, w::t("admin.who_may_what")),
            tabs: tabs(visit, "/admin/access"),
            permissions: Permission::ALL
                .iter()
                .map(|it| Choice {
                    value: it.as_str().to_owned(),
                    word: it.as_str().to_owned(),
                    chosen: query.permission.as_deref() == Some(it.as_str()),
                })
                .collect(),
            environments: organisation
                .environments
                .keys()
                .map(|it| Choice {
                    value: it.to_string(),
                    word: it.to_string(),
                    chosen: query.environment.as_deref() == Some(it.as_str()),
                })
                .collect(),
            query,
            explained,
            problem,
        })
    })
    .await
}

fn explain(
    visit: &Visit,
    query: &AccessQuery,
) -> Result<(Option<Told>, Option<&'static str>), Problem> {
    let (Some(person), Some(permission)) =
        (some(query.person.clone()), query.permission.as_deref().and_then(Permission::parse))
    else {
        return Ok((None, None));
    };
    let Some(person) = visit.app.engine.person_by_handle(&person) else {
        return Ok((None, Some(w::t("admin.nobody_has_this_name_here"))));
    };
    let service = some(query.service.clone()).and_then(|it| ServiceName::parse(&it).ok());
    let environment =
        some(query.environment.clone()).and_then(|it| EnvironmentName::parse(&it).ok());
    let target = service
        .zip(environment)
        .map(|(service, environment)| visit.standing.organisation.target(&service, &environment));
    let object = target.map_or(sluice_engine::Object::Anything, sluice_engine::Object::Place);
    let explained = visit.app.engine.explain_access(&visit.caller, &person, permission, &object);
    let explained = explained.map_err(Problem::from)?;
    let lines = |lines: &[String]| lines.iter().map(|line| marks::prose(line)).collect();
    let mark = if explained.allowed {
        marks::pill("ok", "check", w::t("access.allowed"))
    } else {
        marks::pill("no", "ban", w::t("access.not_allowed"))
    };
    let told = Told { mark, because: lines(&explained.because), but: lines(&explained.but) };
    Ok((Some(told), None))
}
