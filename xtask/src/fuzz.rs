//! Plays the targets of `fuzz/`, each in a process of its own: one that ends its process, by a stack that overflows or by
//! memory, fails alone.

use std::path::Path;
use std::process::{Command, ExitCode};

/// How many inputs each target takes when nothing is said.
const INPUTS: &str = "1000000";

/// `[INPUTS [SEED] [TARGET...]]`.
pub(crate) fn run(root: &Path) -> ExitCode {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let numbers = words.iter().take(2).take_while(|word| word.parse::<u64>().is_ok()).count();
    let (numbers, wanted) = words.split_at(numbers);
    let inputs = numbers.first().map_or(INPUTS, String::as_str);
    let seed = numbers.get(1).map_or("1", String::as_str);
    let Some(known) = targets(root) else {
        eprintln!("the targets could not be built");
        return ExitCode::FAILURE;
    };
    if let Some(unknown) = wanted.iter().find(|wanted| !known.contains(wanted)) {
        eprintln!("there is no target `{unknown}`; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    println!("{:<20} {:>10} {:>9} {:>10}", "target", "inputs", "seconds", "outcome");
    let mut failed = Vec::new();
    for name in known.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        let status = program(root, &["play", inputs, seed, name]).status();
        match status.map(|status| status.code()) {
            Ok(Some(0)) => continue,
            Ok(Some(_)) => {}
            // It did not come to saying so itself.
            Ok(None) | Err(_) => {
                println!("{name:<20} its process was ended; the input is in failed-{name}-{seed}");
            }
        }
        failed.push(name.as_str());
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("failed: {}", failed.join(", "));
    ExitCode::FAILURE
}

fn targets(root: &Path) -> Option<Vec<String>> {
    let listed = program(root, &["targets"]).output().ok().filter(|it| it.status.success())?;
    let text = String::from_utf8(listed.stdout).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}

fn program(root: &Path, words: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "-q", "--release", "-p", "sluice-fuzz-targets", "--"]);
    cargo.args(words).current_dir(root);
    cargo
}
