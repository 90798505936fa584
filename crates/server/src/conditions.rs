//! Headers that say under which conditions a request is meant: `Idempotency-Key`, `If-Match`,
//! `Prefer: wait`.

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::header::{HeaderName, IF_MATCH};
use http::{HeaderMap, Uri, request};

use crate::problem::Problem;
use crate::status;

/// The longest that a question waits for its answer to change.
const LONGEST_WAIT: Duration = Duration::from_secs(55);
/// Longest idempotency key, in characters.
const KEY_CHARACTERS: usize = 255;

/// The mandatory `Idempotency-Key`: 1 to 255 visible ASCII characters.
pub(crate) struct IdempotencyKey(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let missing = |why: &str| Problem::of(&status::IDEMPOTENCY_KEY_MISSING, why);
        let text = only(&parts.headers, &HeaderName::from_static("idempotency-key"))
            .map_err(|()| missing("the header must be there once, as ASCII text"))?
            .ok_or_else(|| missing(""))?;
        if text.is_empty() || text.len() > KEY_CHARACTERS {
            return Err(missing("it must have 1 to 255 characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The version of the record that an edit speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Whatever it is: `*`.
    Any,
    /// Exactly this one.
    Version(u64),
}

impl IfMatch {
    /// Reads the header where there is one. A tag that is none of ours can match nothing.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let invalid = || Problem::of(&status::HEADER_INVALID, "`If-Match` must be there once");
        let Some(text) = only(headers, &IF_MATCH).map_err(|()| invalid())? else { return Ok(None) };
        if text == "*" {
            return Ok(Some(Self::Any));
        }
        let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        match version.and_then(|digits| digits.parse().ok()) {
            Some(version) => Ok(Some(Self::Version(version))),
            None => Err(Problem::of(&status::IF_MATCH_FAILED, "this tag was never given")),
        }
    }

    /// The version, where one was named.
    pub(crate) fn version(self) -> Option<u64> {
        match self {
            Self::Any => None,
            Self::Version(version) => Some(version),
        }
    }
}

/// The mandatory `If-Match` of an edit.
pub(crate) struct MustMatch(pub(crate) IfMatch);

impl<S: Sync> FromRequestParts<S> for MustMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let given = IfMatch::read(&parts.headers)?;
        given.map(Self).ok_or_else(|| Problem::of(&status::IF_MATCH_MISSING, ""))
    }
}

/// How long a question may wait for another answer: `?wait=30s`, or `Prefer: wait=30`
/// (RFC 7240). A preference beyond the longest is cut; a parameter beyond it is refused.
pub(crate) fn wait(uri: &Uri, headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let invalid = || Problem::of(&status::QUERY_INVALID, "`wait` is 0 to 55 seconds, as `30s`");
    let named =
        uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("wait="));
    if let Some(text) = named {
        let seconds = text.strip_suffix('s').unwrap_or(text);
        let wait = Duration::from_secs(seconds.parse::<u16>().map_err(|_| invalid())?.into());
        if wait > LONGEST_WAIT {
            return Err(invalid());
        }
        return Ok((!wait.is_zero()).then_some(wait));
    }
    let preferred = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .find_map(|preference| preference.trim().strip_prefix("wait="));
    let seconds = preferred.and_then(|text| text.trim_matches('"').parse::<u32>().ok());
    let wait = seconds.map(|seconds| Duration::from_secs(seconds.into()).min(LONGEST_WAIT));
    Ok(wait.filter(|wait| !wait.is_zero()))
}

/// The value of a header that may be there once at most.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(|text| Some(text.trim())).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_bounded() {
        let seconds = |uri: &str, prefer: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", prefer.parse().expect("a value"));
            wait(&uri.parse().expect("a URI"), &headers).map(|wait| wait.map(|w| w.as_secs()))
        };
        for (uri, prefer, expected) in [
            ("/x", "", None),
            ("/x?wait=30s", "", Some(30)),
            ("/x?a=b&wait=5", "wait=9", Some(5)),
            ("/x", "respond-async, wait=30", Some(30)),
            ("/x", "wait=4000", Some(55)),
            ("/x?wait=0s", "", None),
        ] {
            assert_eq!(seconds(uri, prefer).expect(uri), expected, "{uri} {prefer}");
        }
        for uri in ["/x?wait=56s", "/x?wait=", "/x?wait=-1", "/x?wait=1m", "/x?wait=99999999999"] {
            assert!(seconds(uri, "").is_err(), "{uri}");
        }
    }

    #[test]
    fn a_tag_names_a_version() {
        let read = |tag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, tag.parse().expect("a value"));
            IfMatch::read(&headers).map_err(|problem| problem.status.as_u16())
        };
        assert_eq!(read("\"7\""), Ok(Some(IfMatch::Version(7))));
        assert_eq!(read("*"), Ok(Some(IfMatch::Any)));
        for tag in ["W/\"7\"", "7", "\"x\"", "\"7\", \"8\"", ""] {
            assert_eq!(read(tag), Err(412), "{tag}");
        }
    }
}
