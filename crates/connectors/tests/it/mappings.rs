//! The mapping of the generic connector: what it can say, and what is named when it is wrong.

use serde_json::{Value, json};
use sluice_connectors::{Delivery, find};

use crate::support::{as_json, now};

#[test]
fn every_signal_can_be_made() {
    let commit = "a".repeat(40);
    let run = json!({ "run.system": { "value": "x:y" }, "run.id": "$.id", "run.attempt": { "value": 2 } });
    for (signal, fields) in [
        ("ping", json!({})),
        (
            "commits_pushed",
            json!({ "repository": { "value": "git@git.example.org:Acme/Payments.git" }, "branch": "$.branch", "commit": "$.commit", "pusher.account": "$.who" }),
        ),
        (
            "proposal_merged",
            json!({ "repository": { "value": "https://git.example.org/Acme/Payments" }, "proposal": "$.id", "title": "$.title", "branch": "$.branch", "lines_changed": "$.id", "author.account": "$.who", "at": "$.at" }),
        ),
        (
            "proposal_updated",
            json!({ "repository": { "value": "a/b" }, "proposal": "$.id", "action": { "value": "opened" } }),
        ),
        ("run_started", run.clone()),
        ("run_finished", with(&run, "outcome", json!("$.result"))),
        ("stage_reported", with(&run, "stage", json!("$.title"))),
        (
            "gate_requested",
            with(
                &with(&run, "repository", json!({ "value": "a/b" })),
                "environment",
                json!("/env/0"),
            ),
        ),
        (
            "deployment_reported",
            json!({ "deployment": "$.id", "environment": "$.env[0]", "state": "$.result" }),
        ),
        ("artifact_reported", json!({ "artifact": "$.title", "action": { "value": "published" } })),
        (
            "evidence_reported",
            json!({ "evidence": { "value": "scan" }, "name": "$.title", "outcome": "$.result" }),
        ),
        (
            "incident_reported",
            json!({ "incident": "$.id", "resolved": { "value": false }, "title": "$.title" }),
        ),
        (
            "noted",
            json!({ "name": { "value": "x" }, "values.id": "$.id", "values.absent": "$.nope" }),
        ),
    ] {
        let body = json!({ "id": 17, "branch": "main", "commit": commit, "who": "Ann", "title": "T", "at": 1_772_447_340, "result": "SUCCESS", "env": ["production"] });
        let heard = hear(json!([{ "signal": signal, "fields": fields }]), body);
        assert_eq!(heard["signals"][0]["signal"], signal, "{heard}");
    }
}

#[test]
fn conditions_ask_for_presence_words_and_beginnings() {
    for (when, holds) in [
        (json!([]), true),
        (json!([{ "path": "$.a", "equals": 1 }]), true),
        (json!([{ "path": "$.a", "equals": "1" }]), false),
        (json!([{ "path": "$.b", "exists": false }, { "path": "$.a", "exists": true }]), true),
        (json!([{ "path": "$.n", "exists": true }]), false),
        (json!([{ "path": "$.t", "starts_with": "dep" }]), true),
        (json!([{ "path": "$.t", "one_of": ["x", "deploy"] }]), true),
        (json!([{ "header": "X-Event", "equals": "deploy" }]), true),
        (json!([{ "header": "X-Other", "equals": "deploy" }]), false),
        (json!([{ "path": "$.a", "equals": 1 }, { "path": "$.a", "equals": 2 }]), false),
    ] {
        let heard = hear(
            json!([{ "when": when, "signal": "ping" }]),
            json!({ "a": 1, "n": null, "t": "deploy" }),
        );
        assert_eq!(heard["outcome"] == "signals", holds, "{when}: {heard}");
    }
}

#[test]
fn every_mapping_that_applies_makes_a_signal_in_order() {
    let noted = |name: &str| json!({ "signal": "noted", "fields": { "name": { "value": name } } });
    let heard = hear(json!([noted("one"), noted("two")]), json!({}));
    assert_eq!(heard["signals"][0]["name"], "one");
    assert_eq!(heard["signals"][1]["name"], "two");
}

