//! `sluice completions`: completion scripts, written from the command line's own description.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit;
use crate::failure::Outcome;
use crate::output;

/// Arguments of `sluice completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(arguments: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "sluice", &mut script);
    output::line(&String::from_utf8_lossy(&script));
    Ok(exit::OK)
}
