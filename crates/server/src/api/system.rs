//! Keys, health, readiness, metrics, and the API's description of itself.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use sluice_core::link::expiring;

use super::Reply;
use crate::app::App;
use crate::door::Whole;
use crate::metrics::Held;
use crate::problem::Problem;

#[derive(Serialize)]
struct KeysReply<'a> {
    origin: &'a str,
    audience: String,
    log_key: &'a str,
    pass_key: Jwk<'a>,
}

/// An Ed25519 public key as JWK (RFC 8037).
#[derive(Serialize)]
struct Jwk<'a> {
    kty: &'a str,
    crv: &'a str,
    x: &'a str,
    kid: &'a str,
    alg: &'a str,
    #[serde(rename = "use")]
    for_what: &'a str,
}

fn pass_key(app: &App) -> Jwk<'_> {
    let keys = app.engine.keys();
    Jwk {
        kty: "OKP",
        crv: "Ed25519",
        x: &keys.pass_key,
        kid: &keys.pass_kid,
        alg: "EdDSA",
        for_what: "sig",
    }
}

pub(crate) async fn keys(State(app): State<App>) -> Response {
    let keys = app.engine.keys();
    Reply(KeysReply {
        origin: &keys.origin,
        audience: app.engine.audience(),
        log_key: &keys.log_key,
        pass_key: pass_key(&app),
    })
    .into_response()
}

#[derive(Serialize)]
struct JwkSet<'a> {
    keys: [Jwk<'a>; 1],
}

pub(crate) async fn jwks(State(app): State<App>) -> Response {
    let mut response = Reply(JwkSet { keys: [pass_key(&app)] }).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("public, max-age=300"));
    response
}

#[derive(Serialize)]
struct HealthReply {
    status: &'static str,
}

pub(crate) async fn health() -> impl IntoResponse {
    Reply(HealthReply { status: "ok" })
}

/// Ready as long as what is asked can be recorded. Why not is in the log and in problems, not here.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let status = match (app.engine.halted(), *app.closing.borrow()) {
        (Some(_), _) => "safe_halt",
        (None, true) => "shutting_down",
        (None, false) => return Reply(HealthReply { status: "ok" }).into_response(),
    };
    let mut response = Reply(HealthReply { status }).into_response();
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.extensions_mut().insert(Whole);
    response
}

pub(crate) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let (size, backlog) =
        app.read(|readers| Ok((readers.head().size, readers.inbox_backlog()?))).await?;
    let (standing, now) = (app.engine.standing(), app.engine.now());
    let expiries = standing.organisation.links.values().flat_map(|link| {
        expiring(link, now).map(|one| {
            let (link, credential) = (link.name.to_string(), one.credential);
            (Held { link, credential }, one.at.as_second())
        })
    });
    let witnesses = app.engine.witnessing().map(|card| card.witnesses).unwrap_or_default();
    let text = app.metrics.render(size, backlog, expiries, &witnesses);
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, media_type)], text))
}

pub(crate) async fn openapi(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/vnd.oai.openapi+json;version=3.1")], app.openapi.clone())
}
