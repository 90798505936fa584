//! `sluice policy test`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sluice_engine::clock::{Clock, SystemClock};
use sluice_policy::{Bundle, Outcome as TestOutcome, TestResult};

use super::{files, looked_at};
use crate::exit;
use crate::failure::Outcome;
use crate::output;

/// Arguments of `sluice policy test`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all passed; 1 some failed, or the files have problems.")]
pub(crate) struct TestArgs {
    /// Rego files and their tests, or folders with both
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// A JSON document for `data`; may be repeated
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// Runs every test rule, over the shipped policy where the files are of an organisation.
pub(super) fn run(arguments: &TestArgs) -> Outcome {
    let own = files::modules(&arguments.paths, &["rego", "yaml", "yml"])?;
    let sources = sluice_policy::gate::sources(&own).map(|mut sources| {
        files::data(&arguments.data).map(|data| {
            sources.data = data;
            sources
        })
    });
    let bundle = match sources {
        Ok(sources) => Bundle::parse(sources?),
        Err(problems) => Err(problems),
    };
    let bundle = match bundle {
        Ok(bundle) => bundle,
        Err(problems) => return looked_at::tell(&problems, arguments.json),
    };
    let now_ns = i64::try_from(SystemClock::default().now().as_nanosecond()).unwrap_or(i64::MAX);
    let results: Vec<TestResult> = sluice_policy::test(&bundle, now_ns, Duration::MAX)
        .into_iter()
        .filter(|result| own.contains_key(&result.file))
        .collect();
    let failed = results.iter().filter(|result| is_bad(result)).count();
    if arguments.json {
        output::json(&results);
    } else {
        for result in &results {
            print(result);
        }
        output::note(&format!("{} test(s), {failed} failed", results.len()));
    }
    Ok(if failed == 0 { exit::OK } else { exit::FAILED })
}

fn is_bad(result: &TestResult) -> bool {
    match result.outcome {
        TestOutcome::Passed | TestOutcome::Skipped => false,
        TestOutcome::Failed | TestOutcome::Errored { .. } => true,
    }
}

fn print(result: &TestResult) {
    let (word, more) = match &result.outcome {
        TestOutcome::Passed => (output::good("passed"), String::new()),
        TestOutcome::Failed => (output::bad("failed"), String::new()),
        TestOutcome::Skipped => (output::attention("skipped"), String::new()),
        TestOutcome::Errored { message } => {
            (output::bad("error"), format!(": {}", output::clean(message)))
        }
    };
    let place = format!("{}:{}", output::clean(&result.file), result.line);
    output::line(&format!("{word}  {}  {place}{more}", output::clean(&result.name)));
}
