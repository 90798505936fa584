//! How senders prove that they know the secret. All comparisons take constant time.

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::kit::delivery::Delivery;
use crate::kit::limits::{SECRETS_AT_ONCE, TIMESTAMP_TOLERANCE_S};
use crate::kit::secret::Secret;

/// A delivery whose sender knows the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How it was proved: `hmac_sha256`, `standard_webhooks`, `slack` or `token`. A token proves the sender, not the
    /// body; that is left to TLS.
    pub scheme: &'static str,
    /// Which of the secrets matched, from 0; with 1 the sender still uses the old one.
    pub secret: usize,
}

/// Why a delivery is not taken for genuine. Nothing of the secret or of the delivery is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum SignatureProblem {
    /// We have no secret to compare with.
    #[error("the link has no usable secret")]
    NoSecret,
    /// The header (or parameter) that should carry the proof is absent or came twice.
    #[error("the delivery is not signed")]
    SignatureMissing,
    /// It is there but has not the form it should have.
    #[error("the signature has not the expected form")]
    SignatureMalformed,
    /// It was made with another secret or over other bytes.
    #[error("the signature is wrong")]
    SignatureWrong,
    /// The signed time is absent or not a number of seconds.
    #[error("the signed time is missing or malformed")]
    TimestampMalformed,
    /// The signed time is more than 300 s off.
    #[error("the signed time is more than 300 seconds off")]
    TimestampOutOfTolerance,
}

impl SignatureProblem {
    /// A stable code, such as `signature_wrong`.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSecret => "no_secret",
            Self::SignatureMissing => "signature_missing",
            Self::SignatureMalformed => "signature_malformed",
            Self::SignatureWrong => "signature_wrong",
            Self::TimestampMalformed => "timestamp_malformed",
            Self::TimestampOutOfTolerance => "timestamp_out_of_tolerance",
        }
    }
}

/// The HMAC-SHA256 of `message`.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    hmac_sha256_of(key, &[message])
}

fn hmac_sha256_of(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length (RFC 2104)");
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// How the bytes of a MAC are written in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Hex,
    Base64,
}

/// Checks `<prefix><MAC of the body>` in the header `name`.
pub(crate) fn verify_hmac_header(
    delivery: &Delivery,
    secrets: &[Secret],
    name: &str,
    prefix: &str,
    encoding: Encoding,
) -> Result<Verified, SignatureProblem> {
    let secrets = usable(secrets)?;
    let value = delivery.header(name).ok_or(SignatureProblem::SignatureMissing)?;
    let text = value.strip_prefix(prefix).ok_or(SignatureProblem::SignatureMalformed)?;
    let given = decode(text, encoding).ok_or(SignatureProblem::SignatureMalformed)?;
    let matched =
        first_match(secrets, |secret| same(&hmac_sha256(secret.expose(), &delivery.body), &given));
    matched.map(|secret| Verified { scheme: "hmac_sha256", secret })
}

fn decode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    let bytes = match encoding {
        Encoding::Hex => data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?,
        Encoding::Base64 => data_encoding::BASE64.decode(text.as_bytes()).ok()?,
    };
    (bytes.len() == 32).then_some(bytes)
}

/// Checks that `given` is the secret itself.
pub(crate) fn verify_token(
    secrets: &[Secret],
    given: Option<&str>,
) -> Result<Verified, SignatureProblem> {
    let secrets = usable(secrets)?;
    let given = given.ok_or(SignatureProblem::SignatureMissing)?;
    // Hashes are compared, so that not even the length of the secret shows in the time.
    let given = Sha256::digest(given.as_bytes());
    let matched = first_match(secrets, |secret| same(&Sha256::digest(secret.expose()), &given));
    matched.map(|secret| Verified { scheme: "token", secret })
}

