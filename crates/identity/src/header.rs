//! The header of a token: which key and algorithm it says it has, and nothing else.

use serde_json::Value;

use crate::json::Members;
use crate::reject::Reject;

/// Members that bring keys along, or that alter how a token is read. No token needs them.
const NEVER: [&str; 10] = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty", "epk"];

/// What a header says.
pub(crate) struct Header {
    pub(crate) algorithm: String,
    pub(crate) key: Option<String>,
}

/// Reads a header. `typ` may be absent, and is `JWT` otherwise: tokens of other classes (access
/// tokens, logout tokens, our own passes) say so there.
pub(crate) fn read(members: &Members) -> Result<Header, Reject> {
    if let Some(name) = NEVER.iter().find(|name| members.contains_key(**name)) {
        return Err(Reject::Header(name));
    }
    match members.get("typ") {
        None => {}
        Some(Value::String(typ)) if typ.eq_ignore_ascii_case("jwt") => {}
        Some(_) => return Err(Reject::Type),
    }
    let Some(Value::String(algorithm)) = members.get("alg") else {
        return Err(Reject::Algorithm);
    };
    let key = match members.get("kid") {
        None => None,
        Some(Value::String(key)) => Some(key.clone()),
        Some(_) => return Err(Reject::UnknownKey),
    };
    Ok(Header { algorithm: algorithm.clone(), key })
}
