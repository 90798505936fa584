//! The policy of the gate: the shipped bundle, an organisation's own files over it, and the verdict.

use std::collections::BTreeMap;

use serde::Deserialize;
use sluice_core::facts::GateFacts;
use sluice_core::verdict::{PolicyFault, Verdict};

use crate::bundle::{Bundle, Sources};
use crate::fault::{Fault, FaultCode};
use crate::guardrails::Rigour;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::program::{Place, Preference, Program};
use crate::{guardrails, input, syntax};

/// The entrypoint that the gate asks.
pub const ENTRYPOINT: &str = "data.sluice.gate.verdict";

/// Most reasons in one verdict.
const MAX_REASONS: usize = 200;
/// Longest message of a reason, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 2_000;

/// The shipped modules: path inside the bundle, text.
const SHIPPED: &[(&str, &str)] = &[
    ("sluice/gate/approvals.rego", include_str!("../rego/approvals.rego")),
    ("sluice/gate/conflicts.rego", include_str!("../rego/conflicts.rego")),
    ("sluice/gate/evidence.rego", include_str!("../rego/evidence.rego")),
    ("sluice/gate/freeze.rego", include_str!("../rego/freeze.rego")),
    ("sluice/gate/grant.rego", include_str!("../rego/grant.rego")),
    ("sluice/gate/identity.rego", include_str!("../rego/identity.rego")),
    ("sluice/gate/order.rego", include_str!("../rego/order.rego")),
    ("sluice/gate/own.rego", include_str!("../rego/own.rego")),
    ("sluice/gate/registration.rego", include_str!("../rego/registration.rego")),
    ("sluice/gate/stop.rego", include_str!("../rego/stop.rego")),
    ("sluice/gate/verdict.rego", include_str!("../rego/verdict.rego")),
    ("sluice/gate/gate_test.rego", include_str!("../rego/gate_test.rego")),
    ("sluice/rules.rego", include_str!("../rego/rules.rego")),
];

/// The shipped modules by their path.
pub fn shipped() -> Sources {
    Sources::of(SHIPPED.iter().copied())
}

/// The policy that the gate judges by. Cheap to clone, to be shared between threads.
#[derive(Debug, Clone)]
pub struct GatePolicy {
    bundle: Bundle,
    program: Program,
}

impl GatePolicy {
    /// The shipped policy with an organisation's files over it: `.rego` modules and `.yaml` guardrails, by path.
    ///
    /// Own rules stand in package `sluice.rules`. A module in package `sluice.gate` replaces the whole shipped
    /// judgement, not the file of its name alone: half of one policy and half of another is neither.
    ///
    /// # Errors
    ///
    /// Every problem of the files, with file, line and help.
    pub fn assemble(files: &BTreeMap<String, String>) -> Result<GatePolicy, Vec<Problem>> {
        GatePolicy::at(sources(files)?, Preference::Best, place(files))
    }

    /// The same of files that are recorded as applied: what is refused in new files only keeps the meaning that it had.
    ///
    /// # Errors
    ///
    /// As [`GatePolicy::assemble`], but for that.
    pub fn assemble_recorded(files: &BTreeMap<String, String>) -> Result<GatePolicy, Vec<Problem>> {
        GatePolicy::at(recorded_sources(files)?, Preference::Best, place(files))
    }

    /// The policy of ready sources, answered by a chosen engine.
    ///
    /// # Errors
    ///
    /// As [`GatePolicy::assemble`].
    pub fn of(sources: Sources, preference: Preference) -> Result<GatePolicy, Vec<Problem>> {
        GatePolicy::at(sources, preference, Place::Worker)
    }

    fn at(
        sources: Sources,
        preference: Preference,
        place: Place,
    ) -> Result<GatePolicy, Vec<Problem>> {
        let bundle = Bundle::parse(sources)?;
        let program = bundle.compile_at(ENTRYPOINT, Limits::GATE, preference, place)?;
        Ok(GatePolicy { bundle, program })
    }

    /// The digest of everything that judges, as `sha256:<hex>`.
    pub fn digest(&self) -> &str {
        self.bundle.digest()
    }

    /// The bundle: for lints, tests and explanations.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Whether the register machine answers, and not the slower tree walker.
    pub fn runs_on_machine(&self) -> bool {
        self.program.runs_on_machine()
    }

    /// Judges the facts. Blocks for up to [`Limits::GATE`]'s wall-clock time.
    ///
    /// # Errors
    ///
    /// A fault in every other case than a well-formed verdict; the core turns it into a denial.
    pub fn judge(&self, facts: &GateFacts) -> Result<Verdict, PolicyFault> {
        let input =
            input::value(facts).map_err(|error| Fault::new(FaultCode::Error, error.to_string()))?;
        let now_ns = i64::try_from(facts.now.as_nanosecond()).unwrap_or(i64::MAX);
        self.program.evaluate_value(&input, now_ns).and_then(decode).map_err(PolicyFault::from)
    }
}

