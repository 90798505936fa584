//! Sessions: people come in, prove again who they are, and leave.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::SET_COOKIE;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::access::Session;
use sluice_core::ids::{PersonId, TokenId};
use sluice_core::permission::Permission;
use sluice_engine::{Caller, Client, Grant, LoginAttempt, OpenedSession, Proof};

use super::identity::{PersonReply, card_of};
use super::stops::Done;
use super::{Reply, no_such};
use crate::app::App;
use crate::body::{Json, text_within};
use crate::guard::By;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::id;
use crate::session::{self, Csrf, From};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    handle: String,
    password: String,
    code: Option<String>,
    /// `browser`: the secret comes as a cookie; `cli`: it comes in the answer.
    client: Client,
    permissions: Option<BTreeSet<Permission>>,
}

/// A session that was opened or renewed.
#[derive(Serialize)]
pub(crate) struct OpenedReply {
    session: TokenId,
    person: PersonId,
    auth_time: Timestamp,
    expires_at: Timestamp,
    /// The bearer token of the command line; a browser has it in its cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// What a page sends along with what it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    second_factor_required: bool,
    as_of: u64,
}

pub(crate) async fn login(
    State(app): State<App>,
    From(address): From,
    headers: HeaderMap,
    body: Json<LoginRequest>,
) -> Result<Response, Problem> {
    let given = body.value;
    text_within("handle", &given.handle, 64)?;
    let attempt = LoginAttempt {
        handle: given.handle,
        proof: Proof { password: given.password, code: given.code, address },
        client: given.client,
        narrowed_to: given.permissions,
    };
    let answer = app.engine.login(attempt).await?;
    Ok(opened(&app, &headers, answer.value, answer.as_of))
}

/// The answer with the secret: in a cookie for a browser, in the body for the command line.
pub(crate) fn opened(
    app: &App,
    headers: &HeaderMap,
    session: OpenedSession,
    as_of: u64,
) -> Response {
    let cookie = match session.client {
        Client::Browser => session::set(&app.options, headers, &session),
        Client::Cli => None,
    };
    let is_browser = session.client == Client::Browser;
    let reply = OpenedReply {
        second_factor_required: app.engine.lacks_factor(&session.id),
        session: session.id,
        person: session.person,
        auth_time: session.auth_time,
        expires_at: session.expires_at,
        token: (!is_browser).then_some(session.secret),
        csrf_token: is_browser.then_some(session.csrf),
        as_of,
    };
    let mut response = Reply(reply).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofRequest {
    pub(crate) password: String,
    pub(crate) code: Option<String>,
}

pub(crate) async fn step_up(
    State(app): State<App>,
    By(caller): By,
    From(address): From,
    headers: HeaderMap,
    body: Json<ProofRequest>,
) -> Result<Response, Problem> {
    let proof = Proof { password: body.value.password, code: body.value.code, address };
    let answer = app.engine.step_up(&caller, proof).await?;
    Ok(opened(&app, &headers, answer.value, answer.as_of))
}

pub(crate) async fn logout(
    State(app): State<App>,
    By(caller): By,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let answer = app.engine.end_session(&caller, &caller.token, "logout").await?;
    let mut response = Reply(Done { receipt: answer.receipt, as_of: answer.as_of }).into_response();
    if let Some(cookie) = session::clear(&app.options, &headers) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Serialize)]
struct SessionReply {
    session: TokenId,
    person: PersonReply,
    client: Client,
    auth_time: Timestamp,
    methods: BTreeSet<String>,
    expires_at: Timestamp,
    grants: Vec<Grant>,
    /// What a page sends along with what it changes; only where the session came by a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
}

pub(crate) async fn show(
    State(app): State<App>,
    By(caller): By,
    Csrf(csrf): Csrf,
) -> Result<impl IntoResponse, Problem> {
    let (Some(person), Some(session)) = (&caller.person, &caller.session) else {
        return Err(no_such("session: this is a token; see `/api/v1/whoami`"));
    };
    Ok(Reply(SessionReply {
        session: caller.token.clone(),
        person: card_of(&app, person),
        client: session.client,
        auth_time: session.auth_time,
        methods: session.methods.clone(),
        expires_at: session.expires_at,
        grants: caller.grants.clone(),
        csrf_token: (!csrf.is_empty()).then_some(csrf),
    }))
}

#[derive(Serialize)]
struct SessionItem {
    session: TokenId,
    person: PersonId,
    client: String,
    methods: BTreeSet<String>,
    opened_at: Timestamp,
    auth_time: Timestamp,
    expires_at: Timestamp,
    own: bool,
}

/// One's own sessions; those of everybody for whoever manages accounts.
pub(crate) async fn list(State(app): State<App>, By(caller): By) -> impl IntoResponse {
    let (standing, now) = (app.engine.standing(), app.engine.now());
    let visible = |session: &Session| {
        let own = caller.person.as_ref() == Some(&session.opened.person);
        (own || caller.everywhere(Permission::AccountManage)) && session.opened.expires_at > now
    };
    let items: Vec<SessionItem> = standing
        .access
        .sessions
        .values()
        .filter(|session| visible(session))
        .take(1_000)
        .map(|session| item(&caller, session))
        .collect();
    Reply(Listed { items, next: None, as_of: standing.size })
}

fn item(caller: &Caller, session: &Session) -> SessionItem {
    let opened = &session.opened;
    SessionItem {
        session: opened.session.clone(),
        person: opened.person.clone(),
        client: opened.client.clone(),
        methods: opened.methods.clone(),
        opened_at: session.since,
        auth_time: opened.auth_time,
        expires_at: opened.expires_at,
        own: caller.token == opened.session,
    }
}

pub(crate) async fn end(
    State(app): State<App>,
    By(caller): By,
    Path(session): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let session: TokenId = id(&session)?;
    let answer = app.engine.end_session(&caller, &session, "revoked").await?;
    Ok(Reply(Done { receipt: answer.receipt, as_of: answer.as_of }))
}

#[derive(Serialize)]
struct DeviceReply {
    device_code: String,
    user_code: String,
    /// The page where the person confirms it, below the server's address.
    verification_uri: &'static str,
    expires_in: u64,
    interval: u64,
}

pub(crate) async fn device(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let start = app.engine.start_device()?;
    Ok(Reply(DeviceReply {
        device_code: start.device_code,
        user_code: start.user_code,
        verification_uri: "/device",
        expires_in: start.expires_in,
        interval: start.interval,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceConfirmRequest {
    user_code: String,
    agreed: bool,
}

pub(crate) async fn confirm_device(
    State(app): State<App>,
    By(caller): By,
    body: Json<DeviceConfirmRequest>,
) -> Result<impl IntoResponse, Problem> {
    text_within("user_code", &body.value.user_code, 32)?;
    app.engine.confirm_device(&caller, &body.value.user_code, body.value.agreed)?;
    Ok(Reply(Done { receipt: None, as_of: app.engine.standing().size }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceTokenRequest {
    device_code: String,
}

pub(crate) async fn device_token(
    State(app): State<App>,
    headers: HeaderMap,
    body: Json<DeviceTokenRequest>,
) -> Result<Response, Problem> {
    text_within("device_code", &body.value.device_code, 128)?;
    let answer = app.engine.device_session(&body.value.device_code).await?;
    Ok(opened(&app, &headers, answer.value, answer.as_of))
}
