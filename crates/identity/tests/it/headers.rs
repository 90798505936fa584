//! Headers that say what they must not, and tokens that are no tokens.

use sluice_identity::{Expected, Family, MAX_TOKEN_BYTES, claimed_issuer, verify};

use crate::signer::{HEADER, NOW_S, SIGNER, claims, code, encoded, strict, told};

#[expect(clippy::too_many_lines, reason = "a list, one header a line")]
#[test]
fn a_header_decides_nothing() {
    let n = SIGNER.modulus();
    let jwk = format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"}}"#);
    let cases: Vec<(&str, String, &str)> = vec![
        ("", r#"{"alg":"none"}"#.into(), "algorithm"),
        ("", r#"{"alg":"none","kid":"r1"}"#.into(), "algorithm"),
        ("", r#"{"alg":"None","kid":"r1"}"#.into(), "algorithm"),
        ("", r#"{"alg":"NONE","kid":"r1"}"#.into(), "algorithm"),
        ("", r#"{"alg":"nOnE","kid":"r1"}"#.into(), "algorithm"),
        ("", r#"{"alg":"","kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":"none","kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":null,"kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":["RS256"],"kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":{"a":"RS256"},"kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":256,"kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":"rs256","kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":"RS256 ","kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":"RS1","kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":"RSA-OAEP","kid":"r1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":"RS512","kid":"r1"}"#.into(), "signature"),
        ("RS256", r#"{"alg":"RS384","kid":"r1"}"#.into(), "signature"),
        ("HS256 with the public key", r#"{"alg":"HS256","kid":"r1"}"#.into(), "algorithm"),
        ("HS256 with the modulus", r#"{"alg":"HS256","kid":"r1"}"#.into(), "algorithm"),
        ("HS256 with the public key", r#"{"alg":"RS256","kid":"r1"}"#.into(), "signature"),
        ("HS256 with the public key", r#"{"alg":"HS384","kid":"r1"}"#.into(), "algorithm"),
        ("HS256 with the public key", r#"{"alg":"HS512","kid":"r1"}"#.into(), "algorithm"),
        ("HS256 with the modulus", r#"{"alg":"HS256","kid":"o1"}"#.into(), "algorithm"),
        ("PS256", r#"{"alg":"PS256","kid":"r1"}"#.into(), "algorithm"),
        ("PS256", r#"{"alg":"RS256","kid":"r1"}"#.into(), "signature"),
        ("ES256", r#"{"alg":"ES256","kid":"p1"}"#.into(), "algorithm"),
        ("ES256", r#"{"alg":"RS256","kid":"p1"}"#.into(), "unknown_key"),
        ("ES256", r#"{"alg":"RS256","kid":"r1"}"#.into(), "signature"),
        ("EdDSA", r#"{"alg":"EdDSA","kid":"e1"}"#.into(), "algorithm"),
        ("RS256", r#"{"alg":"RS256","kid":"r2"}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":""}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":"R1"}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":"enc"}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":"o1"}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":1}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":null}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":["r1"]}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":"../../etc/passwd"}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256","kid":"r1' OR '1'='1"}"#.into(), "unknown_key"),
        ("RS256", r#"{"alg":"RS256"}"#.into(), "accepted"),
        ("RS256", r#"{"alg":"RS256","kid":"r1","x5t":"AA"}"#.into(), "accepted"),
        ("RS256", r#"{"alg":"RS256","kid":"r1","typ":"jwt"}"#.into(), "accepted"),
        ("RS256", r#"{"alg":"RS256","kid":"r1","alg":"none"}"#.into(), "malformed"),
        ("RS256", r#"{"alg":"none","alg":"RS256","kid":"r1"}"#.into(), "malformed"),
        ("RS256", r#"["RS256"]"#.into(), "malformed"),
        ("RS256", "null".into(), "malformed"),
        ("RS256", String::new(), "malformed"),
        ("RS256", "{}".into(), "algorithm"),
    ];
    for (with, header, expected) in cases {
        let token = SIGNER.sign(with, &header, &claims(&[]));
        assert_eq!(code(told(&token)), expected, "{with}: {header}");
    }
    for name in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty", "epk"] {
        for value in [&jwk, "null", "\"https://evil.example/keys\"", "[]", "[\"exp\"]", "false"] {
            let header = format!(r#"{{"alg":"RS256","kid":"r1","{name}":{value}}}"#);
            let token = SIGNER.sign("RS256", &header, &claims(&[]));
            assert_eq!(code(told(&token)), "header", "{header}");
        }
    }
    for typ in [
        "\"at+jwt\"",
        "\"application/at+jwt\"",
        "\"logout+jwt\"",
        "\"sluice-pass+jwt\"",
        "\"JOSE\"",
        "\"dpop+jwt\"",
        "\"secevent+jwt\"",
        "\"\"",
        "\"JWT \"",
        "null",
        "1",
        "[\"JWT\"]",
        "{}",
        "true",
    ] {
        let header = format!(r#"{{"alg":"RS256","kid":"r1","typ":{typ}}}"#);
        let token = SIGNER.sign("RS256", &header, &claims(&[]));
        assert_eq!(code(told(&token)), "type", "{header}");
    }
}

#[test]
fn each_family_takes_its_own_only() {
    let header = |algorithm: &str, key: &str| format!(r#"{{"alg":"{algorithm}","kid":"{key}"}}"#);
    let families = [
        (Family::Rsa, "RS256", "r1"),
        (Family::RsaPss, "PS256", "r1"),
        (Family::P256, "ES256", "p1"),
        (Family::Ed25519, "EdDSA", "e1"),
    ];
    for (family, _, _) in families {
        for (own, algorithm, key) in families {
            let token = SIGNER.sign(algorithm, &header(algorithm, key), &claims(&[]));
            let expected = Expected { family, ..strict() };
            let outcome = code(verify(&token, &expected, &SIGNER.keys(), NOW_S));
            let wanted = if family == own { "accepted" } else { "algorithm" };
            assert_eq!(outcome, wanted, "{family:?} {algorithm}");
        }
    }
}

#[test]
fn one_changed_letter_is_another_token() {
    let token = SIGNER.sign("RS256", HEADER, &claims(&[]));
    let mut tried = 0;
    for (at, letter) in token.char_indices().step_by(3) {
        for other in ['A', 'Q', '-', '.', '=', '+'] {
            if other != letter {
                let mut changed = token.clone();
                changed.replace_range(at..=at, &other.to_string());
                assert_ne!(code(told(&changed)), "accepted", "{at} {other}");
                tried += 1;
            }
        }
    }
    assert!(tried > 1000);
    for cut in 0..token.len() {
        assert_ne!(code(told(&token[..cut])), "accepted");
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let token = SIGNER.sign("RS256", HEADER, &claims(&[]));
    let parts: Vec<&str> = token.split('.').collect();
    let [header, body, signature] = parts.as_slice() else { unreachable!("three parts") };
    for text in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{header}.{body}"),
        format!("{header}.{body}."),
        format!(".{body}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}."),
        format!("{token}.x"),
        format!(".{token}"),
        format!("{header}.{body}.{signature}.{signature}.{signature}"),
        format!("{token}="),
        format!("{token}=="),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("Bearer {token}"),
        format!("{header}=.{body}.{signature}"),
        format!("{header}.{body}.{}", signature.replace(['-', '_'], "+")),
        format!("{{\"protected\":\"{header}\",\"payload\":\"{body}\"}}"),
        encoded("{}"),
    ] {
        let outcome = code(told(&text));
        assert!(["malformed", "signature", "algorithm"].contains(&outcome.as_str()), "{text}");
    }
    let long = SIGNER.sign(
        "RS256",
        HEADER,
        &claims(&[("x", Some(&format!("{:?}", "x".repeat(MAX_TOKEN_BYTES))))]),
    );
    assert_eq!(code(told(&long)), "too_long");
}

#[test]
fn the_claimed_issuer_is_read_strictly_too() {
    let token = SIGNER.sign("RS256", HEADER, &claims(&[]));
    assert_eq!(claimed_issuer(&token).unwrap(), "https://issuer.example");
    for changed in [claims(&[("iss", Some("7"))]), claims(&[("iss", None)])] {
        assert!(claimed_issuer(&SIGNER.sign("RS256", HEADER, &changed)).is_err());
    }
}
