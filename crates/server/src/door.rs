//! The door: what happens to every request, whatever its route.
//!
//! It gives the request its id, refuses odd paths and too many headers, opens the span, catches
//! panics, writes problems out, sets the security headers, counts and logs. A failure is logged
//! here, once; bodies, secrets and queries never are.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use tracing::Instrument;

use crate::app::App;
use crate::problem::Problem;
use crate::{path, scim, status};

/// The id of a request: that of the caller, where it is fit for a log, or one of ours.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Headers of one request, and bytes of their names and values.
const HEADERS: usize = 100;
const HEADER_BYTES: usize = 16 * 1024;

pub(crate) async fn door(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str());
    let route = route.to_owned();
    let span = tracing::info_span!("request", %method, route, request_id = %id.0);
    request.extensions_mut().insert(id.clone());
    let is_scim = request.uri().path().starts_with("/scim/");
    let answered = answer(request, next).instrument(span.clone()).await;
    let _entered = span.enter();
    let mut response = written(answered, &id.0, is_scim);
    dress(&mut response, &id.0);
    let elapsed = started.elapsed();
    app.metrics.request(method.as_str(), &route, response.status(), elapsed);
    tracing::debug!(
        status = response.status().as_u16(),
        elapsed_ms = milliseconds(elapsed),
        "answered"
    );
    response
}

async fn answer(request: Request, next: Next) -> Result<Response, Problem> {
    path::check(request.uri())?;
    headers_within(request.headers())?;
    shielded(next.run(request)).await
}

/// Keeps a panic within its request.
async fn shielded(answer: impl Future<Output = Response>) -> Result<Response, Problem> {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(response) => Ok(response),
        Err(_) => Err(Problem::of(&status::INTERNAL, "").logged("a handler panicked")),
    }
}

fn headers_within(headers: &HeaderMap) -> Result<(), Problem> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > HEADERS || bytes > HEADER_BYTES {
        return Err(Problem::of(&status::HEADERS_TOO_LARGE, ""));
    }
    Ok(())
}

/// Writes out the problem that an answer carries, and logs it where it is a failure of ours.
fn written(answered: Result<Response, Problem>, id: &str, is_scim: bool) -> Response {
    let problem = match answered {
        Err(problem) => problem,
        Ok(mut response) => match response.extensions_mut().remove::<Problem>() {
            Some(mut problem) => {
                let allow = || response.headers().get(http::header::ALLOW).cloned();
                problem.allow = problem.allow.take().or_else(allow);
                problem
            }
            None if is_bare(&response) => {
                let mut problem = status::of_bare(response.status());
                problem.allow = response.headers().get(http::header::ALLOW).cloned();
                problem
            }
            None => return response,
        },
    };
    let cause = problem.log.as_deref().unwrap_or(&problem.detail);
    if problem.code == status::OVERLOADED.code {
        // It happens a thousand times a second or not at all, and is counted.
        tracing::debug!("there was no room for a request");
    } else if problem.status.is_server_error() {
        tracing::error!(code = %problem.code, cause, "a request failed");
    } else {
        tracing::info!(code = %problem.code, status = problem.status.as_u16(), "a request was refused");
    }
    if is_scim { scim::rendered(&problem, id) } else { problem.render(id) }
}

/// Whether an answer is an error that a layer below us made, in words of its own.
fn is_bare(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    failed && response.extensions().get::<Whole>().is_none()
}

/// Marks an answer with an error status whose body is to stay as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole;

fn dress(response: &mut Response, id: &str) {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
        img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
        base-uri 'none'; frame-ancestors 'none'; object-src 'none'; \
        require-trusted-types-for 'script'; report-to csp";
    const ALWAYS: [(&str, &str); 9] = [
        ("content-security-policy", POLICY),
        ("reporting-endpoints", "csp=\"/reports/csp\""),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", ""),
        ("x-frame-options", "DENY"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// An answer to a request that goes no further than the doorstep.
pub(crate) fn refused(problem: &Problem, headers: &HeaderMap) -> Response {
    let RequestId(id) = request_id(headers);
    let mut response = problem.render(&id);
    dress(&mut response, &id);
    response
}

fn request_id(headers: &HeaderMap) -> RequestId {
    let fit = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(fit);
    RequestId(given.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned))
}

fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_of_its_request() {
        let answered = shielded(async { panic!("a handler that panics") }).await;
        let problem = answered.expect_err("a problem");
        assert_eq!((problem.status.as_u16(), problem.code.as_ref()), (500, "internal_error"));
        assert!(problem.detail.is_empty());
    }
}
