//! Login by a provider of identities: where the person is sent, and where they come back.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HOST, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use serde::{Deserialize, Serialize};
use sluice_engine::{LoginProvider, LoginReturn};

use crate::api::Reply;
use crate::app::App;
use crate::paging::Listed;
use crate::problem::Problem;
use crate::query::Query;
use crate::session;
use crate::status;

const CALLBACK: &str = "/auth/oidc/callback";

#[derive(Serialize)]
struct ProviderReply {
    name: String,
    title: String,
    start: String,
}

/// The providers that people can come in by.
pub(crate) async fn providers(State(app): State<App>) -> impl IntoResponse {
    let providers = app.options.providers.iter().map(|provider| ProviderReply {
        name: provider.name.clone(),
        title: provider.title.clone(),
        start: format!("/auth/oidc/start?provider={}", provider.name),
    });
    let (items, as_of) = (providers.collect(), app.engine.standing().size);
    Reply(Listed { items, next: None, as_of })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartQuery {
    provider: String,
    then: Option<String>,
    fresh: Option<bool>,
}

/// Sends the person to their provider.
pub(crate) async fn start(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<StartQuery>,
) -> Result<Response, Problem> {
    let provider = provider(&app, &query.provider)?;
    let then = query.then.unwrap_or_else(|| "/".to_owned());
    if !is_page_of_ours(&then) {
        let detail = "`then` is a page of this server, such as `/changes`";
        return Err(Problem::of(&status::QUERY_INVALID, detail));
    }
    let redirect_uri = format!("{}{CALLBACK}", base(&app, &headers)?);
    let fresh = query.fresh.unwrap_or_default();
    let started = app.engine.start_login(provider, &redirect_uri, fresh).await?;
    let key = app.engine.chance();
    let cookie = session::set_login(&app.options, &headers, &key);
    let response = sent_to(&started.url, cookie);
    app.logins.keep(key, started, then);
    Ok(response)
}

#[derive(Deserialize)]
pub(crate) struct ReturnQuery {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Takes the person back, and opens their session.
pub(crate) async fn callback(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<ReturnQuery>,
) -> Result<Response, Problem> {
    let begun = session::login_of(&app.options, &headers)
        .and_then(|key| app.logins.take(key, app.engine.now()));
    let (started, then) = begun.ok_or_else(|| {
        let detail = "no login was begun in this browser, or it took too long: begin again";
        Problem::of(&status::LOGIN_NOT_BEGUN, detail)
    })?;
    let provider = provider(&app, &started.provider)?;
    let ReturnQuery { code, state, iss, error } = query;
    let back = LoginReturn { code, state, iss, error };
    let opened = app.engine.finish_login(provider, started, back).await?;
    let mut response = sent_to(&then, session::set(&app.options, &headers, &opened.value));
    if let Some(over) = session::clear_login(&app.options, &headers) {
        response.headers_mut().append(SET_COOKIE, over);
    }
    Ok(response)
}

fn provider<'a>(app: &'a App, name: &str) -> Result<&'a LoginProvider, Problem> {
    let found = app.options.providers.iter().find(|provider| provider.name == name);
    found.ok_or_else(|| Problem::of(&status::NO_SUCH_RECORD, "there is no such provider"))
}

/// A path of this server: not another host, and nothing that a browser could take for one.
fn is_page_of_ours(then: &str) -> bool {
    then.len() <= 1024
        && then.starts_with('/')
        && !then.starts_with("//")
        && then.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// The address at which people reach this server.
fn base(app: &App, headers: &HeaderMap) -> Result<String, Problem> {
    if let Some(url) = &app.options.public_url {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    let host = host.filter(|_| session::is_loopback(headers)).ok_or_else(|| {
        let detail = "the server's own address is not configured: set `public_url`";
        Problem::of(&status::NOT_CONFIGURED, detail)
    })?;
    Ok(format!("http://{host}"))
}

fn sent_to(place: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(place) = HeaderValue::try_from(place) {
        headers.insert(LOCATION, place);
    }
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, cookie);
    }
    response
}
