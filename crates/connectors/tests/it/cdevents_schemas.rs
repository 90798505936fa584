//! CDEvents by their published schemas: whatever is valid by them is readable for us.

use std::path::Path;

use jsonschema::Registry;
use serde_json::{Value, json};
use sluice_connectors::{Delivery, Link};

use crate::support::{as_json, files, link_with, now, outcome_of, shared};

#[test]
fn whatever_is_valid_by_its_schema_is_readable() {
    let Some(folder) = shared("cdevents") else { return };
    let registry = registry(&folder.join("schemas"));
    let link = link_with("cdevents", &[]);
    let mut valid = 0;
    for path in files(&folder.join("v0.5")) {
        let event = read(&path);
        let Some(kind) = event["context"]["type"].as_str() else { continue };
        let name: String = kind.split('.').skip(2).take(2).collect();
        let schema = read(&folder.join("schemas").join(format!("{name}.json")));
        let validator = jsonschema::options()
            .with_registry(&registry)
            .offline()
            .build(&schema)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(validator.is_valid(&event), "{}", path.display());
        for variant in variants(&event) {
            if validator.is_valid(&variant) {
                let outcome = outcome_of(&hear(&link, &variant));
                assert!(
                    !outcome.starts_with("unreadable"),
                    "{}: {outcome} {variant}",
                    path.display()
                );
                valid += 1;
            }
        }
    }
    println!("{valid} valid events are readable");
    assert!(valid > 100);
}

#[test]
fn the_essentials_of_the_examples_are_read() {
    let Some(folder) = shared("cdevents") else { return };
    let link = link_with("cdevents", &[]);
    let digest = "sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427";
    for (name, expected) in [
        (
            "pipelinerun_started",
            json!({ "signal": "run_started", "run": { "id": "mySubject123" } }),
        ),
        ("pipelinerun_finished", json!({ "signal": "run_finished", "outcome": "failed" })),
        (
            "taskrun_started",
            json!({ "signal": "stage_reported", "stage": "myTask", "run": { "id": "mySubject123" } }),
        ),
        (
            "service_deployed",
            json!({ "signal": "deployment_reported", "state": "succeeded", "environment": "test123", "artifact": digest, "service": "mySubject123" }),
        ),
        (
            "service_rolledback",
            json!({ "signal": "deployment_reported", "state": "rolled_back", "artifact": digest }),
        ),
        (
            "incident_detected",
            json!({ "signal": "incident_reported", "resolved": false, "service": "myApp", "environment": "prod1", "incident": "incident-123" }),
        ),
        ("incident_resolved", json!({ "signal": "incident_reported", "resolved": true })),
        (
            "change_merged",
            json!({ "signal": "proposal_merged", "repository": "example.org/testrepo/testorg", "proposal": "mySubject123" }),
        ),
        ("build_finished", json!({ "signal": "artifact_reported", "digest": digest })),
        ("artifact_published", json!({ "signal": "artifact_reported", "action": "published" })),
        (
            "testsuiterun_finished",
            json!({ "signal": "evidence_reported", "name": "Auth TestSuite", "outcome": "failed" }),
        ),
    ] {
        let heard = as_json(&hear(&link, &read(&folder.join("v0.5").join(format!("{name}.json")))));
        assert!(contains(&heard["signals"][0], &expected), "{name}: {heard:#}");
    }
}

/// The event itself, and the event without each of its members in turn.
fn variants(event: &Value) -> Vec<Value> {
    let mut variants = vec![event.clone()];
    for place in ["/context", "/subject", "/subject/content", ""] {
        let members = event.pointer(place).and_then(Value::as_object);
        for name in members.into_iter().flatten().map(|(name, _)| name) {
            let mut variant = event.clone();
            let members = variant.pointer_mut(place).and_then(Value::as_object_mut);
            members.expect("an object").remove(name);
            variants.push(variant);
        }
    }
    variants
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part))),
        (whole, part) => whole == part,
    }
}

fn hear(
    link: &Link,
    event: &Value,
) -> Result<sluice_core::signal::Heard, sluice_connectors::Unreadable> {
    let body = serde_json::to_vec(event).expect("JSON");
    link.hear(&Delivery::of_body(body, now()).with_header("content-type", "application/json"))
}

pub(crate) fn registry(folder: &Path) -> Registry<'static> {
    let mut builder = Registry::new();
    for path in files(&folder.join("links")) {
        let schema = read(&path);
        let id = schema["$id"].as_str().expect("an id").to_owned();
        builder = builder.add(id, schema).expect("a schema");
    }
    builder.prepare().expect("a registry")
}

pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}
