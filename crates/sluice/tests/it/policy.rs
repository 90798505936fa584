//! `sluice policy eval` prints as `opa eval` does.

use serde_json::json;

use crate::support::run;

#[test]
fn results_are_printed_as_opa_prints_them() {
    let dir = tempfile::tempdir().unwrap();
    let rego = dir.path().join("example.rego");
    let (input, data) = (dir.path().join("input.json"), dir.path().join("data.json"));
    std::fs::write(&rego, "package example\n\nallow if input.user in data.users\n").unwrap();
    std::fs::write(&input, r#"{"user":"ada"}"#).unwrap();
    std::fs::write(&data, r#"{"users":["ada"]}"#).unwrap();
    let ran = run([
        "policy",
        "eval",
        "--rego",
        rego.to_str().unwrap(),
        "--input",
        input.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "data.example.allow",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(
        ran.json(),
        json!({ "result": [{ "expressions": [{
            "value": true, "text": "data.example.allow", "location": { "row": 1, "col": 1 },
        }] }] })
    );
    assert!(ran.stdout.starts_with("{\n  \"result\": [\n    {\n"), "{}", ran.stdout);
}

#[test]
fn bindings_are_printed_and_what_is_undefined_is_empty() {
    let bound = run(["policy", "eval", "x := 1 + 2"]);
    assert_eq!(bound.code, 0, "{}", bound.all());
    assert_eq!(bound.json()["result"][0]["bindings"]["x"], 3);
    let undefined = run(["policy", "eval", "data.nothing.here"]);
    assert_eq!((undefined.code, undefined.stdout.as_str()), (0, "{}\n"), "{}", undefined.all());
}

#[test]
fn errors_are_printed_as_opa_prints_them() {
    let dir = tempfile::tempdir().unwrap();
    let rego = dir.path().join("broken.rego");
    std::fs::write(&rego, "package broken\n\nallow if {\n").unwrap();
    let ran = run(["policy", "eval", "--rego", rego.to_str().unwrap(), "data.broken.allow"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let errors = ran.json();
    assert_eq!(errors["errors"][0]["code"], "rego_parse_error", "{}", ran.all());
    let checked = run(["policy", "check", rego.to_str().unwrap()]);
    assert_eq!(checked.code, 1, "{}", checked.all());
    assert!(checked.stdout.contains("broken.rego:"), "{}", checked.all());
}

#[test]
fn an_endless_policy_ends_within_its_budget() {
    let query = "count([x | x := numbers.range(1, 100000)[_]; y := numbers.range(1, 100000)[_]])";
    let ran = run(["policy", "eval", query]);
    assert_eq!(ran.code, 1, "{}", ran.all());
}
