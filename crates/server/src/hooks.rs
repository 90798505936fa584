//! The door for deliveries: raw bytes in, stored before they are read, answered at once.
//!
//! Signatures are checked over the raw bytes by the engine. An address that does not exist, one
//! whose signature does not hold and one without any are answered alike: nobody learns which
//! hooks there are. What may be in memory at the same time is bounded, for all and for each sender (`room.rs`).

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue};
use serde::Serialize;
use sluice_engine::{Delivery, Received};

use crate::api::Reply;
use crate::app::App;
use crate::body;
use crate::options::ServerOptions;
use crate::problem::Problem;
use crate::status;

/// The largest body that can be configured.
const MOST_BYTES: usize = 25 << 20;

#[derive(Serialize)]
struct StoredReply {
    inbox: u64,
    duplicate: bool,
}

/// The largest body that is taken.
pub(crate) fn largest(options: &ServerOptions) -> usize {
    options.hook_body_bytes.min(MOST_BYTES)
}

pub(crate) async fn deliver(
    State(app): State<App>,
    Path(hook): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    // The guard has read it.
    let body = body::read(None, body, largest(&app.options)).await?;
    let delivery = Delivery {
        headers: plain(&parts.headers),
        body,
        query: parts.uri.query().map(str::to_owned),
        received_at: app.engine.latest(),
    };
    match app.engine.receive(&hook, delivery).await {
        Received::Stored { plain: true, .. } => Ok(StatusCode::OK.into_response()),
        Received::Stored { inbox, duplicate, plain: false } => {
            let mut response = Reply(StoredReply { inbox, duplicate }).into_response();
            if !duplicate {
                *response.status_mut() = StatusCode::ACCEPTED;
            }
            Ok(response)
        }
        Received::Unknown | Received::BadSignature { .. } => {
            Err(Problem::of(&status::HOOK_REFUSED, ""))
        }
        Received::Unavailable(error) => Err(error.into()),
    }
}

/// Headers as plain data. One that is not text cannot be what a sender signs by.
fn plain(headers: &HeaderMap) -> Vec<(String, String)> {
    let texts = headers.iter().filter_map(|(name, value)| {
        value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned()))
    });
    texts.collect()
}

/// The handshake of CloudEvents senders (HTTP 1.1 Web Hooks for Event Delivery, 4): they ask
/// before they send. Every address agrees, whether it exists or not; deliveries are signed anyway.
pub(crate) async fn agree(
    Path(hook): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Known and unknown ones have the same form, and the same answer.
    if !(1..=128).contains(&hook.len())
        || !hook.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        return Err(Problem::of(&status::HOOK_REFUSED, ""));
    }
    let mut response = StatusCode::OK.into_response();
    let answers = response.headers_mut();
    answers.insert("allow", HeaderValue::from_static("POST, OPTIONS"));
    if let Some(origin) = headers.get("webhook-request-origin").filter(|origin| origin.len() <= 255)
    {
        answers.insert("webhook-allowed-origin", origin.clone());
        if headers.contains_key("webhook-request-rate") {
            answers.insert("webhook-allowed-rate", HeaderValue::from_static("*"));
        }
    }
    Ok(response)
}
