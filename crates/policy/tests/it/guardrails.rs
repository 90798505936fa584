//! Guardrails that stand beside others.

use std::collections::BTreeMap;

use serde_json::json;
use sluice_core::verdict::Verdict;
use sluice_policy::gate::GatePolicy;

use crate::gate::{facts, judge};

fn assemble(files: &[(&str, &str)]) -> Result<GatePolicy, Vec<sluice_policy::Problem>> {
    let files: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    GatePolicy::assemble(&files)
}

fn guardrail(steps: &str) -> String {
    format!("guardrails:\n  - name: one\n    steps:\n      - {steps}\n")
}

fn rules(verdict: &Verdict) -> Vec<&str> {
    verdict.reasons.iter().map(|reason| reason.message.as_str()).collect()
}

#[test]
fn files_whose_names_look_alike_keep_to_themselves() {
    let by_day = guardrail("{ if: business hours, on_fail: deny, message: by day }");
    let on_call = guardrail("{ if: no open incidents, on_fail: deny, message: in peace }");
    for (one, other) in [
        ("guardrails/payments.yaml", "guardrails-payments.yaml"),
        ("guardrails/日本.yaml", "guardrails/中国.yaml"),
        ("guardrails/Pay.yaml", "guardrails/pay.yaml"),
    ] {
        let policy = assemble(&[(one, &by_day), (other, &on_call)]).expect("compiles");
        let night = facts(&[("/history/business_hours", json!(false))]);
        let verdict = judge(&policy, &night).expect("a verdict");
        assert_eq!(rules(&verdict), ["by day"], "{one} and {other}");
    }
}

#[test]
fn no_file_takes_the_place_of_what_is_compiled_from_another() {
    let by_day = guardrail("{ if: business hours, on_fail: deny, message: by day }");
    let problems =
        assemble(&[("g.yaml", &by_day), ("g.yaml.rego", "package sluice.rules\n")]).err();
    let problems = problems.expect("two files for one module");
    assert_eq!((problems[0].file.as_str(), problems[0].code.as_str()), ("g.yaml", "guardrails"));
}

#[test]
fn every_step_that_adds_risk_counts() {
    for (steps, level) in [
        ("[{ if: business hours, risk: +30 }]", "medium"),
        ("[{ if: business hours, risk: +30 }, { if: no open incidents, risk: +30 }]", "high"),
        ("[{ if: business hours, risk: +30, on_pass: { risk: +30 } }]", "high"),
        ("[{ if: [business hours, no open incidents], risk: 60, message: both }]", "high"),
    ] {
        let text = format!("guardrails:\n  - {{ name: one, steps: {steps} }}\n");
        for other in [None, Some(guardrail("{ if: emergency, on_pass: deny }"))] {
            let mut files = vec![("a.yaml", text.as_str())];
            files.extend(other.as_deref().map(|other| ("b.yaml", other)));
            let policy = assemble(&files).expect("compiles");
            let risk = judge(&policy, &facts(&[])).expect("a verdict").risk.expect("a risk");
            assert_eq!(risk.level.as_str(), level, "{steps}");
            let words: Vec<&str> = risk.because.split("; ").collect();
            assert!(
                words.iter().all(|word| *word == "guardrail one" || *word == "both"),
                "{words:?}"
            );
        }
    }
    let text = guardrail("{ if: business hours, risk: +30 }");
    let policy = assemble(&[("a.yaml", &text), ("b.yaml", &text)]).expect("compiles");
    let risk = judge(&policy, &facts(&[])).expect("a verdict").risk.expect("a risk");
    assert_eq!(risk.level.as_str(), "high", "two files, each with one");
}

#[test]
fn what_new_files_may_not_say_keeps_its_meaning_where_it_was_recorded() {
    let misspelt = guardrail("{ if: risk is hihg, on_pass: deny, message: never }");
    let beside = guardrail("{ if: risk is low, on_pass: deny, message: always }");
    let rego = "package sluice.rules\n";
    let files: BTreeMap<String, String> = [
        ("a.yaml", misspelt.as_str()),
        ("b.yaml", beside.as_str()),
        ("c.yaml", beside.as_str()),
        ("c.yaml.rego", rego),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into();
    let problems = GatePolicy::assemble(&files).expect_err("they are new");
    assert_eq!(problems.len(), 2, "{problems:?}");
    let policy = GatePolicy::assemble_recorded(&files).expect("they were applied");
    let verdict = judge(&policy, &facts(&[("/risk/level", json!("low"))])).expect("a verdict");
    assert_eq!(rules(&verdict), ["always"]);
}

#[test]
fn what_is_longer_than_a_line_of_the_engine_is_named_where_it_is_written() {
    let many: Vec<String> =
        (0..200).map(|number| format!("a-long-name-of-a-service-{number}")).collect();
    let scoped = format!(
        "guardrails:\n  - name: one\n    when: {{services: [{}]}}\n    steps: [{{if: business hours, on_fail: deny}}]\n",
        many.join(", ")
    );
    let condition = format!("input.target.service != \\\"{}\\\"", "a".repeat(1_000));
    let condition = guardrail(&format!("{{ if: \"{condition}\", on_fail: deny }}"));
    let said = |letters: usize| {
        guardrail(&format!(
            "{{ if: business hours, on_fail: deny, message: {} }}",
            "é".repeat(letters)
        ))
    };
    for (text, compiles) in
        [(scoped, true), (said(1_000), true), (said(1_001), false), (condition, false)]
    {
        let told = assemble(&[("g.yaml", &text)]).err().unwrap_or_default();
        assert_eq!(told.is_empty(), compiles, "{told:?}");
        for problem in told {
            assert_eq!((problem.file.as_str(), problem.line), ("g.yaml", 2), "{problem:?}");
        }
    }
    let policy = assemble(&[("g.yaml", &said(900))]).expect("compiles");
    let night = facts(&[("/history/business_hours", json!(false))]);
    assert_eq!(rules(&judge(&policy, &night).expect("a verdict")), ["é".repeat(900)]);
}
