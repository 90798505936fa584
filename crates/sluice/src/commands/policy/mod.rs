//! `sluice policy`: policies at the desk, without a server.

mod eval;
mod explain;
mod files;
mod looked_at;
mod test;

use clap::Subcommand;

use crate::failure::Outcome;

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Parse and compile Rego files; names every problem
    Check(looked_at::PathsArgs),
    /// Run the tests in files that end in `_test.rego`
    Test(test::TestArgs),
    /// Answer a query as `opa eval` prints it
    Eval(eval::EvalArgs),
    /// Say what the shipped policy, or another, makes of the facts of one question
    Explain(explain::ExplainArgs),
    /// Name what is legal and dangerous, such as a grant by the absence of violations
    Lint(looked_at::PathsArgs),
}

/// Runs the command.
pub(crate) fn run(command: &PolicyCommand) -> Outcome {
    match command {
        PolicyCommand::Check(arguments) => looked_at::check(arguments),
        PolicyCommand::Test(arguments) => test::run(arguments),
        PolicyCommand::Eval(arguments) => eval::run(arguments),
        PolicyCommand::Explain(arguments) => explain::run(arguments),
        PolicyCommand::Lint(arguments) => looked_at::lint(arguments),
    }
}
