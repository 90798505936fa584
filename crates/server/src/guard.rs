//! The guard: who asks, whether they may, whether there is room, and for how long.
//!
//! It stands before every handler, because the router is built from the route table and from
//! nothing else. A handler learns who asks through [`By`], which only the guard can make.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, request};
use sluice_core::permission::Permission;
use sluice_engine::Caller;

use crate::app::App;
use crate::conditions;
use crate::problem::Problem;
use crate::route::{Access, Class, Facts};
use crate::status;

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
    match admit(&app, &facts, &mut request).await {
        Err(problem) => problem.into_response(),
        Ok(time) => match tokio::time::timeout(time, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::of(&status::REQUEST_TIMEOUT, "").retry_after(1).into_response(),
        },
    }
}

/// Lets a request in, and says how long it may take.
async fn admit(app: &App, facts: &Facts, request: &mut Request) -> Result<Duration, Problem> {
    if let Some(caller) = authorize(app, facts.access, request.headers())? {
        request.extensions_mut().insert(By(Arc::new(caller)));
    }
    let wait = match facts.class {
        Class::Gate => conditions::wait(request.uri(), request.headers())?,
        _ => None,
    };
    let place = match wait {
        Some(_) => app.overload.enter_waiting().await?,
        None => app.overload.enter(facts.class).await?,
    };
    // It goes along with the request: an event stream keeps it for as long as it flows.
    request.extensions_mut().insert(place);
    Ok(wait.map_or(app.options.request_timeout, |wait| wait + BEYOND_WAIT))
}

fn authorize(app: &App, access: Access, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    let needed = match access {
        Access::Public(_) => return Ok(None),
        Access::Metrics if app.options.public_metrics => return Ok(None),
        Access::Log if app.options.public_log => return Ok(None),
        Access::Needs(permission) => Some(permission),
        Access::Log => Some(Permission::LedgerRead),
        Access::AnyToken | Access::Metrics => None,
    };
    let secret = bearer(headers)?;
    let caller =
        app.engine.authenticate(secret).ok_or_else(|| Problem::of(&status::TOKEN_REFUSED, ""))?;
    match needed {
        Some(permission) if !caller.may(permission) => {
            let detail = format!("`{permission}` is needed: {}", permission.about());
            Err(Problem::of(&status::PERMISSION_MISSING, detail))
        }
        Some(permission) if is_of_the_whole(permission) && !caller.scope.is_everything() => {
            Err(Problem::of(&status::SCOPE_TOO_NARROW, format!("its scope is {}", caller.scope)))
        }
        _ => Ok(Some(caller)),
    }
}

/// Whether a permission shows or alters what concerns every service at once. A token for some
/// services only must not see or do more by way of it.
fn is_of_the_whole(permission: Permission) -> bool {
    matches!(
        permission,
        Permission::OrganisationApply
            | Permission::LedgerRead
            | Permission::EventRead
            | Permission::InboxRead
            | Permission::TokenManage
    )
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
