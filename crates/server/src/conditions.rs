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

/// The `Idempotency-Key`: 1 to 255 visible ASCII characters.
pub(crate) struct IdempotencyKey(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let missing = |why: &str| Problem::of(&status::IDEMPOTENCY_KEY_MISSING, why);
        let text = only(&parts.headers, &HeaderName::from_static("idempotency-key"))
            .map_err(|()| missing("the header must be there once, as ASCII text"))?
            .ok_or_else(|| missing(""))?;
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > KEY_CHARACTERS || !visible {
            return Err(missing("it must have 1 to 255 visible characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The same, where it may be left out.
pub(crate) struct MaybeKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for MaybeKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Problem> {
        if !parts.headers.contains_key("idempotency-key") {
            return Ok(Self(None));
        }
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, state).await?;
        Ok(Self(Some(key)))
    }
}

/// Whether a text is entity tags with commas between them (RFC 9110, 8.8.3).
pub(crate) fn is_list_of_tags(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.strip_prefix("W/").unwrap_or(rest);
        let Some((tag, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'))
        else {
            return false;
        };
        if !tag.bytes().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return after.is_empty(),
        }
    }
}

/// The version of the record that an edit speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Whatever it is: `*`.
    Any,
    /// Exactly this one.
    Version(u64),
    /// One that was never given, so that no record has it.
    None,
}

impl IfMatch {
    /// Reads the header where there is one.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let invalid = || Problem::of(&status::HEADER_INVALID, "`If-Match` must be there once");
        let Some(text) = only(headers, &IF_MATCH).map_err(|()| invalid())? else { return Ok(None) };
        if text == "*" {
            return Ok(Some(Self::Any));
        }
        if !is_list_of_tags(text) {
            let detail = "`If-Match` is `*` or entity tags (RFC 9110, 13.1.1)";
            return Err(Problem::of(&status::HEADER_INVALID, detail));
        }
        let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        Ok(Some(version.and_then(|digits| digits.parse().ok()).map_or(Self::None, Self::Version)))
    }

    /// The version, where one was named.
    pub(crate) fn version(self) -> Option<u64> {
        match self {
            Self::Any => None,
            Self::Version(version) => Some(version),
            Self::None => Some(u64::MAX),
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
        let is_number = (1..=2).contains(&seconds.len()) && !seconds.starts_with('+');
        let seconds = seconds.parse::<u16>().ok().filter(|_| is_number).ok_or_else(invalid)?;
        let wait = Duration::from_secs(seconds.into());
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
        for tag in ["W/\"7\"", "\"x\"", "\"7\", \"8\""] {
            assert_eq!(read(tag), Ok(Some(IfMatch::None)), "{tag}");
        }
        for tag in ["7", "", "\"7\",", "\"7", "x\"7\"", "\"7\" \"8\"", "*, \"7\""] {
            assert_eq!(read(tag), Err(400), "{tag}");
        }
    }
}
