//! The exchange of a pipeline's token for a session, in the shape of RFC 8693.

use axum::Form;
use axum::extract::{FromRequest, Request, State};
use axum::response::IntoResponse;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use sluice_core::run::RunRef;

use super::Reply;
use crate::app::App;
use crate::body;
use crate::problem::Problem;
use crate::status;

/// Bytes of a form.
const MAX_FORM_BYTES: usize = 32 << 10;
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What a signed token of another may be called.
const SIGNED: [&str; 2] =
    ["urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"];

/// The form of RFC 8693, 2.1, as far as it applies.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeForm {
    grant_type: String,
    subject_token: String,
    subject_token_type: String,
    requested_token_type: Option<String>,
}

#[derive(Serialize)]
struct ExchangeReply {
    access_token: String,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: u32,
    scope: String,
    rule: String,
    run: RunRef,
}

pub(crate) async fn exchange(
    State(app): State<App>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    let form = read(request).await?;
    let invalid = |detail: &str| Problem::of(&status::BODY_INVALID, detail);
    if form.grant_type != EXCHANGE {
        return Err(
            invalid("`grant_type` is another one than of a token exchange").at("grant_type")
        );
    }
    if !SIGNED.contains(&form.subject_token_type.as_str()) {
        return Err(invalid("only signed ID tokens are exchanged").at("subject_token_type"));
    }
    if form.requested_token_type.is_some_and(|wanted| wanted != ACCESS_TOKEN) {
        return Err(invalid("only access tokens are given").at("requested_token_type"));
    }
    let answer = app.engine.exchange(&form.subject_token).await?.value;
    Ok(Reply(ExchangeReply {
        access_token: answer.secret,
        issued_token_type: ACCESS_TOKEN,
        token_type: "Bearer",
        expires_in: answer.expires_in_s,
        scope: answer.permissions.into_iter().collect::<Vec<_>>().join(" "),
        rule: answer.rule.to_string(),
        run: answer.run,
    }))
}

async fn read(request: Request) -> Result<ExchangeForm, Problem> {
    let headers = request.headers();
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let detail = "send `application/x-www-form-urlencoded`";
        return Err(Problem::of(&status::MEDIA_TYPE, detail));
    }
    let declared = headers.get(CONTENT_LENGTH).cloned();
    let bytes = body::read(declared, request.into_body(), MAX_FORM_BYTES).await?;
    let mut whole = Request::post("/").body(bytes.into()).unwrap_or_default();
    whole
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let form = Form::<ExchangeForm>::from_request(whole, &()).await;
    // What was sent is not repeated: it holds a credential.
    form.map(|Form(form)| form).map_err(|_| {
        let detail =
            "the form needs `grant_type`, `subject_token` and `subject_token_type`, once each";
        Problem::of(&status::BODY_INVALID, detail)
    })
}
