//! What people and pipelines show of themselves, and what providers of identities ask.

use sluice_identity::{Audience, Expected, Family, KeySet, claimed_issuer, verify};

/// The public half of the example in RFC 8037, A.1. Everybody has the private one, and no input is signed by it: a token
/// that is believed was found by chance, which cannot be, or was not verified.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","alg":"EdDSA","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Tokens that others signed: none is believed that was not, whatever its claims. The same bytes as a set of keys.
pub fn id_token(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let keys = KeySet::parse(KEYS.as_bytes()).expect("keys");
    let expected = Expected {
        issuer: "https://issuer.example",
        audience: "sluice",
        audience_form: Audience::TextOrListOfOne,
        family: Family::Ed25519,
        demands_nbf: false,
        demands_jti: true,
        max_age_s: 600,
    };
    assert!(verify(&text, &expected, &keys, 1_790_000_000).is_err(), "a token was forged");
    let _ = claimed_issuer(&text);
    let _ = KeySet::parse(data);
}

/// Filters and paths of directories (RFC 7644).
pub fn scim(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = sluice_server::scim::reads_filter(&text);
    let _ = sluice_server::scim::reads_path(&text);
    let _ = sluice_server::scim::reads_path(&format!("emails[{text}].value"));
}
