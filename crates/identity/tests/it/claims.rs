//! Every claim, with every value that it must not have, under a signature that is good.

use sluice_identity::{Audience, Fault, Reject, verify};

use crate::signer::{HEADER, NOW_S, SIGNER, claims, code, strict, told};

/// Values that are no time.
const NO_TIME: [&str; 30] = [
    "null",
    "true",
    "false",
    "\"\"",
    "\"soon\"",
    "\"1790000290\"",
    "\"2026-09-21T12:00:00Z\"",
    "\"Infinity\"",
    "1790000290.0",
    "1790000290.5",
    "1.79e9",
    "1e3",
    "1E400",
    "0.0",
    "-0.0",
    "-0",
    "-1",
    "-1790000290",
    "-9223372036854775808",
    "-9223372036854775809",
    "253402300800",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "[]",
    "[1790000290]",
    "{}",
    "{\"value\":1790000290}",
];

/// Values that are no text that names something.
const NO_TEXT: [&str; 24] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1.5",
    "1e3",
    "9223372036854775808",
    "\"\"",
    "\"\\u0000\"",
    "\"a\\nb\"",
    "\"a\\u001bb\"",
    "\"\\u0085\"",
    "[]",
    "[null]",
    "[1]",
    "[\"\"]",
    "[[\"a\"]]",
    "[\"a\",1]",
    "{}",
    "{\"a\":\"b\"}",
    "[{}]",
    "[true]",
];

const TIMES: [&str; 3] = ["exp", "iat", "nbf"];
const TEXTS: [&str; 4] = ["iss", "sub", "jti", "aud"];

#[test]
fn a_sound_token_is_accepted() {
    let accepted = told(&SIGNER.sign("RS256", HEADER, &claims(&[]))).unwrap();
    assert_eq!(accepted.id.as_deref(), Some("a-1"));
    assert_eq!(accepted.expires_s, NOW_S + 290);
    let more = claims(&[("run_id", Some("\"7\"")), ("n", Some("7")), ("l", Some("[\"a\"]"))]);
    let accepted = told(&SIGNER.sign("RS256", HEADER, &more)).unwrap();
    assert_eq!(accepted.text("run_id"), Some("7"));
    assert_eq!(accepted.text("n"), None, "a number is not a text");
    assert_eq!(accepted.lists.get("l").unwrap(), &["a"]);
}

#[test]
fn no_claim_is_taken_for_what_it_is_not() {
    let mut cases = 0;
    let mut check = |name: &str, value: Option<&str>| {
        let token = SIGNER.sign("RS256", HEADER, &claims(&[(name, value)]));
        for form in [Audience::Text, Audience::TextOrListOfOne] {
            let expected = sluice_identity::Expected { audience_form: form, ..strict() };
            let outcome = verify(&token, &expected, &SIGNER.keys(), NOW_S);
            let named = match &outcome {
                Err(Reject::Claim { name: told, .. }) => *told == name,
                Err(Reject::Audience) => name == "aud",
                // A number that JSON's reader cannot hold is no JSON to it.
                Err(Reject::Malformed) => value.is_some_and(|value| value.contains("E400")),
                _ => false,
            };
            assert!(named, "{name} = {value:?}: {outcome:?}");
            cases += 1;
        }
    };
    for name in TIMES {
        check(name, None);
        NO_TIME.iter().for_each(|value| check(name, Some(value)));
    }
    let long = format!("\"{}\"", "x".repeat(2049));
    for name in TEXTS {
        check(name, None);
        check(name, Some(&long));
        NO_TEXT.iter().for_each(|value| check(name, Some(value)));
    }
    assert!(cases >= 380, "{cases}");
}

#[test]
fn what_may_be_absent_may_not_be_wrong() {
    let lenient = sluice_identity::Expected { demands_nbf: false, demands_jti: false, ..strict() };
    for name in ["nbf", "jti"] {
        let told = |value: Option<&str>| {
            let token = SIGNER.sign("RS256", HEADER, &claims(&[(name, value)]));
            verify(&token, &lenient, &SIGNER.keys(), NOW_S)
        };
        assert!(told(None).is_ok());
        for value in ["null", "1.5", "[]", "{}", "true"] {
            let fault = told(Some(value)).unwrap_err();
            let expected = matches!(fault, Reject::Claim { fault: Fault::WrongType, .. });
            assert!(expected, "{name} = {value}: {fault:?}");
        }
    }
}

