//! The binary: command line, configuration, wiring. Everything else lives in the other crates.

mod cli;
mod client;
mod commands;
mod demo;
mod exit;
mod failure;
mod output;
mod settings;
mod show;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Cli::read();
    match commands::run(arguments.command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit)
        }
    }
}
