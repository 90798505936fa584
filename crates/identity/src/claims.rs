//! What a token says, each claim of its own type.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::Members;
use crate::reject::{Fault, Reject};

/// The last second of the year 9999: no token is good for longer.
const LAST_SECOND: i64 = 253_402_300_799;
/// Characters of a text that is compared or kept.
const MAX_TEXT_BYTES: usize = 2048;

/// The claims of a token that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: String,
    /// What it speaks of; unique with the issuer only.
    pub subject: String,
    /// Id of the token, where it has one.
    pub id: Option<String>,
    /// When it was issued, in seconds.
    pub issued_s: i64,
    /// From when on it is good, where it says so.
    pub not_before_s: Option<i64>,
    /// Until when it is good.
    pub expires_s: i64,
    /// All other claims that are a text, a truth or a whole number.
    pub others: BTreeMap<String, Scalar>,
    /// All other claims that are lists of texts.
    pub lists: BTreeMap<String, Vec<String>>,
}

/// A simple value. A number and the text of its digits are different things.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A truth.
    Truth(bool),
    /// A whole number.
    Number(i64),
}

impl Claims {
    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.others.get(name) {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// The claims with their types, before anything is compared.
pub(crate) struct Typed {
    pub(crate) claims: Claims,
    /// One, or a list.
    pub(crate) audience: Vec<String>,
    pub(crate) audience_is_list: bool,
}

/// Types all claims. `nbf` and `jti` may be absent where they are not demanded, but never wrong.
pub(crate) fn typed(
    members: &Members,
    demands_nbf: bool,
    demands_jti: bool,
) -> Result<Typed, Reject> {
    let expires_s = time(members, "exp")?;
    let issued_s = time(members, "iat")?;
    let not_before_s = optional(demands_nbf, || time(members, "nbf"))?;
    let (audience, audience_is_list) = audience(members)?;
    let issuer = text(members, "iss")?;
    let subject = text(members, "sub")?;
    let id = optional(demands_jti, || text(members, "jti"))?;
    let mut others = BTreeMap::new();
    let mut lists = BTreeMap::new();
    for (name, value) in members {
        if ["exp", "iat", "nbf", "aud", "iss", "sub", "jti"].contains(&name.as_str()) {
            continue;
        }
        if let Some(scalar) = scalar(value) {
            others.insert(name.clone(), scalar);
        } else if let Some(list) = texts(value) {
            lists.insert(name.clone(), list);
        }
    }
    let claims = Claims { issuer, subject, id, issued_s, not_before_s, expires_s, others, lists };
    Ok(Typed { claims, audience, audience_is_list })
}

/// Absence is the only fault that can be forgiven.
fn optional<T>(demanded: bool, read: impl Fn() -> Result<T, Reject>) -> Result<Option<T>, Reject> {
    match read() {
        Ok(value) => Ok(Some(value)),
        Err(Reject::Claim { fault: Fault::Missing, .. }) if !demanded => Ok(None),
        Err(reject) => Err(reject),
    }
}

fn member<'m>(members: &'m Members, name: &'static str) -> Result<&'m Value, Reject> {
    members.get(name).ok_or(Reject::Claim { name, fault: Fault::Missing })
}

fn time(members: &Members, name: &'static str) -> Result<i64, Reject> {
    let Value::Number(number) = member(members, name)? else {
        return Err(Reject::Claim { name, fault: Fault::WrongType });
    };
    if number.is_f64() {
        return Err(Reject::Claim { name, fault: Fault::WrongType });
    }
    number
        .as_i64()
        .filter(|seconds| (0..=LAST_SECOND).contains(seconds))
        .ok_or(Reject::Claim { name, fault: Fault::OutOfRange })
}

fn text(members: &Members, name: &'static str) -> Result<String, Reject> {
    let Value::String(text) = member(members, name)? else {
        return Err(Reject::Claim { name, fault: Fault::WrongType });
    };
    if is_fit(text) {
        Ok(text.clone())
    } else {
        Err(Reject::Claim { name, fault: Fault::OutOfRange })
    }
}

fn audience(members: &Members) -> Result<(Vec<String>, bool), Reject> {
    let name = "aud";
    match member(members, name)? {
        Value::String(_) => Ok((vec![text(members, name)?], false)),
        list => {
            let list = texts(list).ok_or(Reject::Claim { name, fault: Fault::WrongType })?;
            Ok((list, true))
        }
    }
}

fn is_fit(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control)
}

fn scalar(value: &Value) -> Option<Scalar> {
    match value {
        Value::String(text) => is_fit(text).then(|| Scalar::Text(text.clone())),
        Value::Bool(truth) => Some(Scalar::Truth(*truth)),
        Value::Number(number) => number.as_i64().map(Scalar::Number),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?;
    items.iter().map(|item| item.as_str().filter(|text| is_fit(text)).map(str::to_owned)).collect()
}
