//! The API's description: committed, complete, and true of real answers.

use std::collections::BTreeSet;
use std::fmt::Formatter;
use std::path::{Path, PathBuf};

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use sluice_server::{openapi, route_table, status};
use sluice_testkit::TestApp;

/// Fails where a value does not have the shape that the description gives it.
pub(crate) fn holds(schema: &str, value: &Value) {
    let root = json!({
        "$ref": format!("#/components/schemas/{schema}"),
        "components": {"schemas": openapi::schemas()},
    });
    let validator = jsonschema::validator_for(&root).expect("a sound schema");
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{} at `{}`", error, error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "no {schema}: {problems:#?}\n{value:#}");
}

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name)
}

fn is_current(name: &str, text: &str) {
    let committed = std::fs::read_to_string(reference(name)).unwrap_or_default();
    assert!(
        committed == text,
        "docs/reference/{name} is stale: run `cargo test -p sluice-server --test it -- --ignored write`"
    );
}

/// The names of an object's members as they are written: a map would forget one that comes twice.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Names;
            fn expecting(&self, into: &mut Formatter<'_>) -> std::fmt::Result {
                into.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        input.deserialize_map(Members)
    }
}

#[test]
fn no_shape_is_described_twice() {
    for text in [
        include_str!("../../src/openapi/schemas.json"),
        include_str!("../../src/openapi/parameters.json"),
        include_str!("../../src/openapi/paths.json"),
    ] {
        let Names(names) = serde_json::from_str(text).expect("an object");
        let mut seen = BTreeSet::new();
        let twice: Vec<&String> = names.iter().filter(|name| !seen.insert(*name)).collect();
        assert!(twice.is_empty(), "described twice: {twice:?}");
    }
}

#[test]
fn the_committed_documents_are_current() {
    is_current("openapi.json", &openapi::text());
    is_current("problems.md", &problems());
}

#[test]
#[ignore = "writes docs/reference"]
fn write_the_documents() {
    std::fs::create_dir_all(reference("")).expect("the folder");
    std::fs::write(reference("openapi.json"), openapi::text()).expect("written");
    std::fs::write(reference("problems.md"), problems()).expect("written");
}

#[tokio::test]
async fn what_is_served_is_what_is_committed() {
    let app = TestApp::empty().await;
    let served = app.get("", "/api/v1/openapi.json").await;
    assert_eq!(String::from_utf8_lossy(&served.body), openapi::text());
}

#[test]
fn every_route_and_every_reference_is_in_the_description() {
    let document = openapi::document();
    for facts in route_table() {
        let path = facts.path.replace("{*", "{");
        let operation = &document["paths"][&path][facts.method.as_str().to_lowercase()];
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{path}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["name"].is_string(), "{path}: {parameter}");
            assert!(parameter["schema"].is_object(), "{path}: no shape for {parameter}");
        }
    }
    let mut wanted = BTreeSet::new();
    references(&document, &mut wanted);
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for name in &wanted {
        assert!(schemas.contains_key(name), "no schema `{name}`");
    }
    for name in schemas.keys() {
        assert!(wanted.contains(name), "schema `{name}` is of no use");
    }
    let ids: Vec<&Value> = document["paths"]
        .as_object()
        .into_iter()
        .flat_map(|paths| paths.values())
        .filter_map(Value::as_object)
        .flat_map(|item| item.values().map(|operation| &operation["operationId"]))
        .collect();
    let distinct: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), ids.len());
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Value::as_str) {
                found.insert(name.trim_start_matches("#/components/schemas/").to_owned());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn codes_are_unique_and_have_statuses() {
    let codes: BTreeSet<&str> = status::CODES.iter().map(|row| row.code).collect();
    assert_eq!(codes.len(), status::CODES.len());
    for row in status::CODES {
        assert!(row.status().is_client_error() || row.status().is_server_error(), "{}", row.code);
    }
}

/// The table of problems, with the refusals that the rules of the domain give.
fn problems() -> String {
    let mut text = openapi::problems();
    text.push_str("\n## Refusals\n\n| code | nature |\n| --- | --- |\n");
    for (code, nature) in refusals() {
        text.push_str(&format!("| `{code}` | {nature} |\n"));
    }
    text
}

/// Codes that are chosen apart from where the refusal is made: those of a pass, of an approver, of a
/// new token.
const CHOSEN: [(&str, &str); 24] = [
    ("approval_lost", "conflict"),
    ("bad_expiry", "invalid"),
    ("bad_label", "invalid"),
    ("change_over", "conflict"),
    ("commit_mismatch", "conflict"),
    ("decision_unreadable", "conflict"),
    ("digest_denied", "conflict"),
    ("digest_mismatch", "conflict"),
    ("for_sessions_only", "invalid"),
    ("freeze_started", "conflict"),
    ("gate_closed", "conflict"),
    ("no_permissions", "invalid"),
    ("not_an_approver", "forbidden"),
    ("own_change", "forbidden"),
    ("pass_expired", "conflict"),
    ("pass_not_yet", "conflict"),
    ("pass_redeemed", "conflict"),
    ("pass_superseded", "conflict"),
    ("pass_unknown", "missing"),
    ("person_missing", "invalid"),
    ("person_unexpected", "invalid"),
    ("person_unknown", "invalid"),
    ("run_mismatch", "conflict"),
    ("stopped", "conflict"),
];

/// The codes that stand beside `Refusal::<nature>(` in the sources of the rules and the engine.
fn refusals() -> BTreeSet<(String, &'static str)> {
    let mut sources = Vec::new();
    for part in ["core", "engine"] {
        read_sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(part).join("src"),
            &mut sources,
        );
    }
    let mut found = BTreeSet::new();
    for (code, nature) in CHOSEN {
        let quoted = format!("\"{code}\"");
        assert!(sources.iter().any(|source| source.contains(&quoted)), "`{code}` is given no more");
        found.insert((code.to_owned(), nature));
    }
    for source in &sources {
        for nature in ["invalid", "missing", "conflict", "forbidden"] {
            for (_, rest) in split_at_all(source, &format!("Refusal::{nature}(")) {
                if let Some(code) = first_literal(rest) {
                    found.insert((code, nature));
                }
            }
        }
        for (mark, nature) in
            [("RefusalNature::Outdated,", "outdated"), ("RefusalNature::Unproven,", "unproven")]
        {
            for (_, rest) in split_at_all(source, mark) {
                found.extend(first_literal(rest).map(|code| (code, nature)));
            }
        }
    }
    found
}

fn split_at_all<'a>(source: &'a str, mark: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    source.match_indices(mark).map(move |(at, _)| (at, &source[at + mark.len()..]))
}

fn first_literal(rest: &str) -> Option<String> {
    let text = rest.trim_start().strip_prefix('"')?;
    let code = &text[..text.find('"')?];
    let proper = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    proper.then(|| code.to_owned())
}

fn read_sources(folder: &Path, sources: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources").flatten() {
        if entry.path().is_dir() {
            read_sources(&entry.path(), sources);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            sources.push(std::fs::read_to_string(entry.path()).expect("a source"));
        }
    }
}
