//! Bodies: read within limits, checked strictly, then typed.
//!
//! A body is JSON of the declared media type within the limits of the API. What two parsers may
//! read in two ways is refused before anything is typed, and an error names the path of the value.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sluice_engine::limits::Limits;
use sluice_engine::strict_json;

use crate::problem::Problem;
use crate::room::Part;
use crate::status;

/// A typed body, with the hash of the request it came with.
///
/// The hash says what an idempotency key is for: method, path with its segments, and the bytes of the body. Two requests
/// with the same body about two things are two requests.
pub(crate) struct Json<T> {
    pub(crate) value: T,
    pub(crate) hash: [u8; 32],
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        // Neither a method nor a path holds a line's end.
        let begun = Sha256::new_with_prefix(request.method().as_str())
            .chain_update("\n")
            .chain_update(request.uri().path())
            .chain_update("\n");
        let bytes = json_bytes(request, &Limits::API).await?;
        let value = typed(&bytes)?;
        Ok(Self { value, hash: begun.chain_update(&bytes).finalize().into() })
    }
}

/// A typed body as large as a whole organisation.
pub(crate) struct LargeJson<T>(pub(crate) T);

/// Limits of a whole organisation: files of up to 1 MiB each, as JSON text.
const LARGE: Limits = Limits {
    size_bytes: 16 << 20,
    depth: 4,
    keys: 5_010,
    keys_per_object: 5_010,
    string_bytes: 2 << 20,
};

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for LargeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = json_bytes(request, &LARGE).await?;
        typed(&bytes).map(Self)
    }
}

/// The bytes of a body as SCIM has them.
pub(crate) async fn scim_bytes(request: Request) -> Result<Bytes, Problem> {
    const LIMITS: Limits = Limits { keys: 45_000, ..Limits::API };
    is_of(request.headers(), &["application/scim+json", "application/json"])?;
    checked_bytes(request, &LIMITS).await
}

async fn json_bytes(request: Request, limits: &Limits) -> Result<Bytes, Problem> {
    is_of(request.headers(), &["application/json"])?;
    checked_bytes(request, limits).await
}

async fn checked_bytes(request: Request, limits: &Limits) -> Result<Bytes, Problem> {
    let bytes = read(
        request.headers().get(CONTENT_LENGTH).cloned(),
        request.into_body(),
        limits.size_bytes,
    )
    .await?;
    strict_json::check(&bytes, limits).map_err(|problem| {
        let row = status::by_code(problem.code).unwrap_or(&status::NOT_JSON);
        Problem::of(row, problem.to_string())
    })?;
    Ok(bytes)
}

fn is_of(headers: &HeaderMap, known: &[&str]) -> Result<(), Problem> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (given, more) = (types.next().and_then(|value| value.to_str().ok()), types.next());
    let media_type = given.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    let is_known = known.iter().any(|known| media_type.eq_ignore_ascii_case(known));
    if is_known && plain && more.is_none() {
        return Ok(());
    }
    Err(Problem::of(&status::MEDIA_TYPE, ""))
}

/// How long a body may take, also where the request itself may take longer because it waits.
const READ_TIME: Duration = Duration::from_secs(30);

/// Reads a body of at most `limit` bytes within 30 seconds; one that declares more is not read at all.
pub(crate) async fn read(
    declared: Option<HeaderValue>,
    body: Body,
    limit: usize,
) -> Result<Bytes, Problem> {
    read_within(READ_TIME, declared, body, limit, None).await
}

/// The largest body that is a whole organisation.
pub(crate) const LARGEST: usize = LARGE.size_bytes;

/// Reads the body of a request and puts it back, so that whoever takes it has it at once. As it comes it takes room.
pub(crate) async fn read_ahead(
    request: &mut Request,
    limit: usize,
    part: Option<&mut Part>,
) -> Result<(), Problem> {
    let declared = request.headers().get(CONTENT_LENGTH).cloned();
    let body = std::mem::take(request.body_mut());
    let bytes = read_within(READ_TIME, declared, body, limit, part).await?;
    *request.body_mut() = Body::from(bytes);
    Ok(())
}

