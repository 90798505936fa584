//! Bodies that mean harm end in a named outcome, on every connector and in every guise.

use bytes::Bytes;
use sluice_connectors::{Delivery, registry};

use crate::support::{example_link, fixtures, now, outcome_of};

#[test]
fn hostile_bodies_are_unreadable_by_name() {
    let keys: Vec<String> = (0..1_000_000).map(|key| format!("\"{key}\":0")).collect();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("body_empty", Vec::new()),
        ("not_json", b"{".to_vec()),
        ("not_json", b"<html></html>".to_vec()),
        ("not_utf8", b"{\"a\":\"\xff\"}".to_vec()),
        ("lone_surrogate", br#"{"a":"\ud800"}"#.to_vec()),
        ("number_out_of_range", br#"{"a":1e400}"#.to_vec()),
        ("duplicate_key", br#"{"action":"a","action":"b"}"#.to_vec()),
        (
            "too_deep",
            format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        ),
        ("too_many_keys", format!("{{{}}}", keys[..20_000].join(",")).into_bytes()),
        ("body_too_large", format!("{{{}}}", keys.join(",")).into_bytes()),
        ("string_too_long", format!("{{\"a\":\"{}\"}}", "x".repeat(2_000_000)).into_bytes()),
    ];
    for connector in registry() {
        let link = example_link(connector.kind());
        for (code, body) in &bodies {
            let heard = link.hear(&dressed(connector.kind(), body.clone()));
            assert_eq!(outcome_of(&heard), format!("unreadable {code}"), "{}", connector.kind());
        }
    }
}

#[test]
fn json_of_any_other_shape_has_a_named_outcome() {
    for connector in registry() {
        let link = example_link(connector.kind());
        for body in [
            "null",
            "true",
            "0",
            "\"x\"",
            "[]",
            "{}",
            "[null]",
            "[[]]",
            "{\"build\":null}",
            "{\"object_kind\":null}",
            "{\"object_kind\":\"push\",\"commits\":null}",
            "{\"event\":[]}",
            "{\"repository\":null,\"ref\":null}",
            "{\"context\":{},\"subject\":{}}",
        ] {
            for event in [
                "push",
                "pull_request",
                "workflow_run",
                "deployment_status",
                "check_run",
                "status",
                "workflow_job",
                "deployment_protection_rule",
                "release",
                "registry_package",
                "create",
                "deployment_review",
            ] {
                let mut delivery = dressed(connector.kind(), body.as_bytes().to_vec());
                delivery.headers.retain(|(name, _)| name != "x-github-event");
                let outcome =
                    outcome_of(&link.hear(&delivery.with_header("x-github-event", event)));
                assert_ne!(outcome, "signals", "{} {body}", connector.kind());
            }
        }
    }
}

/// Every member of every fixture, replaced by each other kind of value, one at a time.
#[test]
fn a_member_of_any_other_type_never_panics() {
    let replacements = ["null", "[]", "{}", "-1", "1.5", "true", "\"\"", "\"\\u0000\""];
    let mut outcomes = std::collections::BTreeMap::new();
    for connector in registry() {
        let link = example_link(connector.kind());
        for fixture in fixtures(connector.kind()) {
            let Some(body) = fixture.json.get("body") else { continue };
            let delivery = fixture.delivery();
            for pointer in pointers(body, String::new()) {
                for replacement in replacements {
                    let mut changed = body.clone();
                    let Some(place) = changed.pointer_mut(&pointer) else { continue };
                    *place = serde_json::from_str(replacement).expect("JSON");
                    let body = Bytes::from(serde_json::to_vec(&changed).expect("JSON"));
                    let heard = link.hear(&Delivery { body, ..delivery.clone() });
                    *outcomes.entry(outcome_of(&heard)).or_insert(0_u32) += 1;
                }
            }
        }
    }
    println!("{outcomes:#?}");
}

#[test]
fn an_identifying_text_that_is_too_long_is_refused_and_a_describing_one_cut() {
    let long = "x".repeat(600);
    let body = format!(
        r#"{{"ref":"refs/heads/{long}","after":"{}","repository":{{"full_name":"a/b"}}}}"#,
        "a".repeat(40)
    );
    let link = example_link("github");
    let delivery = Delivery::of_body(body, now()).with_header("x-github-event", "push");
    assert_eq!(outcome_of(&link.hear(&delivery)), "unreadable text_too_long");
    let body = format!(
        r#"{{"ref":"refs/heads/main","after":"{0}","repository":{{"full_name":"a/b"}},"commits":[{{"id":"{0}","message":"{long}"}}]}}"#,
        "a".repeat(40)
    );
    let delivery = Delivery::of_body(body, now()).with_header("x-github-event", "push");
    let heard = serde_json::to_value(link.hear(&delivery).expect("heard")).expect("JSON");
    assert_eq!(heard["signals"][0]["commits"][0]["title"], "x".repeat(200));
}

#[test]
fn a_push_of_as_many_commits_as_github_lists_is_read() {
    let commit = |number: usize| {
        format!(
            r#"{{"id":"{number:040x}","tree_id":"{number:040x}","distinct":true,"message":"m","timestamp":"2026-03-02T10:15:00Z","url":"u","author":{{"name":"a","email":"a@b.example","username":"a"}},"committer":{{"name":"a","email":"a@b.example","username":"a"}},"added":[],"removed":[],"modified":["x"]}}"#
        )
    };
    let commits: Vec<String> = (1..=2_048).map(commit).collect();
    let body = format!(
        r#"{{"ref":"refs/heads/main","after":"{:040x}","repository":{{"full_name":"a/b"}},"commits":[{}]}}"#,
        2_048,
        commits.join(",")
    );
    let delivery = Delivery::of_body(body, now()).with_header("x-github-event", "push");
    let heard = example_link("github").hear(&delivery);
    let heard = serde_json::to_value(heard.expect("heard")).expect("JSON");
    assert_eq!(heard["signals"][0]["commits"].as_array().map(Vec::len), Some(2_048));
}

/// A body with the headers that bring it as far as it can come.
fn dressed(kind: &str, body: Vec<u8>) -> Delivery {
    let media_type = match kind {
        "cdevents" => "application/cloudevents+json",
        _ => "application/json",
    };
    Delivery::of_body(body, now())
        .with_header("content-type", media_type)
        .with_header("x-github-event", "push")
}

fn pointers(value: &serde_json::Value, here: String) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(members) = value.as_object() {
        for (name, member) in members {
            let name = name.replace('~', "~0").replace('/', "~1");
            found.extend(pointers(member, format!("{here}/{name}")));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(pointers(item, format!("{here}/{index}")));
    }
    found.push(here);
    found
}
