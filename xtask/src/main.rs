//! Work on this repository itself: `cargo run -p xtask -- TASK`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod browser;
mod fuzz;
mod oidc;
mod python;
mod reliability;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

/// Its name, what it does, and how it is run.
type Task = (&'static str, &'static str, fn() -> ExitCode);

/// Every task.
const TASKS: [Task; 7] = [
    ("tidy", "check what is agreed on and easy to break", tidy),
    ("oidc", "log in at a real provider of identities, by Node", || oidc::run(root())),
    ("scim", "keep people and groups as scim2-tester does, by Python", || python::scim(root())),
    (
        "schemathesis",
        "play all that schemathesis makes of the API's description, by Python",
        || python::schemathesis(root()),
    ),
    ("fuzz", "play every target of fuzz/ with so many inputs (1000000), optimised", || {
        fuzz::run(root())
    }),
    (
        "browser",
        "play the journeys of each role and look at every page, in Chromium",
        browser::check,
    ),
    ("screenshots", "write pictures of every page into target/screenshots", browser::screenshots),
];

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1);
    let command = wanted.as_deref().and_then(reliability::command);
    if let Some(command) = command {
        let arguments: Vec<String> = std::env::args().skip(2).collect();
        return reliability::run(command, &arguments);
    }
    if let Some((_, _, run)) = TASKS.iter().find(|(name, _, _)| Some(*name) == wanted.as_deref()) {
        return run();
    }
    eprintln!("usage: cargo run -p xtask -- TASK");
    for (name, about, _) in TASKS {
        eprintln!("  {name:12} {about}");
    }
    eprintln!("{}", reliability::USAGE);
    ExitCode::from(2)
}

fn tidy() -> ExitCode {
    match tidy::run(root()) {
        Ok(problems) if problems.is_empty() => {
            println!("tidy");
            ExitCode::SUCCESS
        }
        Ok(problems) => {
            for problem in &problems {
                eprintln!("{problem}");
            }
            eprintln!("{} problem(s)", problems.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the repository cannot be read: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The top of the repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
