//! Every way of proving that the sender knows the secret, on every connector that has it.

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;
use sluice_connectors::SignatureProblem::{
    NoSecret, SignatureMalformed, SignatureMissing, SignatureWrong, TimestampMalformed,
    TimestampOutOfTolerance,
};
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_connectors::{Delivery, Link, Secret};

use crate::support::{NOW_S, example_link, fixtures, link_with, now};

const CURRENT: &str = "the-current-secret-of-the-link";
const FORMER: &str = "the-former-secret-of-the-link";

type Sign = fn(Delivery, &str) -> Delivery;

/// Name, link, how its senders sign, and whether the body is covered.
fn schemes() -> Vec<(&'static str, Link, Sign, bool)> {
    let generic = |scheme: serde_json::Value| link_with("generic", &[("verification", scheme)]);
    let cdevents = |way: &str| link_with("cdevents", &[("verification", json!(way))]);
    let gitlab = |way: &str| link_with("gitlab", &[("verification", json!(way))]);
    vec![
        ("github", example_link("github"), github, true),
        ("gitlab signature", gitlab("signature"), standard, true),
        ("gitlab token", gitlab("token"), |d, s| d.with_header("X-Gitlab-Token", s), false),
        ("gitlab check", gitlab("token"), gitlab_check, true),
        (
            "jenkins header",
            example_link("jenkins"),
            |d, s| d.with_header("X-Sluice-Token", s),
            false,
        ),
        ("jenkins query", example_link("jenkins"), |d, s| in_query(d, "token", s), false),
        ("cdevents signature", cdevents("signature"), standard, true),
        ("cdevents token", cdevents("token"), bearer, false),
        ("cdevents query", cdevents("token"), |d, s| in_query(d, "access_token", s), false),
        ("generic hmac", example_link("generic"), generic_hex, true),
        (
            "generic base64",
            generic(json!({"scheme": "hmac_sha256", "header": "X-Sig", "encoding": "base64"})),
            generic_base64,
            true,
        ),
        ("generic bearer", generic(json!({"scheme": "bearer"})), bearer, false),
        (
            "generic token",
            generic(json!({"scheme": "token_header", "header": "X-Token"})),
            |d, s| d.with_header("x-token", s),
            false,
        ),
        ("slack", example_link("slack"), slack, true),
        ("generic standard", generic(json!({"scheme": "standard_webhooks"})), standard, true),
    ]
}

fn gitlab_check(delivery: Delivery, secret: &str) -> Delivery {
    let mac = hmac_sha256(secret.as_bytes(), &delivery.body);
    delivery.with_header("X-Gitlab-Signature", &HEXLOWER.encode(&mac))
}

#[test]
fn the_right_secret_is_found_and_which_one_is_said() {
    for (name, link, sign, _) in schemes() {
        let both = [Secret::new(CURRENT), Secret::new(FORMER)];
        for (index, text) in [CURRENT, FORMER].into_iter().enumerate() {
            let verified = link.verify(&sign(delivery(), text), &both);
            assert_eq!(verified.map(|verified| verified.secret), Ok(index), "{name}");
        }
    }
}

#[test]
fn a_wrong_a_missing_and_an_empty_secret_are_refused() {
    for (name, link, sign, _) in schemes() {
        let signed = sign(delivery(), CURRENT);
        let verify = |secrets: &[Secret]| link.verify(&signed, secrets).err();
        assert_eq!(verify(&[Secret::new(FORMER)]), Some(SignatureWrong), "{name}");
        assert_eq!(verify(&[]), Some(NoSecret), "{name}");
        assert_eq!(verify(&[Secret::new("")]), Some(NoSecret), "{name}");
        let third = [Secret::new("a"), Secret::new("b"), Secret::new(CURRENT)];
        assert_eq!(verify(&third), Some(SignatureWrong), "{name}: only two are tried");
        let unsigned = link.verify(&delivery(), &[Secret::new(CURRENT)]).err();
        assert_eq!(unsigned, Some(SignatureMissing), "{name}");
        let empty = link.verify(&sign(delivery(), ""), &[Secret::new(CURRENT)]).is_err();
        assert!(empty, "{name}");
    }
}

#[test]
fn one_changed_bit_anywhere_in_the_body_is_a_wrong_signature() {
    let secrets = [Secret::new(CURRENT)];
    for (name, link, sign, covers_body) in schemes() {
        if !covers_body {
            continue;
        }
        let signed = sign(delivery(), CURRENT);
        for at in 0..signed.body.len() {
            let mut body = signed.body.to_vec();
            body[at] ^= 1;
            let changed = Delivery { body: Bytes::from(body), ..signed.clone() };
            assert_eq!(link.verify(&changed, &secrets).err(), Some(SignatureWrong), "{name} {at}");
        }
        let longer = [&signed.body[..], b" "].concat();
        let changed = Delivery { body: Bytes::from(longer), ..signed.clone() };
        assert_eq!(link.verify(&changed, &secrets).err(), Some(SignatureWrong), "{name}");
    }
}

#[test]
fn one_changed_character_of_the_proof_is_refused() {
    let secrets = [Secret::new(CURRENT)];
    for (name, link, sign, _) in schemes() {
        let signed = sign(delivery(), CURRENT);
        let (header, value) = signed.headers.last().cloned().unwrap_or_default();
        for at in 0..value.len() {
            let mut changed = signed.clone();
            let mut bytes = value.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            changed.headers.pop();
            changed.headers.push((header.clone(), String::from_utf8(bytes).expect("text")));
            // `Bearer` may be written in any case, but not with other letters.
            assert!(link.verify(&changed, &secrets).is_err(), "{name} {at}");
        }
    }
}