#[test]
fn words_come_first_and_defaults_last() {
    let fields = |state: Value| json!([{ "signal": "deployment_reported", "fields": { "deployment": { "value": 1 }, "environment": { "value": "e" }, "state": state } }]);
    let state =
        json!({ "path": "$.s", "words": { "success": "rolled_back" }, "default": "running" });
    for (body, expected) in [
        (json!({ "s": "success" }), "rolled_back"),
        (json!({ "s": "failed" }), "failed"),
        (json!({ "s": null }), "running"),
        (json!({}), "running"),
    ] {
        assert_eq!(hear(fields(state.clone()), body)["signals"][0]["state"], expected);
    }
}

#[test]
fn each_mistake_is_named_where_it_is() {
    let mapping = |value: Value| json!([value]);
    for (mappings, path) in [
        (json!([]), "/mappings"),
        (json!({}), "/mappings"),
        (mapping(json!("x")), "/mappings/0"),
        (mapping(json!({ "signal": "teleported" })), "/mappings/0/signal"),
        (mapping(json!({ "signal": "noted" })), "/mappings/0/fields"),
        (mapping(json!({ "signal": "ping", "fields": { "x": "$.a" } })), "/mappings/0/fields/x"),
        (mapping(json!({ "signal": "ping", "fields": [] })), "/mappings/0/fields"),
        (
            mapping(json!({ "signal": "noted", "fields": { "name": "a.b" } })),
            "/mappings/0/fields/name",
        ),
        (
            mapping(json!({ "signal": "noted", "fields": { "name": "$..b" } })),
            "/mappings/0/fields/name",
        ),
        (
            mapping(json!({ "signal": "noted", "fields": { "name": { "path": "$[" } } })),
            "/mappings/0/fields/name/path",
        ),
        (
            mapping(json!({ "signal": "noted", "fields": { "name": { "value": {} } } })),
            "/mappings/0/fields/name/value",
        ),
        (
            mapping(
                json!({ "signal": "noted", "fields": { "name": { "value": "x", "oops": 1 } } }),
            ),
            "/mappings/0/fields/name/oops",
        ),
        (
            mapping(
                json!({ "signal": "run_finished", "fields": { "run.system": { "value": "x" }, "run.id": "$.a", "outcome": { "value": "great" } } }),
            ),
            "/mappings/0/fields/outcome/value",
        ),
        (
            mapping(
                json!({ "signal": "run_finished", "fields": { "run.system": { "value": "x" }, "run.id": "$.a", "outcome": { "path": "$.o", "words": { "a": "great" } } } }),
            ),
            "/mappings/0/fields/outcome/words",
        ),
        (
            mapping(
                json!({ "signal": "artifact_reported", "fields": { "artifact": "$.a", "action": "$.b", "run.id": "$.c" } }),
            ),
            "/mappings/0/fields",
        ),
        (mapping(json!({ "signal": "ping", "when": {} })), "/mappings/0/when"),
        (mapping(json!({ "signal": "ping", "when": [{ "path": "$.a" }] })), "/mappings/0/when/0"),
        (mapping(json!({ "signal": "ping", "when": [{ "equals": 1 }] })), "/mappings/0/when/0"),
        (
            mapping(
                json!({ "signal": "ping", "when": [{ "path": "$.a", "equals": 1, "exists": true }] }),
            ),
            "/mappings/0/when/0",
        ),
    ] {
        let problems = configure(mappings.clone()).err().unwrap_or_default();
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert!(paths.contains(&path), "{mappings}: {problems:?}");
    }
}

fn configure(mappings: Value) -> Result<sluice_connectors::Link, Vec<sluice_connectors::Problem>> {
    let configuration =
        json!({ "secret": "s", "verification": { "scheme": "bearer" }, "mappings": mappings });
    find("generic").expect("a connector").configure(&configuration)
}

fn hear(mappings: Value, body: Value) -> Value {
    let link = configure(mappings).unwrap_or_else(|problems| panic!("{problems:?}"));
    let delivery = Delivery::of_body(serde_json::to_vec(&body).expect("JSON"), now())
        .with_header("x-event", "deploy");
    as_json(&link.hear(&delivery))
}

fn with(fields: &Value, name: &str, value: Value) -> Value {
    let mut fields = fields.clone();
    fields[name] = value;
    fields
}
