//! What a page says when it cannot be shown: in words, with what to do next.

use std::sync::LazyLock;

use askama::Template;
use axum::response::Response;
use http::{Method, StatusCode, Uri};

use super::page::{Looker, address, html, see, write};
use super::routes::routes;
use super::shell::{Section, Shell};
use super::visit::Visit;
use super::{Markup, assets, marks, w};
use crate::app::App;
use crate::problem::Problem;
use crate::route::Facts;

#[derive(Template)]
#[template(path = "pages/fault.html")]
struct FaultPage {
    shell: Shell,
    status: u16,
    title: String,
    detail: Option<Markup>,
    help: String,
    code: String,
}

/// Turns the problem that an answer carries into a page, where it carries one. Who is not known is sent to
/// the page where they can make themselves known.
pub(crate) async fn dressed(
    app: &App,
    looker: Option<Looker>,
    asked: (&Method, &Uri),
    mut response: Response,
) -> Response {
    let (method, uri) = asked;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    // Whoever comes back from a provider is told why they are not let in, and not sent in a circle.
    if problem.status == StatusCode::UNAUTHORIZED && !uri.path().starts_with("/auth/") {
        // There is nothing to look at where a form is sent to.
        let from = before(uri.path());
        let here = || uri.path_and_query().map_or("/", |path| path.as_str());
        let back = if method == Method::GET { here() } else { from.as_str() };
        let to = ("to", if back == "/" { "" } else { back });
        let lost = ("lost", if method == Method::GET { "" } else { "1" });
        return see(&address("/login", &[to, lost]));
    }
    if problem.status.is_server_error() {
        tracing::error!(code = %problem.code, cause = problem.log.as_deref(), "a page failed");
    }
    if problem.code == "step_up_needed" {
        return see(&address("/confirm", &[("to", &before(uri.path()))]));
    }
    let status = problem.status;
    let text = app.blocking(move || write(&fault(looker, &problem))).await;
    let text = text.unwrap_or_else(|_| w::t("fault.bare").to_owned());
    html(status, text)
}

/// Title and help for people, where those of the API speak of tokens, paths and schemas.
fn words(problem: &Problem) -> (String, String) {
    let (title, help) = match problem.code.as_ref() {
        "permission_missing" | "scope_too_narrow" => {
            (w::t("fault.this_is_not_yours_to_see"), w::t("fault.your_roles_say_what_you_may"))
        }
        "no_such_record" | "not_found" => {
            (w::t("fault.there_is_nothing_here"), w::t("fault.check_the_number_or_search"))
        }
        "body_invalid" | "query_invalid" | "cursor_invalid" => {
            (w::t("fault.this_cannot_be_read"), w::t("fault.go_back_and_look_at_it"))
        }
        "method_not_allowed" => {
            (w::t("fault.there_is_nothing_here"), w::t("fault.this_address_takes_a_form"))
        }
        "csrf_refused" => {
            (w::t("fault.this_form_is_no_longer_good"), w::t("fault.open_the_page_anew"))
        }
        _ => return (problem.title.to_string(), problem.help.to_string()),
    };
    (title.to_owned(), help.to_owned())
}

fn fault(looker: Option<Looker>, problem: &Problem) -> FaultPage {
    let (title, help) = words(problem);
    let shell = match looker {
        Some(looker) => Visit::new(looker).shell(Section::Elsewhere, title.clone()),
        None => bare(title.clone()),
    };
    FaultPage {
        shell,
        status: problem.status.as_u16(),
        title,
        detail: (!problem.detail.is_empty()).then(|| marks::prose(&problem.detail)),
        help,
        code: problem.code.to_string(),
    }
}

/// What is said of a form that was refused, and what helps.
pub(crate) fn about_a_form(problem: &Problem) -> (String, String) {
    let message = match problem.code.as_ref() {
        "step_up_needed" => w::t("fault.prove_who_you_are").to_owned(),
        "code_needed" => w::t("login.enter_the_code_of_your").to_owned(),
        "login_refused" => w::t("login.name_or_password_is_not").to_owned(),
        "login_throttled" => w::t("login.too_many_attempts_wait_a").to_owned(),
        code @ ("own_change" | "not_eligible" | "revision_outdated") => w::named("refused", code),
        // The help speaks of the schema of the API, which nobody has before them here.
        "body_invalid" => problem.detail.clone(),
        _ => return (bare_end(&problem.detail), bare_end(&problem.help)),
    };
    (bare_end(&message), String::new())
}

/// Without its full stop: the page puts one where another sentence follows.
fn bare_end(text: &str) -> String {
    text.trim_end().trim_end_matches('.').to_owned()
}

/// The page from which a form came.
fn before(path: &str) -> String {
    if path.starts_with("/exceptions") || path.starts_with("/stops") {
        return "/calendar".to_owned();
    }
    // What only takes a form is not to be looked at, also where the address of a page could be read so.
    let (before, _) = path.rsplit_once('/').unwrap_or_default();
    let mut rest = if takes_a_form(path) { before } else { path };
    while !rest.is_empty() {
        if is_page(rest) {
            return rest.to_owned();
        }
        rest = rest.rsplit_once('/').map_or("", |(before, _)| before);
    }
    "/".to_owned()
}

/// The paths that are to be looked at, and those that take a form and nothing else.
static PATHS: LazyLock<(Vec<&str>, Vec<&str>)> = LazyLock::new(|| {
    let routes = || routes().into_iter().map(|route| route.facts);
    let is_page = |facts: &Facts| facts.method == Method::GET;
    let pages: Vec<&str> = routes().filter(is_page).map(|facts| facts.path).collect();
    let others = routes().filter(|facts| !is_page(facts)).map(|facts| facts.path);
    let forms = others.filter(|path| !pages.contains(path) && !path.ends_with('}')).collect();
    (pages, forms)
});

/// Whether there is something to look at.
fn is_page(path: &str) -> bool {
    PATHS.0.iter().any(|page| fits(page, path))
}

/// Whether the last part of a path is the name of something that is done.
fn takes_a_form(path: &str) -> bool {
    PATHS.1.iter().any(|form| fits(form, path))
}

/// Whether a path is one of those that a route's path names.
fn fits(route: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for wanted in route.split('/') {
        if wanted.starts_with("{*") {
            return parts.next().is_some_and(|part| !part.is_empty());
        }
        let Some(part) = parts.next() else { return false };
        let fits = if wanted.starts_with('{') { !part.is_empty() } else { wanted == part };
        if !fits {
            return false;
        }
    }
    parts.next().is_none()
}

/// The shell for somebody who is not known.
pub(crate) fn bare(title: String) -> Shell {
    Shell {
        title,
        organisation: String::new(),
        nav: Vec::new(),
        commands: Vec::new(),
        me: None,
        as_of: 0,
        proven: false,
        stops: Vec::new(),
        emergencies: Vec::new(),
        notice: None,
        assets: assets::addresses(),
        csrf: String::new(),
        live: false,
        now: String::new(),
    }
}
