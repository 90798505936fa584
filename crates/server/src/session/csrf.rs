//! Requests that another site makes a browser send: how they are told from our own.
//!
//! Whatever changes something and comes by a cookie must say that it comes from our own origin and must bring a token
//! that only our own pages know. Both are checked by the guard, for JSON and for forms, before any handler runs.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use http::{Method, request};

use crate::body;
use crate::options::ServerOptions;
use crate::problem::Problem;
use crate::status;

/// The header that brings the token.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";
/// The field of a form that brings the token.
pub(crate) const CSRF_FIELD: &str = "csrf_token";
/// The largest form, in bytes.
const FORM_BYTES: usize = 256 * 1024;

/// The token of the session that a request came by, for the forms of a page. Made by the guard alone; empty where
/// there is no session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Csrf(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Csrf {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Whether a request by this method may change something.
pub(crate) fn needs_check(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses what another site makes a browser send. Where it is `strict`, whoever says nothing of where they come from
/// is refused as well: every browser says it.
pub(crate) fn check_own(
    options: &ServerOptions,
    headers: &HeaderMap,
    strict: bool,
) -> Result<(), Problem> {
    let refuse = |what: &str| Err(Problem::of(&status::CSRF_REFUSED, what));
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return refuse("the browser says that it comes from another site");
    }
    match text(ORIGIN.as_str()) {
        // Under `Referrer-Policy: no-referrer` browsers withhold the origin of our own forms (Fetch, 3.2.5); where they
        // come from is then said by `Sec-Fetch-Site` alone, which no page can set.
        Some("null") if site == Some("same-origin") => Ok(()),
        Some(origin) if !is_own(options, headers, origin) => {
            refuse("its origin is not that of this server")
        }
        None if strict && site.is_none() => {
            refuse("it says neither by `Origin` nor by `Sec-Fetch-Site` where it comes from")
        }
        _ => Ok(()),
    }
}

fn is_own(options: &ServerOptions, headers: &HeaderMap, origin: &str) -> bool {
    if let Some(public) = &options.public_url {
        return origin == public.trim_end_matches('/');
    }
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let after = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    !host.is_empty() && after.is_some_and(|after| after.eq_ignore_ascii_case(host))
}

/// Refuses a request without one of the tokens of its person's sessions. A form is read for it, and put back.
pub(crate) async fn check_token(request: &mut Request, good: &[String]) -> Result<(), Problem> {
    let given = match request.headers().get(CSRF_HEADER) {
        Some(value) => value.to_str().unwrap_or_default().to_owned(),
        None if is_form(request.headers()) => field(request).await?,
        None => String::new(),
    };
    if good.iter().any(|expected| same(given.as_bytes(), expected.as_bytes())) {
        return Ok(());
    }
    let detail =
        format!("send the session's token as `{CSRF_HEADER}`, or as `{CSRF_FIELD}` of a form");
    Err(Problem::of(&status::CSRF_REFUSED, detail))
}

/// Compares in constant time.
fn same(given: &[u8], expected: &[u8]) -> bool {
    given.len() == expected.len()
        && given.iter().zip(expected).fold(0_u8, |odd, (one, other)| odd | (one ^ other)) == 0
}

fn is_form(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = given.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The token in a form. It has letters and digits only, so nothing of it is encoded.
async fn field(request: &mut Request) -> Result<String, Problem> {
    let declared = request.headers().get(CONTENT_LENGTH).cloned();
    let body = std::mem::replace(request.body_mut(), Body::empty());
    let bytes = body::read(declared, body, FORM_BYTES).await?;
    let text = String::from_utf8_lossy(&bytes);
    let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(key, _)| *key == CSRF_FIELD).map(|(_, value)| value.to_owned());
    *request.body_mut() = Body::from(bytes);
    Ok(found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_ours() {
        let here = ServerOptions::default();
        let there = ServerOptions {
            public_url: Some("https://sluice.example/".to_owned()),
            ..ServerOptions::default()
        };
        for (options, host, origin, site, fine) in [
            (&here, "sluice.example", "https://sluice.example", "same-origin", true),
            (&here, "sluice.example", "https://sluice.example", "", true),
            (&here, "sluice.example", "", "same-origin", true),
            (&here, "sluice.example", "null", "same-origin", true),
            (&here, "sluice.example", "null", "", false),
            (&here, "sluice.example", "null", "cross-site", false),
            (&here, "sluice.example", "", "", false),
            (&here, "sluice.example", "https://sluice.example", "same-site", false),
            (&here, "sluice.example", "https://sluice.example", "none", false),
            (&here, "sluice.example", "https://evil.example", "", false),
            (&here, "sluice.example", "https://sluice.example.evil.example", "", false),
            (&here, "sluice.example", "https://sluice.example:444", "", false),
            (&there, "10.0.0.1", "https://sluice.example", "", true),
            (&there, "sluice.example", "http://sluice.example", "", false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("host", host), ("origin", origin), ("sec-fetch-site", site)] {
                if !value.is_empty() {
                    headers.insert(name, value.parse().expect("a value"));
                }
            }
            assert_eq!(check_own(options, &headers, true).is_ok(), fine, "{origin} {site}");
        }
        assert!(check_own(&here, &HeaderMap::new(), false).is_ok(), "a program may come in");
    }
}
