//! Queries at the desk, as `opa eval` prints them.

use serde_json::{Value, json};
use sluice_policy::{EvalRequest, Sources, eval};

#[test]
fn result_sets_look_as_opa_prints_them() {
    check(
        "1 + 1",
        json!({"result": [{"expressions": [{"value": 2, "text": "1 + 1", "location": {"row": 1, "col": 1}}]}]}),
    );
    check("data.p.nothing", json!({}));
    check("x := 1; false", json!({}));
    check(
        "false",
        json!({"result": [{"expressions": [{"value": false, "text": "false", "location": {"row": 1, "col": 1}}]}]}),
    );
    check(
        "x := data.p.set",
        json!({"result": [{
            "expressions": [{"value": true, "text": "x := data.p.set", "location": {"row": 1, "col": 1}}],
            "bindings": {"x": [1, "a"]},
        }]}),
    );
    check(
        "data.p.now",
        json!({"result": [{"expressions": [{"value": 42, "text": "data.p.now", "location": {"row": 1, "col": 1}}]}]}),
    );
}

/// What `opa eval` prints for the same, the text of each expression left out.
#[test]
fn results_are_those_of_opa() {
    let truth = |bindings: Value| json!({"expressions": [true], "bindings": bindings});
    let values = |values: Value| json!({"expressions": values});
    for (query, rows) in [
        ("some x in [1, 2]; x > 1", json!([{"expressions": [true, true], "bindings": {"x": 2}}])),
        ("some x in input.list", json!([truth(json!({"x": 1})), truth(json!({"x": 5}))])),
        ("some x in input.list; x > 9", json!([])),
        ("some i; input.list[i] > 4", json!([truth(json!({"i": 1}))])),
        ("input.list[i] > 4", json!([truth(json!({"i": 1}))])),
        ("input.list[_] > 4", json!([values(json!([true]))])),
        ("not data.p.set", json!([])),
        ("not data.p.nothing", json!([values(json!([true]))])),
        ("every x in input.list { x > 0 }", json!([values(json!([true]))])),
        ("every x in input.list { x > 1 }", json!([])),
        ("1 == 2", json!([values(json!([false]))])),
        ("1 == 2; 2 == 2", json!([])),
        (
            "input.tree[k].y[i] = v",
            json!([
                truth(json!({"k": "a", "i": 0, "v": 7})),
                truth(json!({"k": "b", "i": 0, "v": 8})),
            ]),
        ),
        (
            "a := input.list; b := a[_]; b > 4",
            json!([
                {"expressions": [true, true, true], "bindings": {"a": [1, 5], "b": 5}},
            ]),
        ),
        ("{1} | {2}; true;", json!([values(json!([[1, 2], true]))])),
        ("count(input.list, n)", json!([truth(json!({"n": 2}))])),
        ("walk(input.list, [[1], v])", json!([truth(json!({"v": 5}))])),
        ("[x | some x in input.list]", json!([values(json!([[1, 5]]))])),
        ("data.p.given with input.given as 3", json!([values(json!([3]))])),
        ("\"a\" in data.p.set", json!([values(json!([true]))])),
    ] {
        let input = json!({"list": [1, 5], "tree": {"a": {"y": [7]}, "b": {"y": [8]}}});
        let mut answer = ask(query, Some(input));
        let mut found = answer["result"].take();
        for row in found.as_array_mut().into_iter().flatten() {
            for told in row["expressions"].as_array_mut().into_iter().flatten() {
                *told = told["value"].take();
            }
        }
        assert_eq!(
            found.as_array().cloned().unwrap_or_default(),
            *rows.as_array().expect("rows"),
            "{query}"
        );
    }
}

#[test]
fn expressions_are_told_as_they_are_written() {
    let answer =
        ask("\"a\" in data.p.set ;\n  data.p.given with input as {\"given\": `x`} # so", None);
    assert_eq!(
        answer["result"][0]["expressions"],
        json!([
            {"value": true, "text": "\"a\" in data.p.set", "location": {"row": 1, "col": 1}},
            {"value": "x", "text": "data.p.given with input as {\"given\": `x`}", "location": {"row": 2, "col": 3}},
        ])
    );
}

#[test]
fn a_query_that_is_not_right_says_where() {
    for (query, code, row, col) in [
        ("data.p.set == ", "rego_parse_error", 1, 15),
        ("x := 1;\ny > x", "rego_unsafe_var_error", 2, 1),
        ("true false", "rego_parse_error", 1, 6),
        ("x := \"a", "rego_parse_error", 1, 6),
    ] {
        let request = EvalRequest { query: query.into(), ..EvalRequest::default() };
        let error = eval(request).expect_err(query).to_json();
        let first = &error["errors"][0];
        let place = &first["location"];
        assert_eq!(
            (&first["code"], &place["row"], &place["col"]),
            (&json!(code), &json!(row), &json!(col)),
            "{query}: {error}"
        );
    }
}

#[test]
fn long_numbers_keep_their_digits() {
    let answer = eval(EvalRequest {
        query: "9223372036854775807 * 9223372036854775807".into(),
        ..EvalRequest::default()
    });
    let answer = answer.expect("a number");
    assert!(answer.contains("85070591730234615847396907784232501249"), "{answer}");
}

#[test]
fn problems_have_a_place_and_a_code() {
    let sources = Sources::of([("p.rego", "package p\n\nallow if {\n\tinput.x ==\n}\n")]);
    let error =
        eval(EvalRequest { sources, query: "data.p.allow".into(), ..EvalRequest::default() })
            .expect_err("a problem");
    let error = error.to_json();
    assert_eq!(error["errors"][0]["code"], "rego_parse_error");
    assert_eq!(error["errors"][0]["location"]["file"], "p.rego");
    assert_eq!(error["errors"][0]["location"]["row"], 5);
}

fn check(query: &str, expected: Value) {
    assert_eq!(ask(query, None), expected, "{query}");
}

fn ask(query: &str, input: Option<Value>) -> Value {
    let module = "package p\n\nset := {\"a\", 1}\n\nnow := time.now_ns()\n\nnothing if false\n\ngiven := input.given\n";
    let sources = Sources::of([("p.rego", module)]);
    let request =
        EvalRequest { sources, input, query: query.into(), now_ns: 42, ..EvalRequest::default() };
    let answer = eval(request).expect(query);
    serde_json::from_str(&answer).expect("JSON")
}
