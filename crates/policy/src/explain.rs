//! Why a rule gave what it gave: every rule of the bundle with its value for one input, and the lines of those
//! that do not hold that were never reached.

use std::collections::BTreeMap;

use regorus::Value;
use regorus::unstable::{Module, Rule};
use serde::Serialize;

use crate::bundle::{Bundle, lost_message};
use crate::fault::{Fault, FaultCode};
use crate::limits::Limits;
use crate::memory::Backstop;
use crate::program::timer;
use crate::{builtins, check, json, syntax, worker};

/// What every rule came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The entrypoint that was asked.
    pub entrypoint: String,
    /// Its value; none where it is undefined.
    pub value: Option<serde_json::Value>,
    /// Every rule, in the order of files and lines.
    pub rules: Vec<RuleTrace>,
}

/// What one rule came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTrace {
    /// The rule, as `data.package.rule`.
    pub name: String,
    /// The module it stands in.
    pub file: String,
    /// The line it begins at.
    pub line: u32,
    /// Whether this definition was evaluated to its end.
    pub held: bool,
    /// The value of all definitions together; none where it is undefined, or the rule a function.
    pub value: Option<serde_json::Value>,
    /// Lines that were not reached: what stands before the first of them did not hold.
    pub not_reached: Vec<Line>,
}

/// A line of a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Counted from 1.
    pub line: u32,
    /// What it says.
    pub text: String,
}

/// Explains what `entrypoint` gives for `input`, by the tree walker.
///
/// # Errors
///
/// A fault where the evaluation itself fails.
pub fn explain(
    bundle: &Bundle,
    entrypoint: &str,
    input: &serde_json::Value,
    now_ns: i64,
) -> Result<Explanation, Fault> {
    let (bundle, entrypoint, input) = (bundle.clone(), entrypoint.to_owned(), input.clone());
    match worker::run(worker::For::Desk, Limits::DESK.wall, move || {
        on_worker(&bundle, &entrypoint, &input, now_ns)
    }) {
        Ok(result) => result,
        Err(lost) => Err(Fault::new(FaultCode::Timeout, lost_message(&lost))),
    }
}

fn on_worker(
    bundle: &Bundle,
    entrypoint: &str,
    input: &serde_json::Value,
    now_ns: i64,
) -> Result<Explanation, Fault> {
    let fault = |error: anyhow::Error| Fault::from_engine(&error);
    let _memory = Backstop::raise(Limits::DESK.memory_bytes);
    let mut engine = bundle.engine(false).map_err(fault)?;
    engine.set_execution_timer_config(timer(Limits::DESK.wall));
    engine.set_input(json::read(input));
    engine.set_enable_coverage(true);
    let value =
        builtins::at(now_ns, false, || engine.eval_rule(entrypoint.to_owned())).map_err(fault)?;
    let coverage = engine.get_coverage_report().map_err(fault)?;
    let missed: BTreeMap<String, Vec<u32>> = coverage
        .files
        .into_iter()
        .map(|file| (file.path, file.not_covered.into_iter().collect()))
        .collect();
    let mut rules = Vec::new();
    for module in
        bundle.modules().iter().filter(|module| !check::file(module).ends_with("_test.rego"))
    {
        for rule in &module.policy {
            let Some(mut trace) = trace(module, rule, &missed) else { continue };
            trace.value = builtins::at(now_ns, false, || engine.eval_rule(trace.name.clone()))
                .ok()
                .and_then(defined);
            rules.push(trace);
        }
    }
    Ok(Explanation { entrypoint: entrypoint.to_owned(), value: defined(value), rules })
}

fn defined(value: Value) -> Option<serde_json::Value> {
    json::tree(&value).ok()
}

fn trace(module: &Module, rule: &Rule, missed: &BTreeMap<String, Vec<u32>>) -> Option<RuleTrace> {
    let name = syntax::rule_path(rule).into_iter().next()?;
    let file = check::file(module);
    let span = rule.span();
    let source = &module.package.span.source;
    let first = span.line;
    let last = first + u32::try_from(span.text().matches('\n').count()).unwrap_or(0);
    let lines =
        missed.get(&file).into_iter().flatten().filter(|line| (first..=last).contains(*line));
    let not_reached: Vec<Line> = lines
        .map(|line| Line {
            line: *line,
            text: source.line(line.saturating_sub(1)).trim().to_owned(),
        })
        .collect();
    Some(RuleTrace {
        name: format!("data.{}.{name}", syntax::package(module).join(".")),
        file,
        line: first,
        held: not_reached.is_empty(),
        value: None,
        not_reached,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::explain;
    use crate::bundle::{Bundle, Sources};

    #[test]
    fn the_line_after_the_one_that_fails_is_told() {
        let text = "package p\n\ndefault allow := false\n\nallow if {\n\tinput.a == 1\n\tinput.b == 2\n\tinput.c == 3\n}\n";
        let bundle = Bundle::parse(Sources::of([("p.rego", text)])).expect("parses");
        let told = explain(&bundle, "data.p.allow", &json!({"a": 1, "b": 5, "c": 3}), 0)
            .expect("explained");
        assert_eq!(told.value, Some(json!(false)));
        let rule = told.rules.iter().find(|rule| rule.line == 5).expect("the rule");
        assert!(!rule.held);
        assert!(rule.not_reached.iter().any(|line| line.text == "input.c == 3"), "{rule:?}");
        assert!(rule.not_reached.iter().all(|line| line.text != "input.a == 1"), "{rule:?}");
    }
}
