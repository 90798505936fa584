//! Rego lives only here: bundles of policies, their evaluation under limits, lints, tests and
//! guardrails, and the verdict of the gate.
//!
//! Nothing in here sees a clock, a network or a disk: what a policy may look at is handed in.

pub mod bundle;
pub mod fault;
pub mod limits;
pub mod lint;
pub mod problem;
pub mod program;
pub mod query;

mod builtins;
mod check;
mod json;
mod memory;
mod scan;
mod syntax;
mod worker;

pub use bundle::{Bundle, Sources};
pub use fault::{Fault, FaultCode};
pub use limits::Limits;
pub use problem::Problem;
pub use program::{Preference, Program};
pub use query::{EvalError, EvalRequest, eval};
