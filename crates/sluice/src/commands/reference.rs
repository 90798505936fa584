//! The reference of all commands as Markdown, from the command line's own description.

use std::fmt::Write as _;

use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::exit;
use crate::failure::Outcome;
use crate::output;

const INTRODUCTION: &str = "# Commands\n\n\
    Written by the program from its own description; a test fails when it is stale.\n\n\
    Data goes to stdout, everything else to stderr. `--json` prints what a table shows as JSON. Colour \
    is decoration only; `NO_COLOR` turns it off. Errors end with what to do next.\n\n\
    ## Exit codes\n\n\
    | code | meaning |\n|---|---|\n\
    | 0 | all right; at the gate: allow, with a pass whose signature and bindings were verified |\n\
    | 1 | failed, refused, or could not be checked |\n\
    | 2 | the command line makes no sense |\n\
    | 3 | `verify`, `fsck`: tampering, a rollback or a fork was found; `serve`: safe halt for that reason; \
    `link hear`: readable, but not for us |\n\
    | 4 | `link hear`: not readable or wrongly signed |\n\
    | 10 | the gate says deny |\n\
    | 11 | the gate still says wait when the waiting ends |\n\
    | 12 | a pass is refused |\n\
    | 13 | not let in: the token is refused, or that of the pipeline's own system |\n\
    | 14 | no, where the question is one of yes or no |\n\
    | 20 | the server cannot answer now |\n\
    | 21 | the server has halted itself for the safety of its ledger |\n\
    | 22 | the answer is not one of Sluice's, or its pass does not verify |\n";

/// Prints the reference.
pub(crate) fn run() -> Outcome {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut text = INTRODUCTION.to_owned();
    describe(&mut command, &mut text);
    output::line(text.trim_end());
    Ok(exit::OK)
}

fn describe(command: &mut Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    let _ = write!(text, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n"));
    for child in command.get_subcommands_mut() {
        if !child.is_hide_set() && child.get_name() != "help" {
            describe(child, text);
        }
    }
}
