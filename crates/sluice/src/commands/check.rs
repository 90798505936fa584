//! `sluice check`: every problem of an organisation's folder, without a server.

use std::path::PathBuf;

use clap::Args;
use sluice_organisation::{Folder, Problem};

use super::folder;
use crate::exit;
use crate::failure::Outcome;
use crate::output;

/// Arguments of `sluice check`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 no errors; 1 errors; 2 DIR has no file of an organisation.")]
pub(crate) struct CheckArgs {
    /// Folder of the organisation
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Print the problems as JSON
    #[arg(long)]
    json: bool,
}

/// Checks the folder.
pub(crate) fn run(arguments: &CheckArgs) -> Outcome {
    let folder = folder::read(&arguments.dir)?;
    let report = sluice_engine::offline_check(&folder);
    let problems = report.problems;
    if arguments.json {
        output::json(&serde_json::json!({ "problems": problems }));
    } else {
        print(&problems, &folder);
    }
    Ok(if problems.iter().any(Problem::is_error) { exit::FAILED } else { exit::OK })
}

/// Prints problems with their lines, and counts them on stderr.
pub(crate) fn print(problems: &[Problem], folder: &Folder) {
    for problem in problems {
        let text = sluice_organisation::render(problem, folder);
        let word = problem.severity.as_str();
        let styled = if problem.is_error() { output::bad(word) } else { output::attention(word) };
        output::line(&output::clean(&text).replacen(word, &styled, 1));
        output::line("");
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    output::note(&match (errors, warnings) {
        (0, 0) => "all right".to_owned(),
        (0, _) => format!("no errors, {warnings} warning(s)"),
        _ => format!("{errors} error(s), {warnings} warning(s): correct them, then check again"),
    });
}
