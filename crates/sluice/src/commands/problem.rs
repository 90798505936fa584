//! `sluice problem`: the causes behind incidents, and what mends them.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sluice_core::ids::{ChangeNumber, IncidentNumber, ProblemNumber};

use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::Outcome;
use crate::output;
use crate::settings::{PageArgs, ServerArgs};
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("PROBLEM", "/number"),
    ("STATE", "/state"),
    ("SERVICES", "/services"),
    ("INCIDENTS", "/incidents"),
    ("TITLE", "/title"),
];

const LINES: &[Column] = &[
    ("problem", "/number"),
    ("state", "/state"),
    ("title", "/title"),
    ("services", "/services"),
    ("source", "/source"),
    ("incidents", "/incidents"),
    ("changes", "/changes"),
    ("note", "/note"),
    ("opened", "/opened_at"),
    ("resolved", "/resolved_at"),
];

/// What can be done with problems.
#[derive(Debug, Subcommand)]
pub(crate) enum ProblemCommand {
    /// List problems, newest first
    List {
        /// Only those in this state
        #[arg(long, value_enum, value_name = "STATE")]
        state: Option<StateWord>,
        /// Only those of this service
        #[arg(long)]
        service: Option<String>,
        /// Only those of this incident
        #[arg(long)]
        incident: Option<IncidentNumber>,
        #[command(flatten)]
        page: PageArgs,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a problem
    Show {
        /// Its number
        number: ProblemNumber,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Open a problem
    Open(OpenArgs),
    /// Say where it stands
    Move {
        /// Its number
        number: ProblemNumber,
        /// Where it stands now
        #[arg(long, value_enum)]
        state: OpenState,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Link further incidents and changes to it
    Link {
        /// Its number
        number: ProblemNumber,
        /// An incident; may come several times
        #[arg(long = "incident")]
        incidents: Vec<IncidentNumber>,
        /// A change; may come several times
        #[arg(long = "change")]
        changes: Vec<ChangeNumber>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Say that it is over, and how
    Resolve {
        /// Its number
        number: ProblemNumber,
        /// What ended it
        #[arg(long, value_name = "TEXT")]
        note: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// What is known of a problem that is opened.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// A service that it lies in; may come several times
    #[arg(long = "service", required = true)]
    services: Vec<String>,
    /// One of its incidents; may come several times
    #[arg(long = "incident")]
    incidents: Vec<IncidentNumber>,
    /// A change that belongs to it; may come several times
    #[arg(long = "change")]
    changes: Vec<ChangeNumber>,
    /// What else is known
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Where an open problem stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum OpenState {
    Investigating,
    KnownError,
    FixInProgress,
}

/// Where a problem stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum StateWord {
    New,
    Investigating,
    KnownError,
    FixInProgress,
    Resolved,
}

/// Runs the command.
pub(crate) fn run(command: &ProblemCommand) -> Outcome {
    match command {
        ProblemCommand::List { state, service, incident, page, json, server } => {
            let mut path = format!("/api/v1/problems?{}", page.query());
            let state = &state.map(values::name);
            let incident = incident.map(|number| number.to_string());
            for (name, value) in [("state", state), ("service", service), ("incident", &incident)] {
                if let Some(value) = value {
                    path.push_str(&format!("&{name}={}", encode(value)));
                }
            }
            show::records(&Client::new(server)?.get(&path)?, COLUMNS, *json);
            Ok(exit::OK)
        }
        ProblemCommand::Show { number, json, server } => {
            let problem = Client::new(server)?.get(&format!("/api/v1/problems/{number}"))?;
            show::record(&problem, LINES, *json);
            Ok(exit::OK)
        }
        ProblemCommand::Open(arguments) => open(arguments),
        ProblemCommand::Move { number, state, note, server } => {
            let body = values::object([("state", word(*state)), ("note", json!(note))]);
            done(server, *number, "move", &body, "moved")
        }
        ProblemCommand::Link { number, incidents, changes, server } => {
            let body = json!({ "incidents": incidents, "changes": changes });
            done(server, *number, "link", &body, "linked to")
        }
        ProblemCommand::Resolve { number, note, server } => {
            done(server, *number, "resolve", &json!({ "note": note }), "resolved")
        }
    }
}

fn open(arguments: &OpenArgs) -> Outcome {
    let body = values::object([
        ("title", json!(arguments.title)),
        ("services", json!(arguments.services)),
        ("incidents", json!(arguments.incidents)),
        ("changes", json!(arguments.changes)),
        ("note", json!(arguments.note)),
    ]);
    let opened = Client::new(&arguments.server)?.post("/api/v1/problems", &body, &[])?;
    show::record(&opened, &[("problem", "/problem")], arguments.json);
    Ok(exit::OK)
}

fn done(server: &ServerArgs, number: ProblemNumber, act: &str, body: &Value, did: &str) -> Outcome {
    let path = format!("/api/v1/problems/{number}/{act}");
    Client::new(server)?.post(&path, body, &[])?;
    output::note(&format!("{did} {number}"));
    Ok(exit::OK)
}

fn word(value: impl ValueEnum) -> Value {
    json!(value.to_possible_value().map(|word| word.get_name().to_owned()))
}
