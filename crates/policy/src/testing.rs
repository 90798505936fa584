//! Tests of policies: rules named `test_*` in modules named `*_test.rego`, as OPA runs them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use regorus::Value;
use serde::Serialize;

use crate::bundle::{Bundle, lost_message};
use crate::limits::Limits;
use crate::memory::Backstop;
use crate::program::timer;
use crate::{builtins, check, syntax, worker};

/// What is said of a test that did not run.
const LATE: &str = "did not run: those before it took all the time there is";

/// How one test ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The rule is true.
    Passed,
    /// The rule is false or undefined.
    Failed,
    /// The rule is named `todo_test_*`.
    Skipped,
    /// The evaluation failed.
    Errored {
        /// How.
        message: String,
    },
}

/// One test and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// The rule, as `data.package.test_name`.
    pub name: String,
    /// The module it stands in.
    pub file: String,
    /// The line it begins at.
    pub line: u32,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Runs every test of the bundle, in the order of their names. Those that have not begun when it took as long as
/// `patience` do not run, and say so.
pub fn test(bundle: &Bundle, now_ns: i64, patience: Duration) -> Vec<TestResult> {
    let began = Instant::now();
    let mut results = Vec::new();
    let mut seen = BTreeSet::new();
    for module in bundle.modules() {
        let package = syntax::package(module).join(".");
        for rule in &module.policy {
            let Some(name) = syntax::rule_path(rule).into_iter().next() else { continue };
            let skipped = name.starts_with("todo_test_");
            if !(skipped || name.starts_with("test_"))
                || !seen.insert((package.clone(), name.clone()))
            {
                continue;
            }
            let name = format!("data.{package}.{name}");
            let outcome = match () {
                () if skipped => Outcome::Skipped,
                () if began.elapsed() > patience => Outcome::Errored { message: LATE.to_owned() },
                () => run(bundle, &name, now_ns),
            };
            results.push(TestResult {
                name,
                file: check::file(module),
                line: rule.span().line,
                outcome,
            });
        }
    }
    results.sort_by(|left, right| left.name.cmp(&right.name));
    results
}

fn run(bundle: &Bundle, name: &str, now_ns: i64) -> Outcome {
    let (bundle, name) = (bundle.clone(), name.to_owned());
    let job = move || -> anyhow::Result<Value> {
        let _memory = Backstop::raise(Limits::DESK.memory_bytes);
        let mut engine = bundle.engine(true)?;
        engine.set_execution_timer_config(timer(Limits::DESK.wall));
        builtins::at(now_ns, false, || engine.eval_rule(name))
    };
    match worker::run(worker::For::Desk, Limits::DESK.wall, job) {
        Ok(Ok(Value::Bool(true))) => Outcome::Passed,
        Ok(Ok(Value::Undefined | Value::Bool(false))) => Outcome::Failed,
        Ok(Ok(_)) => Outcome::Passed,
        Ok(Err(error)) => {
            Outcome::Errored { message: crate::problem::plain_message(&format!("{error:#}")) }
        }
        Err(lost) => Outcome::Errored { message: lost_message(&lost) },
    }
}
