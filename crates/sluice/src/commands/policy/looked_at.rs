//! `sluice policy check` and `sluice policy lint`: problems of policy files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use sluice_policy::{Bundle, Problem, Sources, guardrails};

use super::files;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;

/// Which files.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 no problems; 1 problems.")]
pub(crate) struct PathsArgs {
    /// Rego files and YAML guardrails, or folders with some
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Print the problems as JSON
    #[arg(long)]
    json: bool,
}

/// Parses and compiles.
pub(super) fn check(arguments: &PathsArgs) -> Outcome {
    let problems = match modules(&arguments.paths)? {
        Ok(modules) => Bundle::parse(Sources::of(modules)).err().unwrap_or_default(),
        Err(problems) => problems,
    };
    tell(&problems, arguments.json)
}

/// Parses, compiles and lints.
pub(super) fn lint(arguments: &PathsArgs) -> Outcome {
    let parsed = modules(&arguments.paths)?.and_then(|modules| Bundle::parse(Sources::of(modules)));
    let problems = match parsed {
        Ok(bundle) => sluice_policy::lint::lint(&bundle),
        Err(problems) => problems,
    };
    tell(&problems, arguments.json)
}

type Modules = BTreeMap<String, String>;

/// The files as Rego, guardrails compiled.
fn modules(paths: &[PathBuf]) -> Result<Result<Modules, Vec<Problem>>, Failure> {
    let files = files::modules(paths, &["rego", "yaml", "yml"])?;
    Ok(guardrails::modules(&files, guardrails::Rigour::New))
}

/// Prints problems with their places.
pub(super) fn tell(problems: &[Problem], as_json: bool) -> Outcome {
    if as_json {
        output::json(&serde_json::json!({ "problems": problems }));
    } else {
        for problem in problems {
            print(problem);
        }
        output::note(&match problems.len() {
            0 => "all right".to_owned(),
            count => format!("{count} problem(s)"),
        });
    }
    Ok(if problems.is_empty() { exit::OK } else { exit::FAILED })
}

fn print(problem: &Problem) {
    let clean = output::clean;
    output::line(&format!(
        "{}[{}]: {}",
        output::bad("error"),
        clean(&problem.code),
        clean(&problem.message)
    ));
    let place = match problem.line {
        0 => clean(&problem.file),
        line => format!("{}:{line}:{}", clean(&problem.file), problem.column),
    };
    output::line(&format!(" --> {place}"));
    if !problem.help.is_empty() {
        output::line(&format!("  = help: {}", clean(&problem.help)));
    }
}