async fn read_within(
    time: Duration,
    declared: Option<HeaderValue>,
    body: Body,
    limit: usize,
    part: Option<&mut Part>,
) -> Result<Bytes, Problem> {
    let too_large =
        || Problem::of(&status::BODY_TOO_LARGE, format!("it has more than {limit} bytes"));
    if declared_length(declared.as_ref()).is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    match tokio::time::timeout(time, collect(Limited::new(body, limit), part)).await {
        Ok(Err(Unread::TooLarge)) => Err(too_large()),
        Ok(Err(Unread::Broken(problem))) => Err(problem),
        Ok(Ok(bytes)) => Ok(bytes),
        Err(_) => Err(Problem::of(&status::BODY_TIMEOUT, "")),
    }
}

/// Why a body was not read to its end.
enum Unread {
    TooLarge,
    Broken(Problem),
}

async fn collect(mut body: Limited<Body>, mut part: Option<&mut Part>) -> Result<Bytes, Unread> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
            true => Unread::TooLarge,
            false => Unread::Broken(Problem::of(&status::BODY_UNREADABLE, "").logged(error)),
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if let Some(part) = &mut part {
            part.grow(bytes.len() + data.len()).map_err(Unread::Broken)?;
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// The declared length of a body.
pub(crate) fn declared_length(header: Option<&HeaderValue>) -> Option<usize> {
    header.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok())
}

/// Types checked bytes; the error says at which path.
pub(crate) fn typed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        Problem::of(&status::BODY_INVALID, error.into_inner().to_string()).at(path)
    })
}

/// A whole number, which JSON may write as `3` or as `3.0`.
pub(crate) fn whole_of<T: TryFrom<i128>>(value: &Value) -> Option<T> {
    // Beyond this not every whole number is a number of JavaScript, and what was meant is not known.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = match value {
        Value::Number(number) => number,
        _ => return None,
    };
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let whole = whole.or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)?;
        format!("{float:.0}").parse().ok()
    });
    T::try_from(whole?).ok()
}

/// Reads a whole number.
pub(crate) fn whole<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    let value = Value::deserialize(from)?;
    whole_of(&value).ok_or_else(|| D::Error::custom("a whole number within its limits is needed"))
}

/// Reads a whole number, or `null`.
pub(crate) fn whole_or_none<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    let value = Value::deserialize(from)?;
    if value.is_null() {
        return Ok(None);
    }
    let whole = whole_of(&value).map(Some);
    whole.ok_or_else(|| D::Error::custom("a whole number within its limits is needed"))
}

/// Refuses a text of the body with more than `most` characters.
pub(crate) fn text_within(at: &str, text: &str, most: usize) -> Result<(), Problem> {
    let count = text.chars().take(most + 1).count();
    within(at, "characters", count, most)
}

/// Refuses a list of the body with more than `most` members.
pub(crate) fn within(at: &str, of: &str, count: usize, most: usize) -> Result<(), Problem> {
    if count <= most {
        return Ok(());
    }
    Err(Problem::of(&status::VALUE_TOO_LARGE, format!("it has more than {most} {of}")).at(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_two_forms() {
        for (text, number) in [
            ("3", Some(3_u32)),
            ("3.0", Some(3)),
            ("3e2", Some(300)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("3.5", None),
            ("-1", None),
            ("1e300", None),
            ("\"3\"", None),
        ] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(whole_of(&value), number, "{text}");
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let body = Body::from_stream(never);
        let problem = read_within(Duration::from_millis(1), None, body, 100, None).await;
        let response = problem.expect_err("it never comes").render("here");
        assert_eq!(response.status(), http::StatusCode::REQUEST_TIMEOUT);
    }
}
