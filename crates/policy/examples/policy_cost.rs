//! Measures what one gate evaluation costs: `cargo run --release -p sluice-policy --example policy_cost`.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program that prints a table for people"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sluice_core::facts::GateFacts;
use sluice_policy::gate::{self, GatePolicy};
use sluice_policy::{EvalRequest, Preference, eval};

const ROUNDS: usize = 5_000;

fn main() {
    let facts = facts();
    println!("{:<40} {:>10} {:>10}", "evaluation of the shipped judgement", "median", "p99");
    for (name, preference) in
        [("register machine", Preference::Best), ("tree walker", Preference::Walker)]
    {
        let policy = GatePolicy::of(gate::shipped(), preference).expect("compiles");
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let started = Instant::now();
                policy.judge(&facts).expect("a verdict");
                started.elapsed()
            })
            .collect();
        times.sort();
        println!("{name:<40} {:>10.1?} {:>10.1?}", times[ROUNDS / 2], times[ROUNDS * 99 / 100]);
    }
    let started = Instant::now();
    GatePolicy::assemble(&BTreeMap::new()).expect("compiles");
    println!("{:<40} {:>10.1?}", "parsing, checking and compiling it", started.elapsed());
}

/// The facts of the shipped tests, with what the wire type asks for beyond them.
fn facts() -> GateFacts {
    let query = "data.sluice.gate_test.facts".to_owned();
    let answer = eval(EvalRequest { sources: gate::shipped(), query, ..EvalRequest::default() })
        .expect("facts");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let mut facts = answer["result"][0]["expressions"][0]["value"].clone();
    let digest = format!("sha256:{}", "a".repeat(64));
    facts["question"]["commit"] = "0123456789012345678901234567890123456789".into();
    facts["question"]["artifacts"] = serde_json::json!([digest]);
    facts["question"]["run"] =
        serde_json::json!({ "system": "github:forge.example", "id": "42", "attempt": 1 });
    facts["change"]["revision"] = digest.into();
    serde_json::from_value(facts).expect("facts")
}
