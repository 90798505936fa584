//! The modes of CloudEvents over HTTP: one event tells the same however it is packed.

use serde_json::{Value, json};
use sluice_connectors::Delivery;

use crate::support::{as_json, example_link, fixtures, now, outcome_of};

#[test]
fn every_mode_tells_the_same() {
    for fixture in fixtures("cdevents") {
        let Some(event) = fixture.json.get("body").filter(|body| body["context"].is_object())
        else {
            continue;
        };
        let wanted = &fixture.json["expected"];
        if ["attributes_differ", "forbidden_header"].iter().any(|code| wanted["code"] == *code) {
            continue;
        }
        for (mode, delivery) in packed(event) {
            let heard = as_json(&example_link("cdevents").hear(&delivery));
            assert_eq!(heard["outcome"], wanted["outcome"], "{mode} {}", fixture.path.display());
            assert_eq!(heard["signals"], wanted["signals"], "{mode} {}", fixture.path.display());
            assert_eq!(heard["code"], wanted["code"], "{mode} {}", fixture.path.display());
        }
    }
}

#[test]
fn what_is_no_cloudevent_is_named() {
    let event = |name: &str, value: Value| {
        let mut event =
            json!({ "specversion": "1.0", "id": "1", "source": "/x", "type": "com.example.x" });
        event[name] = value;
        event
    };
    for (event, outcome) in [
        (event("data", json!({})), "ignored not_a_cdevent"),
        (event("subject", json!(null)), "ignored not_a_cdevent"),
        (event("traceparent", json!(7)), "ignored not_a_cdevent"),
        (event("data_base64", json!("e30=")), "ignored not_a_cdevent"),
        (event("specversion", json!("0.3")), "unreadable cloudevents_version"),
        (event("id", json!("")), "unreadable field_missing"),
        (event("source", json!(null)), "unreadable field_missing"),
        (event("time", json!("yesterday")), "unreadable not_a_cloudevent"),
        (event("Upper", json!("x")), "unreadable not_a_cloudevent"),
        (event("nested", json!({})), "unreadable not_a_cloudevent"),
        (event("data_base64", json!("%")), "unreadable not_a_cloudevent"),
        (json!([]), "unreadable unexpected_shape"),
        (json!("x"), "unreadable unexpected_shape"),
    ] {
        let body = serde_json::to_vec(&event).expect("JSON");
        let delivery = Delivery::of_body(body, now())
            .with_header("Content-Type", "Application/CloudEvents+JSON; charset=utf-8");
        assert_eq!(outcome_of(&example_link("cdevents").hear(&delivery)), outcome, "{event}");
    }
}

#[test]
fn an_empty_batch_tells_nothing() {
    let delivery = Delivery::of_body("[]", now())
        .with_header("content-type", "application/cloudevents-batch+json");
    assert_eq!(outcome_of(&example_link("cdevents").hear(&delivery)), "ignored nothing_told");
}

/// The event in binary, structured (plain and in Base64), batch and bare mode.
fn packed(event: &Value) -> Vec<(&'static str, Delivery)> {
    let bytes = serde_json::to_vec(event).expect("JSON");
    let context = &event["context"];
    let text = |name: &str| context[name].as_str().expect("a text").to_owned();
    let around = json!({ "specversion": "1.0", "id": text("id"), "source": text("source"), "type": text("type") });
    let mut plain = around.clone();
    plain["data"] = event.clone();
    let mut base64 = around;
    base64["datacontenttype"] = json!("application/json");
    base64["data_base64"] = json!(data_encoding::BASE64.encode(&bytes));
    let structured = |event: &Value| {
        Delivery::of_body(serde_json::to_vec(event).expect("JSON"), now())
            .with_header("content-type", "application/cloudevents+json")
    };
    let quoted = format!("\"{}\"", text("source").replace('Ü', "%C3%9C"));
    let binary = Delivery::of_body(bytes.clone(), now())
        .with_header("Content-Type", "application/json")
        .with_header("CE-SpecVersion", "1.0")
        .with_header("CE-Id", &text("id"))
        .with_header("CE-Source", &quoted)
        .with_header("CE-Type", &text("type"));
    vec![
        ("binary", binary),
        ("structured", structured(&plain)),
        ("structured base64", structured(&base64)),
        (
            "batch",
            Delivery::of_body(serde_json::to_vec(&[&plain]).expect("JSON"), now())
                .with_header("content-type", "application/cloudevents-batch+json; charset=utf-8"),
        ),
        ("bare", Delivery::of_body(bytes, now()).with_header("content-type", "application/json")),
    ]
}
