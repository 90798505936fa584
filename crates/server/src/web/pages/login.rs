//! Coming in, proving again who one is, and leaving.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::Deserialize;
use sluice_engine::{Client, LoginAttempt, OpenedSession, Proof};

use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::Query;
use crate::session::{self, From};
use crate::web::faults::bare;
use crate::web::form::Form;
use crate::web::page::{Looker, html, page, see, within, write};
use crate::web::pages::proof::{Proving, providers};
use crate::web::shell::{Section, Shell};
use crate::web::visit::Visit;
use crate::web::w;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToQuery {
    to: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/login.html")]
struct LoginPage {
    shell: Shell,
    to: String,
    handle: String,
    fault: Option<String>,
    needs_code: bool,
    /// Whether somebody who is in proves again who they are.
    again: bool,
    /// Whether they can do so by a password.
    password: bool,
    /// Other doors: title and address.
    providers: Vec<(String, String)>,
}

/// Where somebody wanted to go, and whether they sent a form after their session had ended.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginQuery {
    to: Option<String>,
    lost: Option<String>,
}

/// The form for coming in.
pub(crate) async fn show(
    State(app): State<App>,
    Query(query): Query<LoginQuery>,
) -> Result<Response, Problem> {
    let to = within(query.to.as_deref());
    let lost = query.lost.map(|_| w::t("login.what_was_sent_is_not_recorded").to_owned());
    let page = form(&app, to, String::new(), lost, false);
    Ok(html(http::StatusCode::OK, write(&page)?))
}

