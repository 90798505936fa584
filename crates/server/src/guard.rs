//! The guard: who asks, whether they may, whether there is room, and for how long.
//!
//! It stands before every handler, because the router is built from the route table and from
//! nothing else. A handler learns who asks through [`By`], which only the guard can make.

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderMap, request};
use sluice_core::permission::Permission;
use sluice_engine::limits::Limits;
use sluice_engine::{Caller, Client};

use crate::app::App;
use crate::overload::{FolderRoom, Place};
use crate::problem::Problem;
use crate::room::{self, Part, Whose};
use crate::route::{Access, Class, Facts};
use crate::session::{Csrf, Peer, address_of, check_own, check_token, needs_check, secret_of};
use crate::{body, conditions, hooks, names, status, web};

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES: usize = 512;
/// What a long poll may take beyond its own time.
const BEYOND_WAIT: Duration = Duration::from_secs(10);

/// Who asks. Made by the guard alone.
#[derive(Debug, Clone)]
pub(crate) struct By(pub(crate) Arc<Caller>);

impl<S: Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<By>().cloned().ok_or_else(|| {
            Problem::of(&status::TOKEN_MISSING, "").logged("a handler stands without its guard")
        })
    }
}

pub(crate) async fn guard(
    State((app, facts)): State<(App, Arc<Facts>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let dressed = facts.page || is_shown(&facts, request.headers());
    let asked = dressed.then(|| (request.method().clone(), request.uri().clone()));
    let admitted = admit(&app, &facts, &mut request).await;
    let looker = looker(&app, &request);
    let caller = request.extensions().get::<By>().map(|By(caller)| Arc::clone(caller));
    let response = match admitted {
        Err(problem) => problem.into_response(),
        Ok(admitted) => match tokio::time::timeout(admitted.time, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::of(&status::REQUEST_TIMEOUT, "").retry_after(1).into_response(),
        },
    };
    let response = names::named(&app, caller.as_deref(), response).await;
    match asked {
        Some((method, uri)) => web::faults::dressed(&app, looker, (&method, &uri), response).await,
        None => response,
    }
}

/// Whether somebody sees in a browser what becomes of their login by a provider.
fn is_shown(facts: &Facts, headers: &HeaderMap) -> bool {
    facts.path.starts_with("/auth/oidc/") && reads_pages(headers)
}

fn reads_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// An address that there is not.
pub(crate) async fn no_route(State(app): State<App>, request: Request) -> Response {
    astray(&app, request, Problem::of(&status::NOT_FOUND, "")).await
}

/// An address that there is, by a method that it does not take.
pub(crate) async fn no_method(State(app): State<App>, request: Request) -> Response {
    astray(&app, request, Problem::of(&status::METHOD_NOT_ALLOWED, "")).await
}

/// A page for people, where it is a browser that went astray among the pages.
async fn astray(app: &App, request: Request, problem: Problem) -> Response {
    let (asked, _) = request.into_parts();
    let path = asked.uri.path();
    let is_for_programs =
        ["/api/", "/scim/", "/log/", "/hooks/"].iter().any(|start| path.starts_with(start));
    let response = problem.into_response();
    if is_for_programs || !reads_pages(&asked.headers) {
        return response;
    }
    web::faults::dressed(app, None, (&asked.method, &asked.uri), response).await
}

/// Who looks at a page, for what is said when it cannot be shown.
fn looker(app: &App, request: &Request) -> Option<web::Looker> {
    let By(caller) = request.extensions().get::<By>()?.clone();
    let csrf = request.extensions().get::<Csrf>().cloned().unwrap_or_default().0;
    let live = request.method() == http::Method::GET;
    Some(web::Looker { app: app.clone(), caller, csrf, live })
}

/// A request that was let in: how long it may take, and what it holds until it is answered.
struct Admitted {
    time: Duration,
    _place: Place,
    _received: Received,
}

/// The room that a body takes in memory until it is answered.
struct Received {
    _part: Option<Part>,
    _folder: Option<FolderRoom>,
}

/// Lets a request in: who asks is found out first, what they send is read then as far as there is room for it, and only
/// who has sent all of it gets a place.
async fn admit(app: &App, facts: &Facts, request: &mut Request) -> Result<Admitted, Problem> {
    app.overload.glance(facts.class)?;
    let who = authenticate(app, facts, request)?;
    if let Some(Who { caller, csrf }) = who {
        if let Some(csrf) = csrf {
            if needs_check(request.method()) {
                check_own(&app.options, request.headers(), true)?;
            }
            request.extensions_mut().insert(Csrf(csrf));
        }
        let caller = Arc::new(caller);
        request.extensions_mut().insert(By(Arc::clone(&caller)));
        if !is_open(app, facts.access) {
            authorize(facts.access, &caller)?;
        }
    } else if needs_check(request.method()) && facts.class != Class::Deliver {
        // Nobody is made to come in as somebody else by another site.
        check_own(&app.options, request.headers(), false)?;
    }
    let received = receive(app, facts, request).await?;
    // Whoever comes in has the form of somebody who is not in yet.
    let is_open = matches!(facts.access, Access::Public(_));
    let by_cookie = request.extensions().get::<Csrf>().is_some();
    if by_cookie && !is_open && needs_check(request.method()) {
        let person = request.extensions().get::<By>().and_then(|By(caller)| caller.person.clone());
        let good = person.as_ref().map(|person| app.engine.csrf_tokens(person));
        check_token(request, &good.unwrap_or_default()).await?;
    }
    let wait = match facts.class {
        Class::Gate => conditions::wait(request.uri(), request.headers())?,
        _ => None,
    };
    let place = match wait {
        Some(_) => app.overload.enter_waiting().await?,
        None => app.overload.enter(facts.class).await?,
    };
    // An event stream keeps it for as long as it flows. That the request has it is not enough: a handler has taken the
    // request apart before it begins to work.
    request.extensions_mut().insert(place.clone());
    let time = wait.map_or(app.options.request_timeout, |wait| wait + BEYOND_WAIT);
    Ok(Admitted { time, _place: place, _received: received })
}

/// Reads what is sent. Nobody holds a place while they send: it is for those who are at work.
async fn receive(app: &App, facts: &Facts, request: &mut Request) -> Result<Received, Problem> {
    let folder = facts.takes_folder.then(|| app.overload.receive_folder()).transpose()?;
    let is_read = needs_check(request.method()) || !matches!(facts.class, Class::Light);
    if !is_read || request.body().is_end_stream() {
        return Ok(Received { _part: None, _folder: folder });
    }
    let limit = largest(app, facts);
    let declared = body::declared_length(request.headers().get(CONTENT_LENGTH)).unwrap_or(limit);
    // Who delivers cannot be told before all of it is there: there is room for all of it from the beginning.
    let first = if facts.class == Class::Deliver { declared.min(limit) } else { 0 };
    let room = app.rooms.of(facts);
    let part =
        room.map(|room| room.take(sender(app, facts, request), first).ok_or_else(room::none));
    let mut part = part.transpose()?;
    let read = body::read_ahead(request, limit, part.as_mut());
    let is_open = matches!(facts.access, Access::Public(_)) && facts.class != Class::Deliver;
    let most = app.options.request_timeout;
    let time = if is_open { most.min(room::OPEN_TIME) } else { most };
    match tokio::time::timeout(time, read).await {
        Ok(read) => read?,
        Err(_) => return Err(Problem::of(&status::REQUEST_TIMEOUT, "").retry_after(1)),
    }
    Ok(Received { _part: part, _folder: folder })
}

/// The largest body that a route takes.
fn largest(app: &App, facts: &Facts) -> usize {
    let of_its_kind = match (facts.class, facts.access) {
        _ if facts.takes_folder => body::LARGEST,
        (Class::Deliver, _) => hooks::largest(&app.options),
        (_, Access::Public(_)) => room::OPEN_BODY,
        _ => Limits::API.size_bytes,
    };
    facts.at_most.unwrap_or(of_its_kind)
}

/// Whose room a body takes: that of the token it comes by or, where anybody may send, that of the address.
fn sender(app: &App, facts: &Facts, request: &Request) -> Whose {
    let caller = request.extensions().get::<By>().filter(|_| !is_open(app, facts.access));
    match caller {
        Some(By(caller)) => Whose::Token(caller.token.clone()),
        None => {
            let peer = request.extensions().get::<Peer>().copied();
            Whose::Address(address_of(&app.options, request.headers(), peer))
        }
    }
}

/// Whether anybody may come.
fn is_open(app: &App, access: Access) -> bool {
    match access {
        Access::Public(_) => true,
        Access::Metrics => app.options.public_metrics,
        Access::Log => app.options.public_log,
        Access::Needs(_) | Access::AnyToken => false,
    }
}

/// Who asks, and the token of the session where they come by a cookie.
struct Who {
    caller: Caller,
    csrf: Option<String>,
}

/// Finds out who asks. A bearer token goes before a cookie. Where anybody may come, whoever has a good session is known
/// all the same, and whoever has a bad one is nobody.
fn authenticate(app: &App, facts: &Facts, request: &Request) -> Result<Option<Who>, Problem> {
    let open = is_open(app, facts.access);
    let headers = request.headers();
    if open && facts.class == Class::Deliver {
        // Who delivers is told by what they deliver; a browser sends its cookie along with its own reports.
        return Ok(None);
    }
    let cookie = secret_of(&app.options, headers).filter(|_| !headers.contains_key(AUTHORIZATION));
    if let Some(secret) = cookie {
        return match app.engine.authenticate_session(secret, Client::Browser) {
            Some(caller) => Ok(Some(Who { caller, csrf: Some(app.engine.csrf_token(secret)) })),
            None if open => Ok(None),
            None => Err(Problem::of(&status::SESSION_REFUSED, "")),
        };
    }
    if open {
        return Ok(None);
    }
    let caller = app.engine.authenticate(bearer(headers)?);
    let caller = caller.ok_or_else(|| Problem::of(&status::TOKEN_REFUSED, ""))?;
    Ok(Some(Who { caller, csrf: None }))
}

fn authorize(access: Access, caller: &Caller) -> Result<(), Problem> {
    let permission = match access {
        Access::Needs(permission) => permission,
        Access::Log => Permission::LedgerRead,
        Access::Public(_) | Access::AnyToken | Access::Metrics => return Ok(()),
    };
    if caller.session.as_ref().is_some_and(|session| session.is_half) {
        let detail =
            "the organisation asks for a second factor, and this login was by a password alone";
        return Err(Problem::of(&status::SECOND_FACTOR_REQUIRED, detail));
    }
    if !caller.may(permission) {
        let detail = format!("`{permission}` is needed: {}", permission.about());
        return Err(Problem::of(&status::PERMISSION_MISSING, detail));
    }
    if permission.is_of_the_whole() && !caller.everywhere(permission) {
        let detail = format!("it holds for {}", caller.told_scope(permission));
        return Err(Problem::of(&status::SCOPE_TOO_NARROW, detail));
    }
    Ok(())
}

/// The bearer token (RFC 6750, 2.1). Two `Authorization` headers are none.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::of(&status::TOKEN_MISSING, "");
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(missing()) };
    let text = value.to_str().map_err(|_| missing())?;
    let (scheme, secret) = text.split_once(' ').ok_or_else(missing)?;
    let secret = secret.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || secret.is_empty() {
        return Err(missing());
    }
    if secret.len() > TOKEN_BYTES {
        return Err(Problem::of(&status::TOKEN_REFUSED, ""));
    }
    Ok(secret)
}
