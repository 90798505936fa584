//! Problems: how "no" and failure look on the wire (RFC 9457).
//!
//! A handler returns a [`Problem`]; the door writes it out, because only the door knows the
//! request's id. What is for the log only never reaches the caller.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::status::Code;

/// Why a request was not carried out. Boxed, since it stands in every result.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Parts>);

/// What a problem consists of.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) status: StatusCode,
    pub(crate) code: Cow<'static, str>,
    pub(crate) title: Cow<'static, str>,
    pub(crate) detail: String,
    pub(crate) help: Cow<'static, str>,
    pub(crate) rule: Option<String>,
    /// Where in the body, `run.attempt` or `evidence[3].type`.
    pub(crate) at: Option<String>,
    pub(crate) retry_after_s: Option<u32>,
    pub(crate) allow: Option<HeaderValue>,
    /// For the log, not for the caller.
    pub(crate) log: Option<String>,
}

impl From<Parts> for Problem {
    fn from(parts: Parts) -> Self {
        Self(Box::new(parts))
    }
}

impl std::ops::Deref for Problem {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::ops::DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

impl Problem {
    /// A problem of the table; an empty `detail` means its title says it all.
    pub(crate) fn of(code: &Code, detail: impl Into<String>) -> Self {
        Self::from(Parts {
            status: code.status(),
            code: code.code.into(),
            title: code.title.into(),
            detail: detail.into(),
            help: code.help.into(),
            rule: None,
            at: None,
            retry_after_s: None,
            allow: None,
            log: None,
        })
    }

    /// With where it is in the body.
    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.at = Some(path.into());
        self
    }

    /// With when to come again, in seconds.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// With the cause, for the log.
    pub(crate) fn logged(mut self, cause: impl std::fmt::Display) -> Self {
        self.log = Some(cause.to_string());
        self
    }

    /// The answer, for the request with this id.
    pub(crate) fn render(&self, instance: &str) -> Response {
        let wire = Wire {
            kind: format!("urn:sluice:problem:{}", self.code),
            title: &self.title,
            status: self.status.as_u16(),
            detail: (!self.detail.is_empty()).then_some(&self.detail),
            instance: format!("urn:sluice:request:{instance}"),
            code: &self.code,
            help: &self.help,
            rule: self.rule.as_deref(),
            at: self.at.as_deref(),
        };
        // A struct of texts has a JSON form always.
        let body = serde_json::to_vec(&wire).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = &self.allow {
            headers.insert(ALLOW, allow.clone());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"sluice\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a String>,
    instance: String,
    code: &'a str,
    help: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
}

impl IntoResponse for Problem {
    /// An answer without a body that carries the problem to the door.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}
