//! The one way in which a token is accepted.

use data_encoding::BASE64URL_NOPAD;

use crate::algorithm::Family;
use crate::claims::{Claims, Typed, typed};
use crate::header;
use crate::json::{self, Members};
use crate::keys::KeySet;
use crate::reject::Reject;

/// The longest token.
pub const MAX_TOKEN_BYTES: usize = 16 << 10;
/// How far the issuer's clock may be ahead of ours.
pub const LEEWAY_S: i64 = 30;

/// How an audience is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// As one text.
    Text,
    /// As one text, or as a list of one: some providers of people's identities write it so.
    TextOrListOfOne,
}

/// What a token has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The issuer, exactly.
    pub issuer: &'a str,
    /// Whom it is for, exactly, and for nobody else.
    pub audience: &'a str,
    /// How the audience may be written.
    pub audience_form: Audience,
    /// The issuer's algorithms.
    pub family: Family,
    /// Whether `nbf` has to be there.
    pub demands_nbf: bool,
    /// Whether `jti` has to be there.
    pub demands_jti: bool,
    /// How long ago it may have been issued, in seconds.
    pub max_age_s: i64,
}

/// Verifies a token: form, header, key, signature, types, issuer, audience, times, in this order.
pub fn verify(
    token: &str,
    expected: &Expected<'_>,
    keys: &KeySet,
    now_s: i64,
) -> Result<Claims, Reject> {
    let parts = Parts::of(token)?;
    let header = header::read(&parts.header)?;
    let algorithm = expected.family.algorithm(&header.algorithm).ok_or(Reject::Algorithm)?;
    let key = keys
        .find(header.key.as_deref(), expected.family, &header.algorithm)
        .ok_or(Reject::UnknownKey)?;
    if !algorithm.verifies(key, parts.signed.as_bytes(), &parts.signature) {
        return Err(Reject::Signature);
    }
    let typed = typed(&parts.claims, expected.demands_nbf, expected.demands_jti)?;
    accept(typed, expected, now_s)
}

fn accept(typed: Typed, expected: &Expected<'_>, now_s: i64) -> Result<Claims, Reject> {
    let Typed { claims, audience, audience_is_list } = typed;
    if claims.issuer != expected.issuer {
        return Err(Reject::Issuer);
    }
    let form = !audience_is_list || expected.audience_form == Audience::TextOrListOfOne;
    if !form || audience != [expected.audience] {
        return Err(Reject::Audience);
    }
    if claims.expires_s <= now_s || claims.expires_s <= claims.issued_s {
        return Err(Reject::Expired);
    }
    let latest = now_s.saturating_add(LEEWAY_S);
    if claims.issued_s > latest || claims.not_before_s.is_some_and(|from| from > latest) {
        return Err(Reject::NotYet);
    }
    if claims.issued_s < now_s.saturating_sub(expected.max_age_s) {
        return Err(Reject::TooOld);
    }
    Ok(claims)
}

/// The issuer that a token says it has. Nothing is verified: good for finding whose keys and
/// expectations it is to be judged by, and for nothing else.
pub fn claimed_issuer(token: &str) -> Result<String, Reject> {
    let parts = Parts::of(token)?;
    header::read(&parts.header)?;
    match parts.claims.get("iss") {
        Some(serde_json::Value::String(issuer)) => Ok(issuer.clone()),
        _ => Err(Reject::Issuer),
    }
}

struct Parts<'a> {
    header: Members,
    claims: Members,
    /// Header and claims, as they were signed.
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, Reject> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Reject::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Reject::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Reject::Malformed)?;
        let signature = decoded(signature)?;
        let header = json::object(&decoded(header)?).ok_or(Reject::Malformed)?;
        let claims = json::object(&decoded(claims)?).ok_or(Reject::Malformed)?;
        Ok(Self { header, claims, signed, signature })
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, Reject> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Reject::Malformed)
}
