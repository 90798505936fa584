//! How bodies come and answers go: `application/scim+json`, versions as entity tags, errors with their type.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, StatusCode, request};
use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_engine::EngineError;

use super::filter::member;
use crate::body;
use crate::conditions::is_list_of_tags;
use crate::problem::Problem;
use crate::status;

const MEDIA_TYPE: &str = "application/scim+json";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A body: an object within the limits of the API, as either type of JSON.
pub(crate) struct ScimJson(pub(super) Value);

impl<S: Sync> FromRequest<S> for ScimJson {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = body::scim_bytes(request).await?;
        let sent: Value = body::typed(&bytes)?;
        let are_named = match member(&sent, "schemas") {
            None | Some(Value::Null) => true,
            Some(Value::Array(names)) => names.iter().all(Value::is_string),
            Some(_) => false,
        };
        if sent.is_object() && are_named {
            return Ok(Self(sent));
        }
        Err(Problem::of(&status::SCIM_SYNTAX, "a body is an object, its `schemas` a list of texts"))
    }
}

/// The version that a change is meant for; none where any will do.
pub(crate) struct Expected(pub(super) Option<u64>);

impl<S: Sync> FromRequestParts<S> for Expected {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let Some(given) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let text = given.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        if !is_list_of_tags(text) {
            let detail = "`If-Match` is `*` or entity tags (RFC 9110, 13.1.1)";
            return Err(Problem::of(&status::HEADER_INVALID, detail));
        }
        // One that is none of ours is met by no version.
        Ok(Self(Some(version_of(text).unwrap_or(u64::MAX))))
    }
}

fn version_of(tag: &str) -> Option<u64> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

fn tag_of(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// Whether something was changed meanwhile.
pub(super) fn is_outdated(error: &EngineError) -> bool {
    matches!(error, EngineError::Refused(refusal) if refusal.code == "version_outdated")
}

/// When a resource came, when it changed, where it is, and its version.
pub(super) fn meta(
    kind: &str,
    location: &str,
    times: (Timestamp, Timestamp),
    version: u64,
) -> Value {
    json!({"resourceType": kind, "created": times.0, "lastModified": times.1, "location": location,
        "version": tag_of(version)})
}

/// A document that does not change.
pub(super) fn document(value: &Value) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    ([(CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
}

/// A resource, with its tag and its place.
pub(super) fn resource(value: &Value, is_new: bool) -> Response {
    let mut response = document(value);
    let header = |name: &str| {
        let text = value["meta"][name].as_str().unwrap_or_default();
        HeaderValue::from_str(text).ok()
    };
    let (tag, location) = (header("version"), header("location"));
    let headers = response.headers_mut();
    headers.extend(tag.map(|tag| (ETAG, tag)));
    headers.extend(location.map(|location| (LOCATION, location)));
    if is_new {
        *response.status_mut() = StatusCode::CREATED;
    }
    response
}

/// A resource, unless whoever asks has it already.
pub(super) fn shown(value: &Value, headers: &HeaderMap) -> Response {
    let has = headers.get(IF_NONE_MATCH).and_then(|tag| tag.to_str().ok()).and_then(version_of);
    let version = value["meta"]["version"].as_str().and_then(version_of);
    if has.is_some() && has == version {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    resource(value, false)
}

/// It is gone.
pub(super) fn gone() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// A problem in the form of SCIM; its code is in a header, since the form has no place for it.
pub(crate) fn rendered(problem: &Problem, instance: &str) -> Response {
    let (status, kind) = status::of_scim(problem);
    let detail = match problem.detail.as_str() {
        "" => format!("{}: {}", problem.title, problem.help),
        detail => format!("{detail}: {}", problem.help),
    };
    let mut error =
        json!({"schemas": [ERROR], "status": status.as_u16().to_string(), "detail": detail});
    if let Some(kind) = kind {
        error["scimType"] = kind.into();
    }
    let mut response = problem.render(instance);
    *response.status_mut() = status;
    *response.body_mut() = Body::from(error.to_string());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Ok(code) = HeaderValue::from_str(&problem.code) {
        headers.insert("x-problem-code", code);
    }
    response
}