#[test]
fn another_issuer_is_another_issuer() {
    for value in [
        "https://issuer.example/",
        "https://issuer.example/x",
        "https://issuer.example.evil.example",
        "https://evil.example",
        "http://issuer.example",
        "HTTPS://issuer.example",
        "https://ISSUER.example",
        "https://issuer.example:443",
        "https://issuer.example?",
        "https://issuer.example#",
        "https://issuer.example%2F",
        " https://issuer.example",
        "https://issuer.example ",
        "issuer.example",
        "https://issuer\u{2024}example",
        "https://іssuer.example",
    ] {
        let token = SIGNER.sign("RS256", HEADER, &claims(&[("iss", Some(&format!("{value:?}")))]));
        assert_eq!(code(told(&token)), "issuer", "{value}");
    }
}

#[test]
fn a_token_for_others_too_is_not_for_us() {
    for (value, list) in [
        (r#""sluice:test.example""#, "audience"),
        (r#""sluice:test.example/log ""#, "audience"),
        (r#""SLUICE:test.example/log""#, "audience"),
        (r#""https://github.com/acme""#, "audience"),
        (r#"["sluice:test.example/log"]"#, "accepted"),
        (r#"["sluice:test.example/log","other"]"#, "audience"),
        (r#"["other","sluice:test.example/log"]"#, "audience"),
        (r#"["sluice:test.example/log","sluice:test.example/log"]"#, "audience"),
        (r#"["other"]"#, "audience"),
    ] {
        let token = SIGNER.sign("RS256", HEADER, &claims(&[("aud", Some(value))]));
        assert_eq!(code(told(&token)), "audience", "{value}");
        let lists =
            sluice_identity::Expected { audience_form: Audience::TextOrListOfOne, ..strict() };
        assert_eq!(code(verify(&token, &lists, &SIGNER.keys(), NOW_S)), list, "{value}");
    }
}

#[test]
fn times_are_judged_by_our_clock() {
    let at = |seconds: i64| (NOW_S + seconds).to_string();
    for (name, offset, expected) in [
        ("exp", 1, "accepted"),
        ("exp", 0, "expired"),
        ("exp", -1, "expired"),
        ("exp", -10, "expired"),
        ("exp", -1_790_000_000, "expired"),
        ("iat", 30, "accepted"),
        ("iat", 31, "not_yet"),
        ("iat", -600, "accepted"),
        ("iat", -601, "too_old"),
        ("iat", -1_790_000_000, "too_old"),
        ("iat", 290, "expired"),
        ("nbf", 30, "accepted"),
        ("nbf", 31, "not_yet"),
        ("nbf", -1_790_000_000, "accepted"),
    ] {
        let token = SIGNER.sign("RS256", HEADER, &claims(&[(name, Some(&at(offset)))]));
        assert_eq!(code(told(&token)), expected, "{name} {offset}");
    }
}

#[test]
fn claims_that_can_be_read_in_two_ways_are_not_read() {
    let sound = claims(&[]);
    let inside = sound.trim_end_matches('}');
    for text in [
        format!("{inside},\"exp\":99999999999}}"),
        format!("{inside},\"iss\":\"https://evil.example\"}}"),
        format!("{inside},\"\\u0069ss\":\"https://issuer.example\"}}"),
        format!("{inside},\"x\":{{\"a\":1,\"a\":2}}}}"),
        format!("{inside},\"x\":{}1{}}}", "[".repeat(9), "]".repeat(9)),
        format!("{inside},\"x\":{}1{}}}", "[".repeat(4000), "]".repeat(4000)),
        format!("{sound}{sound}"),
        format!("{sound} x"),
        format!("\u{feff}{sound}"),
        format!("[{sound}]"),
        format!("{inside},}}"),
        format!("{inside},\"x\":NaN}}"),
        format!("{inside},\"x\":\"\\ud800\"}}"),
        format!("{inside}/**/}}"),
        "null".to_owned(),
        "\"text\"".to_owned(),
        "[]".to_owned(),
        String::new(),
    ] {
        let token = SIGNER.sign("RS256", HEADER, &text);
        assert_eq!(code(told(&token)), "malformed", "{text:.120}");
    }
}
