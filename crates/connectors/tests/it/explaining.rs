//! What `sluice link hear` is built on.

use serde_json::json;
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_connectors::{CannotExplain, Delivery, Secret, explain};

use crate::support::now;

const PING: &str = r#"{"zen":"Keep it logically awesome.","hook_id":1}"#;

#[test]
fn without_a_secret_the_signature_is_skipped_and_that_is_said() {
    let report = explain("github", None, &Delivery::of_body(PING, now()), None).expect("a report");
    assert_eq!(report.exit_code(), 0);
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(json["kind"], "github");
    assert_eq!(json["signature"], "skipped");
    assert_eq!(json["outcome"], "signals");
    assert_eq!(json["signals"], json!([{ "signal": "ping" }]));
    let notes = json["notes"].to_string();
    assert!(notes.contains("not checked") && notes.contains("event guessed"), "{notes}");
}

#[test]
fn a_wrong_signature_is_refused_before_anything_is_read() {
    let delivery = Delivery::of_body(PING, now()).with_header("x-hub-signature-256", "sha256=00");
    let report = explain("github", None, &delivery, Some(&Secret::new("s"))).expect("a report");
    assert_eq!((report.exit_code(), report.signature.as_str()), (4, "bad: signature_malformed"));
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(
        (&json["outcome"], &json["code"]),
        (&json!("refused"), &json!("signature_malformed"))
    );
}

#[test]
fn a_right_signature_is_valid() {
    let mac = data_encoding::HEXLOWER.encode(&hmac_sha256(b"s", PING.as_bytes()));
    let delivery = Delivery::of_body(PING, now())
        .with_header("X-GitHub-Event", "star")
        .with_header("x-hub-signature-256", &format!("sha256={mac}"));
    let report = explain("github", None, &delivery, Some(&Secret::new("s"))).expect("a report");
    assert_eq!((report.exit_code(), report.signature.as_str()), (3, "valid"));
}

#[test]
fn an_unknown_kind_and_a_bad_configuration_are_named() {
    let delivery = Delivery::of_body(PING, now());
    let unknown = explain("pigeon", None, &delivery, None);
    assert!(matches!(unknown, Err(CannotExplain::UnknownKind(_))));
    let bad = explain("github", Some(&json!({})), &delivery, None);
    assert!(matches!(bad, Err(CannotExplain::Configuration(problems)) if problems.len() == 1));
}

#[test]
fn an_unreadable_file_exits_with_four() {
    let report = explain("gitlab", None, &Delivery::of_body("{", now()), None).expect("a report");
    assert_eq!(report.exit_code(), 4);
}