#[test]
fn a_signature_that_came_twice_is_ambiguous() {
    let link = example_link("github");
    let twice = github(github(delivery(), CURRENT), FORMER);
    assert_eq!(link.verify(&twice, &[Secret::new(CURRENT)]).err(), Some(SignatureMissing));
}

#[test]
fn malformed_signatures_have_their_own_name() {
    let link = example_link("github");
    for value in ["", "sha256=", "sha1=00", "sha256=zz", &format!("sha256={}", "0".repeat(62))] {
        let given = delivery().with_header("x-hub-signature-256", value);
        assert_eq!(
            link.verify(&given, &[Secret::new(CURRENT)]).err(),
            Some(SignatureMalformed),
            "{value}"
        );
    }
}

#[test]
fn a_signed_time_may_be_five_minutes_off_and_no_more() {
    type SignAt = fn(Delivery, &str, &str) -> Delivery;
    let gitlab = link_with("gitlab", &[("verification", json!("signature"))]);
    for (link, sign) in [(gitlab, at as SignAt), (example_link("slack"), slack_at)] {
        let verify = |time: &str| {
            link.verify(&sign(delivery(), CURRENT, time), &[Secret::new(CURRENT)]).err()
        };
        for off_s in [-300, -1, 0, 300] {
            assert_eq!(verify(&(NOW_S + off_s).to_string()), None, "{off_s}");
        }
        for off_s in [-301, 301, 1_000_000] {
            let off = Some(TimestampOutOfTolerance);
            assert_eq!(verify(&(NOW_S + off_s).to_string()), off, "{off_s}");
        }
        for time in ["", "soon", "1e9", "99999999999999999999"] {
            assert_eq!(verify(time), Some(TimestampMalformed), "{time}");
        }
        assert_eq!(verify(&i64::MIN.to_string()), Some(TimestampOutOfTolerance));
    }
}

#[test]
fn the_published_vector_of_slack_verifies() {
    let at = jiff::Timestamp::from_second(1_531_420_618).expect("a time");
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let delivery = Delivery::of_body(body, at)
        .with_header("X-Slack-Request-Timestamp", "1531420618")
        .with_header(
            "X-Slack-Signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        );
    let secret = Secret::new("8f742231b10e8888abcd99yyyzzz85a5");
    assert!(example_link("slack").verify(&delivery, &[secret]).is_ok());
}

#[test]
fn the_published_vector_of_standard_webhooks_verifies() {
    // Made with the key of the specification's example: MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut delivery = Delivery::of_body(
        r#"{"test": 2432232314}"#,
        jiff::Timestamp::from_second(1_614_265_330).expect("a time"),
    );
    for (name, value) in [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1a,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v2,BBBB"),
    ] {
        delivery = delivery.with_header(name, value);
    }
    let link = link_with("gitlab", &[("verification", json!("signature"))]);
    assert!(link.verify(&delivery, &[Secret::new(secret)]).is_ok());
}

#[test]
fn the_published_vector_of_github_verifies() {
    let delivery = Delivery::of_body("Hello, World!", now()).with_header(
        "x-hub-signature-256",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    );
    let secret = Secret::new("It's a Secret to Everybody");
    assert!(example_link("github").verify(&delivery, &[secret]).is_ok());
}

fn delivery() -> Delivery {
    let body = fixtures("github").into_iter().find(|fixture| fixture.path.ends_with("push.json"));
    Delivery::of_body(body.expect("a fixture").delivery().body, now())
}

fn github(delivery: Delivery, secret: &str) -> Delivery {
    let mac = HEXLOWER.encode(&hmac_sha256(secret.as_bytes(), &delivery.body));
    delivery.with_header("X-Hub-Signature-256", &format!("sha256={mac}"))
}

fn generic_hex(delivery: Delivery, secret: &str) -> Delivery {
    let mac = HEXLOWER.encode(&hmac_sha256(secret.as_bytes(), &delivery.body));
    delivery.with_header("X-Signature-256", &format!("sha256={mac}"))
}

fn generic_base64(delivery: Delivery, secret: &str) -> Delivery {
    let mac = BASE64.encode(&hmac_sha256(secret.as_bytes(), &delivery.body));
    delivery.with_header("X-Sig", &mac)
}

fn bearer(delivery: Delivery, secret: &str) -> Delivery {
    delivery.with_header("Authorization", &format!("Bearer {secret}"))
}

fn in_query(mut delivery: Delivery, name: &str, secret: &str) -> Delivery {
    delivery.query = Some(format!("{name}={secret}&x=1"));
    delivery
}

fn standard(delivery: Delivery, secret: &str) -> Delivery {
    at(delivery, secret, &NOW_S.to_string())
}

fn at(delivery: Delivery, secret: &str, time: &str) -> Delivery {
    let signed = [b"msg_1.", time.as_bytes(), b".", &delivery.body[..]].concat();
    let mac = BASE64.encode(&hmac_sha256(secret.as_bytes(), &signed));
    delivery
        .with_header("webhook-id", "msg_1")
        .with_header("webhook-timestamp", time)
        .with_header("webhook-signature", &format!("v1,{mac}"))
}

fn slack(delivery: Delivery, secret: &str) -> Delivery {
    slack_at(delivery, secret, &NOW_S.to_string())
}

fn slack_at(delivery: Delivery, secret: &str, time: &str) -> Delivery {
    let signed = [b"v0:", time.as_bytes(), b":", &delivery.body[..]].concat();
    let mac = HEXLOWER.encode(&hmac_sha256(secret.as_bytes(), &signed));
    delivery
        .with_header("x-slack-request-timestamp", time)
        .with_header("x-slack-signature", &format!("v0={mac}"))
}
