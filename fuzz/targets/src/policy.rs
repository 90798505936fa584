//! Texts of policies: whatever they say ends within its limits, and the process lives.

use std::time::{Duration, Instant};

use sluice_policy::guardrails::{Rigour, compile};
use sluice_policy::{Bundle, Limits, Sources};

/// The longest text: parsing takes longer with more, and says nothing else.
const MOST: usize = 8 * 1024;

/// Rules that are evaluated of one text.
const RULES: usize = 3;

/// Rego.
pub fn policy_text(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Ok(bundle) = Bundle::parse(Sources::of([("fuzz.rego", text)])) else { return };
    for rule in bundle.rules().iter().take(RULES) {
        let Ok(program) = bundle.compile(rule, Limits::GATE) else { continue };
        let input =
            serde_json::json!({ "now": "2026-11-21T01:00:00Z", "target": { "service": "a" } });
        let begun = Instant::now();
        let _ = program.evaluate(&input, 1_790_000_000_000_000_000);
        assert!(begun.elapsed() < Duration::from_secs(10), "an evaluation does not end");
    }
}

/// Guardrails: what compiles is Rego.
pub fn guardrails(data: &[u8]) {
    let Some(text) = text(data) else { return };
    for rigour in [Rigour::New, Rigour::Recorded] {
        let Ok(rego) = compile("fuzz.yaml", text, rigour) else { continue };
        let parsed = Bundle::parse(Sources::of([("fuzz.rego", rego.clone())]));
        assert!(parsed.is_ok(), "guardrails became what is no Rego: {rego}");
    }
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok().filter(|text| text.len() <= MOST)
}
