//! Sets of keys as an issuer, or somebody in its place, may publish them.

use sluice_identity::{BadKeys, KeySet};

use crate::signer::{HEADER, NOW_S, SIGNER, claims, code, encoded, strict};

#[test]
fn keys_that_verify_are_taken_and_others_left_out() {
    assert_eq!(SIGNER.keys().len(), 3);
    let n = SIGNER.modulus();
    let weak = encoded(vec![0xff; 128]);
    let padded = encoded([vec![0], vec![0xff; 256]].concat());
    for (key, usable) in [
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"}}"#), true),
        (
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"RS256","key_ops":["verify"]}}"#),
            true,
        ),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"AQ"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"AA"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"Ag"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":""}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}=","e":"AQAB"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{weak}","e":"AQAB"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{padded}","e":"AQAB"}}"#), false),
        (r#"{"kty":"RSA","n":"","e":"AQAB"}"#.to_owned(), false),
        (format!(r#"{{"kty":"rsa","n":"{n}","e":"AQAB"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","use":"enc"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","key_ops":["sign"]}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","key_ops":"verify"}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","kid":7}}"#), false),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","kid":""}}"#), false),
        (format!(r#"{{"n":"{n}","e":"AQAB"}}"#), false),
        (r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(), false),
        (r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#.to_owned(), false),
        (r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#.to_owned(), false),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#.to_owned(), false),
        (r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#.to_owned(), false),
        ("null".to_owned(), false),
        ("[]".to_owned(), false),
        ("\"key\"".to_owned(), false),
    ] {
        let set = KeySet::parse(format!(r#"{{"keys":[{key}]}}"#).as_bytes());
        assert_eq!(set.is_ok(), usable, "{key:.90}");
    }
}

#[test]
fn a_set_that_is_none_is_refused() {
    let n = SIGNER.modulus();
    let key = format!(r#"{{"kty":"RSA","kid":"a","n":"{n}","e":"AQAB"}}"#);
    let private = format!(r#"{{"kty":"RSA","kid":"a","n":"{n}","e":"AQAB","d":"AA"}}"#);
    let many = vec![key.replace("\"a\"", "\"b\""); 101].join(",");
    for (text, expected) in [
        (String::new(), BadKeys::Malformed),
        ("<html>".to_owned(), BadKeys::Malformed),
        ("[]".to_owned(), BadKeys::Malformed),
        ("{}".to_owned(), BadKeys::Malformed),
        (r#"{"keys":{}}"#.to_owned(), BadKeys::Malformed),
        (r#"{"keys":[],"keys":[]}"#.to_owned(), BadKeys::Malformed),
        (r#"{"keys":[]}"#.to_owned(), BadKeys::Empty),
        (format!(r#"{{"keys":[{key},{key}]}}"#), BadKeys::Ambiguous),
        (format!(r#"{{"keys":[{private}]}}"#), BadKeys::Private),
        (format!(r#"{{"keys":[{many}]}}"#), BadKeys::Malformed),
        (format!(r#"{{"keys":[{key}]}}{}"#, " ".repeat(300 << 10)), BadKeys::Malformed),
    ] {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), expected, "{text:.60}");
    }
}

#[test]
fn without_an_id_one_key_has_to_fit() {
    let n = SIGNER.modulus();
    let key = |id: &str| format!(r#"{{"kty":"RSA","kid":"{id}","n":"{n}","e":"AQAB"}}"#);
    let header = r#"{"alg":"RS256"}"#;
    let token = SIGNER.sign("RS256", header, &claims(&[]));
    let told = |keys: String| {
        let set = KeySet::parse(format!(r#"{{"keys":[{keys}]}}"#).as_bytes()).unwrap();
        code(sluice_identity::verify(&token, &strict(), &set, NOW_S))
    };
    assert_eq!(told(key("a")), "accepted");
    assert_eq!(told(format!("{},{}", key("a"), key("b"))), "unknown_key");
}

#[test]
fn a_key_that_is_bound_to_an_algorithm_verifies_no_other() {
    let n = SIGNER.modulus();
    let set = |alg: &str| {
        let text = format!(
            r#"{{"keys":[{{"kty":"RSA","kid":"r1","alg":"{alg}","n":"{n}","e":"AQAB"}}]}}"#
        );
        KeySet::parse(text.as_bytes()).unwrap()
    };
    let token = SIGNER.sign("RS256", HEADER, &claims(&[]));
    for (alg, expected) in
        [("RS256", "accepted"), ("RS512", "unknown_key"), ("PS256", "unknown_key")]
    {
        let outcome = sluice_identity::verify(&token, &strict(), &set(alg), NOW_S);
        assert_eq!(code(outcome), expected, "{alg}");
    }
}
