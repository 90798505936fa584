//! The official Rego conformance cases, by the tree walker and by the machine.
//!
//! Cases that fail are listed in `conformance-gaps.txt`, one note a line. The test fails when an unlisted
//! case fails, and when a listed one passes, so that the list and docs/reference/rego.md stay true.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use sluice_policy::{Bundle, EvalRequest, Limits, Preference, Sources, eval};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/rego-conformance");
const GAPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance-gaps.txt");

/// Files of cases for builtins that no policy of ours may or needs to have.
const SKIPPED: &[&str] = &["cryptox509", "graphql", "jwt", "providers", "http", "regometadata"];

struct Case {
    file: String,
    note: String,
    body: Value,
}

#[test]
fn every_conformance_case_passes_or_is_listed() {
    let Some(cases) = cases() else { return };
    let mut failures: BTreeMap<String, String> = BTreeMap::new();
    let mut table: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for case in &cases {
        let (passed, total) = table.entry(case.file.clone()).or_default();
        *total += 1;
        match walk(&case.body) {
            Ok(()) => *passed += 1,
            Err(why) => {
                failures.insert(format!("{}: {}", case.file, case.note), why);
            }
        }
    }
    report(&table, &failures);
    compare(&failures);
}

#[test]
fn the_machine_agrees_with_the_tree_walker_wherever_it_is_used() {
    let Some(cases) = cases() else { return };
    let mut compared = 0;
    let mut differ = Vec::new();
    for case in &cases {
        match machine_differs(&case.body) {
            None => {}
            Some(None) => compared += 1,
            Some(Some(how)) => differ.push(format!("{}: {}: {how}", case.file, case.note)),
        }
    }
    println!("{compared} cases give the same on the machine");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn cases() -> Option<Vec<Case>> {
    if !Path::new(DATA).is_dir() {
        #[expect(
            clippy::disallowed_methods,
            reason = "the switch that forbids skipping is read from the environment"
        )]
        let required = std::env::var("SLUICE_REQUIRE_SHARED").is_ok_and(|value| value == "1");
        assert!(!required, "shared data is required and absent");
        println!("SKIPPED: shared data absent");
        return None;
    }
    let mut files: Vec<_> = std::fs::read_dir(DATA)
        .expect("readable")
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for path in files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
    {
        let file = path.file_stem().expect("name").to_string_lossy().into_owned();
        if SKIPPED.iter().any(|skipped| file.starts_with(skipped)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        let json: Value = serde_json::from_str(&text).expect("json");
        for body in json["cases"].as_array().expect("cases") {
            let note = body["note"].as_str().unwrap_or("").to_owned();
            cases.push(Case { file: file.clone(), note, body: body.clone() });
        }
    }
    Some(cases)
}

fn sources(case: &Value) -> Sources {
    let modules = case["modules"].as_array().into_iter().flatten().enumerate();
    let modules = modules.map(|(index, text)| {
        (format!("module{index}.rego"), text.as_str().unwrap_or("").to_owned())
    });
    let mut sources = Sources::of(modules);
    sources.data = case.get("data").cloned().unwrap_or(Value::Null);
    sources
}

fn input(case: &Value) -> Option<Value> {
    if let Some(term) = case.get("input_term").and_then(Value::as_str) {
        let answer =
            eval(EvalRequest { query: format!("x := {term}"), ..EvalRequest::default() }).ok()?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        return Some(answer["result"][0]["bindings"]["x"].clone());
    }
    case.get("input").cloned()
}

fn walk(case: &Value) -> Result<(), String> {
    let query = case["query"].as_str().unwrap_or("").to_owned();
    let strict = case["strict_error"].as_bool().unwrap_or(false);
    let answer = eval(EvalRequest {
        sources: sources(case),
        input: input(case),
        query,
        now_ns: 1_700_000_000_000_000_000,
        strict_builtin_errors: strict,
    });
    let wants_error = case.get("want_error").is_some() || case.get("want_error_code").is_some();
    match (answer, wants_error) {
        (Err(_), true) => Ok(()),
        (Ok(answer), true) => Err(format!("wants an error, got {answer}")),
        (Err(error), false) => Err(error.to_string()),
        (Ok(answer), false) => {
            let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
            same(case, &answer)
        }
    }
}

fn same(case: &Value, answer: &Value) -> Result<(), String> {
    let rows = answer.get("result").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(want) = case.get("want_result").and_then(Value::as_array) else {
        return if rows.is_empty() || case.get("want_result").is_none() {
            Ok(())
        } else {
            Err(format!("wants nothing, got {answer}"))
        };
    };
    let mut got: Vec<String> = rows.iter().map(|row| normal(&row["bindings"], case)).collect();
    let mut want: Vec<String> = want.iter().map(|row| normal(row, case)).collect();
    got.sort();
    want.sort();
    if got == want { Ok(()) } else { Err(format!("wants {want:?}, got {got:?}")) }
}

/// A text that is equal for equal values; numbers by value.
fn normal(value: &Value, case: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string())
        }
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(|item| normal(item, case)).collect();
            if case["sort_bindings"].as_bool().unwrap_or(false) {
                items.sort();
            }
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> =
                fields.iter().map(|(key, value)| (key.clone(), normal(value, case))).collect();
            format!("{sorted:?}")
        }
        other => other.to_string(),
    }
}

/// `None` where the machine is not used for this case; otherwise how it differs.
fn machine_differs(case: &Value) -> Option<Option<String>> {
    let query = case["query"].as_str()?;
    let entrypoint = query.split([' ', '=']).next()?.to_owned();
    if !entrypoint.starts_with("data.") || entrypoint.contains('[') {
        return None;
    }
    let bundle = Bundle::parse(sources(case)).ok()?;
    let limits = Limits::DESK;
    let machine = bundle.compile_for(&entrypoint, limits, Preference::Best).ok()?;
    if !machine.runs_on_machine() {
        return None;
    }
    let walker = bundle.compile_for(&entrypoint, limits, Preference::Walker).ok()?;
    let input = input(case).unwrap_or(Value::Null);
    let now = 1_700_000_000_000_000_000;
    let (by_machine, by_walker) = (machine.evaluate(&input, now), walker.evaluate(&input, now));
    match (&by_machine, &by_walker) {
        (Ok(left), Ok(right)) if normal(left, case) == normal(right, case) => Some(None),
        // Both refuse: which of several errors is told first is nobody's promise.
        (Err(_), Err(_)) => Some(None),
        _ => Some(Some(format!("machine {by_machine:?}, walker {by_walker:?}"))),
    }
}

fn report(table: &BTreeMap<String, (u32, u32)>, failures: &BTreeMap<String, String>) {
    let passed: u32 = table.values().map(|(passed, _)| passed).sum();
    let total: u32 = table.values().map(|(_, total)| total).sum();
    println!("{passed} of {total} conformance cases pass");
    for (note, why) in failures {
        println!("FAILS {note}: {}", why.replace('\n', " "));
    }
}

fn compare(failures: &BTreeMap<String, String>) {
    let listed = std::fs::read_to_string(GAPS).unwrap_or_default();
    let listed: BTreeSet<&str> =
        listed.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut message = String::new();
    for note in failures.keys().filter(|note| !listed.contains(note.as_str())) {
        let _ = writeln!(message, "fails and is not listed: {note}");
    }
    for note in listed.iter().filter(|note| !failures.contains_key(**note)) {
        let _ = writeln!(message, "is listed and passes: {note}");
    }
    assert!(message.is_empty(), "{message}");
}