fn form(
    app: &App,
    to: String,
    handle: String,
    fault: Option<String>,
    needs_code: bool,
) -> LoginPage {
    let providers = providers(app, &to, false);
    let shell = bare(w::t("login.log_in").to_owned());
    LoginPage { shell, to, handle, fault, needs_code, again: false, password: true, providers }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginForm {
    handle: String,
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    #[expect(dead_code, reason = "the form is the same for those who are in already")]
    csrf_token: String,
}

/// Lets somebody in, or says why not.
pub(crate) async fn enter(
    State(app): State<App>,
    From(address): From,
    headers: HeaderMap,
    Form(form_given): Form<LoginForm>,
) -> Result<Response, Problem> {
    let LoginForm { handle, password, code, to, .. } = form_given;
    let to = within(Some(&to));
    let needs_code = !code.is_empty();
    let attempt = LoginAttempt {
        handle: handle.chars().take(65).collect(),
        proof: proof(password, &code, address),
        client: Client::Browser,
        narrowed_to: None,
    };
    match app.engine.login(attempt).await {
        Ok(answer) => Ok(inside(&app, &headers, &answer.value, &to)),
        Err(error) => {
            let problem = Problem::from(error);
            if problem.status.is_server_error() {
                return Err(problem);
            }
            let asked = needs_code || problem.code == "code_needed";
            let page = form(&app, to, handle, Some(words(&problem)), asked);
            Ok(html(problem.status, write(&page)?))
        }
    }
}

fn proof(password: String, code: &str, address: Option<std::net::IpAddr>) -> Proof {
    let code = code.trim();
    Proof { password, code: (!code.is_empty()).then(|| code.to_owned()), address }
}

/// What went wrong, in words for people.
fn words(problem: &Problem) -> String {
    match problem.code.as_ref() {
        "code_needed" => w::t("login.enter_the_code_of_your").to_owned(),
        "login_refused" => w::t("login.name_or_password_is_not").to_owned(),
        "login_throttled" => w::t("login.too_many_attempts_wait_a").to_owned(),
        _ => problem.detail.clone(),
    }
}

/// The answer that leads on, with the cookie of a session.
pub(crate) fn inside(app: &App, headers: &HeaderMap, opened: &OpenedSession, to: &str) -> Response {
    renewed_in(app, headers, opened, see(to))
}

/// An answer with the cookie of a session.
pub(crate) fn renewed_in(
    app: &App,
    headers: &HeaderMap,
    opened: &OpenedSession,
    mut response: Response,
) -> Response {
    if let Some(cookie) = session::set(&app.options, headers, opened) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// The form for proving again who one is.
pub(crate) async fn confirm(
    looker: Looker,
    Query(query): Query<ToQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| Ok(again(visit, within(query.to.as_deref()), None, false))).await
}

fn again(visit: &Visit, to: String, fault: Option<String>, needs_code: bool) -> LoginPage {
    let Proving { password, elsewhere } = Proving::ways(visit, &to);
    let shell = visit.shell(Section::Elsewhere, w::t("login.confirm_that_it_is_you"));
    let (handle, providers) = (String::new(), elsewhere);
    LoginPage { shell, to, handle, fault, needs_code, again: true, password, providers }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmForm {
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// Renews the proof, or says why not.
pub(crate) async fn prove(
    looker: Looker,
    From(address): From,
    headers: HeaderMap,
    Form(form): Form<ConfirmForm>,
) -> Result<Response, Problem> {
    let to = within(Some(&form.to));
    let app = looker.app.clone();
    match step_up(&looker, form.password, &form.code, address).await {
        Ok(opened) => Ok(inside(&app, &headers, &opened, &to)),
        Err(problem) if problem.status.is_server_error() => Err(problem),
        Err(problem) => {
            let needs_code = problem.code == "code_needed" || !form.code.is_empty();
            let fault = Some(words(&problem));
            let again = move |visit: &Visit| Ok(again(visit, to, fault, needs_code));
            let mut answer = page(looker, again).await?;
            *answer.status_mut() = problem.status;
            answer.extensions_mut().insert(crate::door::Whole);
            Ok(answer)
        }
    }
}

/// Renews the proof of who somebody is.
pub(crate) async fn step_up(
    looker: &Looker,
    password: String,
    code: &str,
    address: Option<std::net::IpAddr>,
) -> Result<OpenedSession, Problem> {
    let proof = proof(password, code, address);
    Ok(looker.app.engine.step_up(&looker.caller, proof).await?.value)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaveForm {
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// Ends the session.
pub(crate) async fn leave(
    State(app): State<App>,
    By(caller): By,
    headers: HeaderMap,
    Form(_): Form<LeaveForm>,
) -> Result<Response, Problem> {
    app.engine.end_session(&caller, &caller.token, "logout").await?;
    let mut response = see("/login");
    if let Some(cookie) = session::clear(&app.options, &headers) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Template)]
#[template(path = "pages/enrol.html")]
struct EnrolPage {
    shell: Shell,
    handle: String,
    fault: Option<String>,
}

/// The form for a first password.
pub(crate) async fn enrol() -> Result<Response, Problem> {
    let shell = bare(w::t("login.your_first_password").to_owned());
    let page = EnrolPage { shell, handle: String::new(), fault: None };
    Ok(html(http::StatusCode::OK, write(&page)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolForm {
    handle: String,
    code: String,
    password: String,
    again: String,
}

/// Sets a first password by the code that an administrator gave.
pub(crate) async fn set_first(
    State(app): State<App>,
    From(address): From,
    Form(form): Form<EnrolForm>,
) -> Result<Response, Problem> {
    let EnrolForm { handle, code, password, again } = form;
    let problem = if password == again {
        match app.engine.enrol(&handle, &code, password, address).await {
            Ok(_) => return Ok(see("/login")),
            Err(error) => Problem::from(error),
        }
    } else {
        Problem::of(&crate::status::BODY_INVALID, w::t("login.the_two_passwords_are_not"))
    };
    if problem.status.is_server_error() {
        return Err(problem);
    }
    let shell = bare(w::t("login.your_first_password").to_owned());
    let page = EnrolPage { shell, handle, fault: Some(problem.detail.clone()) };
    Ok(html(problem.status, write(&page)?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceQuery {
    code: Option<String>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/device.html")]
struct DevicePage {
    shell: Shell,
    code: String,
    done: Option<&'static str>,
}

/// Where a person lets the command line on another machine come in as them.
pub(crate) async fn device(
    looker: Looker,
    Query(query): Query<DeviceQuery>,
) -> Result<Response, Problem> {
    page(looker, move |visit| {
        Ok(DevicePage {
            shell: visit.shell(Section::Elsewhere, w::t("login.let_a_command_line_in")),
            code: query.code.unwrap_or_default().chars().take(32).collect(),
            done: query.done.map(|done| match done.as_str() {
                "yes" => w::t("login.the_command_line_is_in"),
                _ => w::t("login.the_command_line_stays_out"),
            }),
        })
    })
    .await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceForm {
    user_code: String,
    agreed: bool,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// Lets it in, or not.
pub(crate) async fn confirm_device(
    State(app): State<App>,
    By(caller): By,
    Form(form): Form<DeviceForm>,
) -> Result<Response, Problem> {
    let code: String = form.user_code.trim().chars().take(32).collect();
    app.engine.confirm_device(&caller, &code, form.agreed)?;
    Ok(see(if form.agreed { "/device?done=yes" } else { "/device?done=no" }))
}
