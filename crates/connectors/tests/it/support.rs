//! What the tests share: fixtures, the shared data, and a clock that stands still.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_connectors::{Delivery, Link, Unreadable, find};
use sluice_core::signal::Heard;

/// When every delivery of the tests arrives: 2026-03-02T10:30:00Z.
pub(crate) const NOW_S: i64 = 1_772_447_400;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW_S).expect("a time")
}

/// The link of a connector's own example.
pub(crate) fn example_link(kind: &str) -> Link {
    let connector = find(kind).expect("a connector");
    let configuration = serde_json::from_str(connector.example()).expect("JSON");
    connector.configure(&configuration).unwrap_or_else(|problems| panic!("{kind}: {problems:?}"))
}

/// A link with other settings than the example's.
pub(crate) fn link_with(kind: &str, settings: &[(&str, Value)]) -> Link {
    let connector = find(kind).expect("a connector");
    let mut configuration: Value = serde_json::from_str(connector.example()).expect("JSON");
    for (name, value) in settings {
        configuration[*name] = value.clone();
    }
    connector.configure(&configuration).unwrap_or_else(|problems| panic!("{kind}: {problems:?}"))
}

/// One fixture of a connector.
pub(crate) struct Fixture {
    pub(crate) path: PathBuf,
    pub(crate) json: Value,
}

impl Fixture {
    pub(crate) fn delivery(&self) -> Delivery {
        let body = match self.json.get("body_text") {
            Some(text) => text.as_str().expect("a text").as_bytes().to_vec(),
            None => serde_json::to_vec(&self.json["body"]).expect("JSON"),
        };
        let mut delivery = Delivery::of_body(body, now());
        for (name, value) in self.json["headers"].as_object().expect("headers") {
            delivery = delivery.with_header(name, value.as_str().expect("a text"));
        }
        delivery.query = self.json.get("query").and_then(Value::as_str).map(str::to_owned);
        delivery
    }
}

/// All fixtures of a connector, in order of their names.
pub(crate) fn fixtures(kind: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(kind).join("fixtures");
    let fixtures: Vec<Fixture> = files(&folder)
        .into_iter()
        .map(|path| Fixture {
            json: serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON"),
            path,
        })
        .collect();
    assert!(!fixtures.is_empty(), "{kind} has no fixtures");
    fixtures
}

/// What was heard, as JSON; unreadable deliveries have the outcome `unreadable`.
pub(crate) fn as_json(heard: &Result<Heard, Unreadable>) -> Value {
    match heard {
        Ok(heard) => serde_json::to_value(heard).expect("JSON"),
        Err(problem) => {
            json!({ "outcome": "unreadable", "code": problem.code, "reason": problem.reason })
        }
    }
}

/// `signals`, or the outcome and its code.
pub(crate) fn outcome_of(heard: &Result<Heard, Unreadable>) -> String {
    match heard {
        Ok(Heard::Signals { .. }) => "signals".to_owned(),
        Ok(Heard::Ignored { code, reason }) => {
            assert!(is_code(code) && !reason.is_empty(), "{code}: {reason}");
            format!("ignored {code}")
        }
        Err(problem) => {
            assert!(is_code(problem.code) && !problem.reason.is_empty(), "{problem:?}");
            format!("unreadable {}", problem.code)
        }
    }
}

fn is_code(code: &str) -> bool {
    !code.is_empty() && code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// All files below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A set of the shared data, or `None` after saying that it is absent.
pub(crate) fn shared(set: &str) -> Option<PathBuf> {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(!is_set("SLUICE_REQUIRE_SHARED"), "the shared data are required, and {set} is absent");
    println!("SKIPPED: shared data absent ({set})");
    None
}

/// Whether a switch of the test run is on.
#[expect(clippy::disallowed_methods, reason = "switches of the test run, not of the product")]
pub(crate) fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1")
}
