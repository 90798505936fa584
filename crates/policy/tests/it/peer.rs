//! An OPA server accepts what we judge by, and judges the same.
//!
//! Runs where `SLUICE_OPA` names the program (`SLUICE_OPA=$(which opa) cargo test -p sluice-policy --test it peer`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sluice_core::facts::GateFacts;
use sluice_policy::gate::{self, GatePolicy};

use crate::gate::{changes, facts, judge};

/// Guardrails with every phrase, action and selector.
const GUARDRAILS: &str = r#"
guardrails:
  - name: phrases
    description: every phrase once
    when:
      services: [payments, ledger]
      teams: [payments]
      service_tiers: [tier-1]
      environments: [production]
      environment_tiers: [production, staging]
      labels: {pci: "yes"}
    steps:
      - {if: business hours, on_fail: wait, message: by day only, pass_if: it were day, who: ["team:payments"]}
      - {if: [outside business hours, emergency], on_pass: note}
      - {if: maintenance window, on_fail: {note: no maintenance window}}
      - {if: risk is at least medium, on_pass: {require_approval: [owners, payment-security]}}
      - {if: risk is below critical, on_fail: deny}
      - {if: risk is at least low, risk: +1}
      - {if: risk is below low, on_pass: deny}
      - {if: risk score < 50, on_fail: {deny: too much, wait: too much still, risk: -5}}
      - {if: lines changed > 1000, risk: +15, message: many lines}
      - {if: dependents >= 2, on_pass: {note: dependents}}
      - {if: failures != 0, on_pass: wait}
      - {if: deployments == 5, on_pass: continue, risk: +2}
      - {if: open incidents > 0, on_pass: deny}
      - {if: conflicts <= 0, on_fail: {wait: something is on the way}}
      - {if: owed reviews < 3, on_fail: deny}
      - {if: no open incidents, on_fail: note}
      - {if: open incidents, on_pass: {risk: +10}}
      - {if: service is payments, risk: +3}
      - {if: service tier is not tier-2, risk: +4}
      - {if: change is not emergency, on_fail: {require_approval: owners}}
      - {if: caller is pipeline, on_fail: deny}
      - {if: label pci is yes, on_pass: note}
      - {if: evidence scan is present, on_fail: {note: no scan}}
      - {if: evidence test_report has passed, on_fail: wait}
      - {if: 'count(input.stops) == 0', on_fail: deny}
"#;

#[test]
fn the_shipped_judgement_is_accepted_and_answers_alike() {
    check(BTreeMap::new());
}

#[test]
fn guardrails_are_accepted_and_answer_alike() {
    check(BTreeMap::from([("guardrails/all.yaml".to_owned(), GUARDRAILS.to_owned())]));
}

#[test]
fn the_example_organisation_is_accepted_and_answers_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme/policies");
    let files = std::fs::read_dir(folder).expect("the example").map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (format!("policies/{name}"), std::fs::read_to_string(&path).expect("a text"))
    });
    check(files.collect());
}

/// Asks both about every two of the changes, and compares the verdicts to the letter.
fn check(files: BTreeMap<String, String>) {
    let Some(opa) = std::env::var_os("SLUICE_OPA").map(PathBuf::from) else {
        println!("SKIPPED: `SLUICE_OPA` names no OPA program");
        return;
    };
    let policy = GatePolicy::assemble(&files).expect("compiles");
    let folder = tempfile::tempdir().expect("a folder");
    let modules = folder.path().join("modules");
    for (path, text) in &gate::sources(&files).expect("sources").modules {
        let path = modules.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
    run(&opa, &["check", "--strict"], &modules, &[]);
    run(&opa, &["test"], &modules, &[]);

    let asked = questions();
    let input = folder.path().join("input.json");
    let questions = json!({ "all": asked });
    std::fs::write(&input, questions.to_string()).expect("written");
    let input = input.to_string_lossy();
    let query = "[verdict | some facts in input.all; verdict := data.sluice.gate.verdict with input as facts]";
    let rest = ["--input", &*input, "--format", "raw", query];
    let answers = run(&opa, &["eval", "--data"], &modules, &rest);
    let answers: Vec<Value> = serde_json::from_slice(&answers).expect("verdicts");
    assert_eq!(answers.len(), asked.len());
    for (facts, theirs) in asked.iter().zip(answers) {
        let theirs = gate::decode(theirs).expect("a verdict");
        assert_eq!(judge(&policy, facts).expect("a verdict"), theirs, "{facts:#?}");
    }
    println!("{} verdicts are equal", asked.len());
}

fn questions() -> Vec<GateFacts> {
    let changes = changes();
    let pairs = changes.iter().enumerate().flat_map(|(index, one)| {
        changes.iter().skip(index).map(move |other| [one.clone(), other.clone()])
    });
    pairs.map(|pair| facts(&pair)).collect()
}

fn run(opa: &Path, before: &[&str], modules: &Path, after: &[&str]) -> Vec<u8> {
    let output = Command::new(opa)
        .args(before)
        .arg(modules)
        .args(after)
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{before:?}: {told} {:?}", output.stdout.escape_ascii());
    output.stdout
}
