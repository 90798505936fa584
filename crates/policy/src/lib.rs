//! Rego lives only here: bundles of policies, their evaluation under limits, lints, tests and
//! guardrails, and the verdict of the gate.
//!
//! Nothing in here sees a clock, a network or a disk: what a policy may look at is handed in.

pub mod bundle;
pub mod explain;
pub mod fault;
pub mod gate;
pub mod guardrails;
pub mod limits;
pub mod lint;
pub mod problem;
pub mod program;
pub mod query;
pub mod testing;

mod builtins;
mod check;
mod imports;
mod input;
mod json;
mod keywords;
mod memory;
mod plain;
mod reasons;
mod scan;
mod syntax;
mod worker;

pub use bundle::{Bundle, Sources};
pub use explain::{Explanation, RuleTrace, explain};
pub use fault::{Fault, FaultCode};
pub use gate::GatePolicy;
pub use limits::Limits;
pub use lint::lint;
pub use problem::Problem;
pub use program::{Preference, Program};
pub use query::{EvalError, EvalRequest, eval};
pub use reasons::{ReasonNames, reason_names};
pub use testing::{Outcome, TestResult, test};