/// Where a policy with these files runs: on the thread that asks where all of it is ours, or phrases of ours.
fn place(files: &BTreeMap<String, String>) -> Place {
    let ours = |path: &str, text: &str| match path.ends_with(".rego") {
        true => SHIPPED.contains(&(path, text)),
        false => guardrails::are_phrases(path, text),
    };
    match files.iter().all(|(path, text)| ours(path, text)) {
        true => Place::Here,
        false => Place::Worker,
    }
}

impl From<Fault> for PolicyFault {
    fn from(fault: Fault) -> PolicyFault {
        PolicyFault { code: fault.code.as_str().into(), message: fault.message }
    }
}

/// The sources that an organisation's files and the shipped modules make together.
///
/// # Errors
///
/// Problems of guardrails that do not compile.
pub fn sources(files: &BTreeMap<String, String>) -> Result<Sources, Vec<Problem>> {
    sources_with(files, Rigour::New)
}

/// The same of files that are recorded as applied.
///
/// # Errors
///
/// As [`sources`], but for what is refused in new files only.
pub fn recorded_sources(files: &BTreeMap<String, String>) -> Result<Sources, Vec<Problem>> {
    sources_with(files, Rigour::Recorded)
}

fn sources_with(files: &BTreeMap<String, String>, rigour: Rigour) -> Result<Sources, Vec<Problem>> {
    let mut modules = guardrails::modules(files, rigour)?;
    let replaced =
        modules.iter().any(|(path, text)| !path.ends_with("_test.rego") && is_gate(path, text));
    for (path, text) in SHIPPED {
        if !(replaced && path.starts_with("sluice/gate/")) {
            modules.entry((*path).to_owned()).or_insert_with(|| (*text).to_owned());
        }
    }
    Ok(Sources { modules, data: serde_json::Value::Null })
}

fn is_gate(path: &str, text: &str) -> bool {
    crate::scan::scan(path, text).is_ok()
        && crate::bundle::parse_module(path, text)
            .is_ok_and(|module| syntax::package(&module) == ["sluice", "gate"])
}

/// Reads a verdict strictly: nothing unknown, nothing of another type, nothing beyond measure.
///
/// # Errors
///
/// A fault of kind [`FaultCode::Type`].
pub fn decode(value: serde_json::Value) -> Result<Verdict, Fault> {
    let mistyped = |message: String| Fault::new(FaultCode::Type, message);
    let mut verdict = Verdict::deserialize(value)
        .map_err(|error| mistyped(format!("the verdict is malformed: {error}")))?;
    if verdict.reasons.len() > MAX_REASONS {
        return Err(mistyped(format!("the verdict has more than {MAX_REASONS} reasons")));
    }
    if verdict
        .reasons
        .iter()
        .any(|reason| reason.message.len() > MAX_MESSAGE_BYTES || reason.rule.len() > 200)
    {
        return Err(mistyped(format!("a reason is longer than {MAX_MESSAGE_BYTES} bytes")));
    }
    verdict.reasons.sort_by(|left, right| {
        (left.check, left.effect, &left.rule, &left.message).cmp(&(
            right.check,
            right.effect,
            &right.rule,
            &right.message,
        ))
    });
    verdict.require.sort();
    verdict.require.dedup();
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_has_rego_of_others_runs_where_it_can_be_left_behind() {
        let guardrail = |condition: &str| {
            format!("guardrails: [{{name: a, steps: [{{if: {condition}, on_fail: deny}}]}}]")
        };
        let (path, text) = SHIPPED[0];
        for (path, text, here) in [
            ("g.yaml", guardrail("business hours"), true),
            ("g.yaml", guardrail("[business hours, lines changed > 5]"), true),
            ("g.yaml", guardrail("\"input.risk.score < 5\""), false),
            (
                "g.yaml",
                guardrail("[business hours, \"a := bits.lsh(1, 65536); b := a * a\"]"),
                false,
            ),
            ("g.rego", "package sluice.rules".to_owned(), false),
            (path, text.to_owned(), true),
            (path, format!("{text}\n"), false),
        ] {
            let files = BTreeMap::from([(path.to_owned(), text.clone())]);
            assert_eq!(place(&files) == Place::Here, here, "{path}: {text}");
        }
        assert_eq!(place(&BTreeMap::new()), Place::Here);
    }
}