/// Takes the token out of `Authorization: Bearer <token>`.
pub(crate) fn bearer_token(delivery: &Delivery) -> Option<&str> {
    let (scheme, token) = delivery.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Checks a Standard Webhooks signature (`webhook-id`, `webhook-timestamp`, `webhook-signature`
/// with `v1,<base64>`; specification of 2026-08). The secret may be written `whsec_<base64>`.
pub(crate) fn verify_standard_webhooks(
    delivery: &Delivery,
    secrets: &[Secret],
) -> Result<Verified, SignatureProblem> {
    let secrets = usable(secrets)?;
    let header = |name| delivery.header(name).ok_or(SignatureProblem::SignatureMissing);
    let (id, timestamp, list) =
        (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let sent_at: i64 = timestamp.parse().map_err(|_| SignatureProblem::TimestampMalformed)?;
    let given: Vec<Vec<u8>> = list
        .split(' ')
        .filter_map(|signature| decode(signature.strip_prefix("v1,")?, Encoding::Base64))
        .take(10)
        .collect();
    if given.is_empty() {
        return Err(SignatureProblem::SignatureMalformed);
    }
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &delivery.body[..]];
    let matched = first_match(secrets, |secret| {
        let expected = hmac_sha256_of(&standard_webhooks_key(secret), &signed);
        given.iter().fold(false, |found, given| found | same(&expected, given))
    })?;
    in_time(delivery, sent_at)?;
    Ok(Verified { scheme: "standard_webhooks", secret: matched })
}

/// Checks Slack's signature: `v0=<hex>` over `v0:<time>:<body>`, with the time in seconds in a header of its own.
pub(crate) fn verify_slack(
    delivery: &Delivery,
    secrets: &[Secret],
) -> Result<Verified, SignatureProblem> {
    let secrets = usable(secrets)?;
    let header = |name| delivery.header(name).ok_or(SignatureProblem::SignatureMissing);
    let (timestamp, value) = (header("x-slack-request-timestamp")?, header("x-slack-signature")?);
    let sent_at: i64 = timestamp.parse().map_err(|_| SignatureProblem::TimestampMalformed)?;
    let given = value.strip_prefix("v0=").and_then(|text| decode(text, Encoding::Hex));
    let given = given.ok_or(SignatureProblem::SignatureMalformed)?;
    let signed = [&b"v0:"[..], timestamp.as_bytes(), b":", &delivery.body[..]];
    let matched =
        first_match(secrets, |secret| same(&hmac_sha256_of(secret.expose(), &signed), &given))?;
    in_time(delivery, sent_at)?;
    Ok(Verified { scheme: "slack", secret: matched })
}

fn in_time(delivery: &Delivery, sent_at: i64) -> Result<(), SignatureProblem> {
    let off_s = delivery.received_at.as_second().saturating_sub(sent_at);
    match off_s.unsigned_abs() > TIMESTAMP_TOLERANCE_S.unsigned_abs() {
        true => Err(SignatureProblem::TimestampOutOfTolerance),
        false => Ok(()),
    }
}

/// The key of a Standard Webhooks secret: the decoded part behind `whsec_`, else the bytes as given.
fn standard_webhooks_key(secret: &Secret) -> zeroize::Zeroizing<Vec<u8>> {
    let decoded = secret
        .expose()
        .strip_prefix(b"whsec_")
        .and_then(|text| data_encoding::BASE64.decode(text).ok())
        .filter(|key| !key.is_empty());
    zeroize::Zeroizing::new(decoded.unwrap_or_else(|| secret.expose().to_vec()))
}

fn usable(secrets: &[Secret]) -> Result<&[Secret], SignatureProblem> {
    let secrets = secrets.get(..secrets.len().min(SECRETS_AT_ONCE)).unwrap_or_default();
    if secrets.is_empty() || secrets.iter().any(Secret::is_empty) {
        return Err(SignatureProblem::NoSecret);
    }
    Ok(secrets)
}

/// Tries every secret, whether or not an earlier one matched.
fn first_match(
    secrets: &[Secret],
    matches: impl Fn(&Secret) -> bool,
) -> Result<usize, SignatureProblem> {
    let mut found = Err(SignatureProblem::SignatureWrong);
    for (index, secret) in secrets.iter().enumerate() {
        if matches(secret) && found.is_err() {
            found = Ok(index);
        }
    }
    found
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}
