//! `sluice calendar`: what comes, what people make of it, and what a calendar file means.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use sluice_organisation::ics;

use super::exception::{self, ExceptionCommand};
use super::values;
use super::window::{self, WindowCommand};
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("FROM", "/start"),
    ("TO", "/end"),
    ("MEANING", "/kind"),
    ("WINDOW", "/name"),
    ("TITLE", "/title"),
    ("REASON", "/reason"),
];

/// What can be asked about calendars.
#[derive(Debug, Subcommand)]
pub(crate) enum CalendarCommand {
    /// Show the next windows of a service in an environment
    Show(ShowArgs),
    /// Make, alter and end windows, and agree to those of others
    #[command(subcommand)]
    Window(Box<WindowCommand>),
    /// Grant, revoke and list exceptions; the same as `sluice exception`
    #[command(subcommand)]
    Exception(ExceptionCommand),
    /// Print the occurrences of an iCalendar file as JSON, without a server
    Expand(ExpandArgs),
}

/// Arguments of `sluice calendar show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The service
    #[arg(long, value_name = "NAME")]
    service: String,
    /// The environment
    #[arg(long, value_name = "NAME")]
    environment: String,
    /// How many windows
    #[arg(long, default_value_t = 10, value_name = "N")]
    count: u32,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Arguments of `sluice calendar expand`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all understood; 1 some lines are not, and are named.")]
pub(crate) struct ExpandArgs {
    /// The file, in iCalendar form
    #[arg(value_name = "FILE.ics")]
    file: PathBuf,
    /// The first instant, such as `2026-12-01T00:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    from: Timestamp,
    /// The first instant after the span
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    to: Timestamp,
    /// Zone of times that have none, such as `Europe/Berlin`
    #[arg(long, value_name = "ZONE")]
    floating_zone: Option<String>,
}

/// Runs the command.
pub(crate) fn run(command: &CalendarCommand) -> Outcome {
    match command {
        CalendarCommand::Show(arguments) => {
            let path = format!(
                "/api/v1/calendar?service={}&environment={}&count={}",
                encode(&arguments.service),
                encode(&arguments.environment),
                arguments.count
            );
            let windows = Client::new(&arguments.server)?.get(&path)?;
            show::records(&windows, COLUMNS, arguments.json);
            Ok(exit::OK)
        }
        CalendarCommand::Window(command) => window::run(command),
        CalendarCommand::Exception(command) => exception::run(command),
        CalendarCommand::Expand(arguments) => expand(arguments),
    }
}

fn expand(arguments: &ExpandArgs) -> Outcome {
    if arguments.from >= arguments.to {
        return Err(Failure::usage(
            "`--from` is not before `--to`",
            "give a span that begins before it ends",
        ));
    }
    let text = values::read_text(&arguments.file, ics::SIZE_LIMIT_BYTES as u64)?;
    let zone = arguments.floating_zone.as_deref();
    let expansion = ics::expand_ics(&text, zone, arguments.from, arguments.to);
    output::json(&expansion.occurrences);
    for problem in &expansion.problems {
        let place = format!("{}:{}", arguments.file.display(), problem.line);
        output::note(&output::clean(&format!("{place}: {problem}")));
    }
    if expansion.problems.is_empty() {
        return Ok(exit::OK);
    }
    output::note("the list is not complete: correct these lines");
    Ok(exit::FAILED)
}
