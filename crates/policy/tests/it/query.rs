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
    let sources = Sources::of([(
        "p.rego",
        "package p\n\nset := {\"a\", 1}\n\nnow := time.now_ns()\n\nnothing if false\n",
    )]);
    let answer =
        eval(EvalRequest { sources, query: query.into(), now_ns: 42, ..EvalRequest::default() })
            .expect(query);
    assert_eq!(serde_json::from_str::<Value>(&answer).expect("JSON"), expected, "{query}");
}
