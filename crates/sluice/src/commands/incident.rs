//! `sluice incident`: what is broken, who works on it, how it ended.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sluice_core::ids::{ChangeNumber, IncidentNumber};

use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::Outcome;
use crate::output;
use crate::settings::{PageArgs, ServerArgs};
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("INCIDENT", "/number"),
    ("STATE", "/state"),
    ("SERVICES", "/services"),
    ("ENVIRONMENT", "/environment"),
    ("SEVERITY", "/severity"),
    ("CHANGE", "/change"),
    ("TITLE", "/title"),
];

const LINES: &[Column] = &[
    ("incident", "/number"),
    ("state", "/state"),
    ("title", "/title"),
    ("services", "/services"),
    ("environment", "/environment"),
    ("severity", "/severity"),
    ("source", "/source"),
    ("change", "/change"),
    ("deployment", "/deployment"),
    ("resolution", "/resolution"),
    ("note", "/note"),
    ("opened", "/opened_at"),
    ("resolved", "/resolved_at"),
];

/// What can be done with incidents.
#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// List incidents, newest first
    List {
        /// Only those in this state
        #[arg(long, value_enum, value_name = "STATE")]
        state: Option<StateWord>,
        /// Only those of this service
        #[arg(long)]
        service: Option<String>,
        /// Only those that came with this change
        #[arg(long)]
        change: Option<ChangeNumber>,
        #[command(flatten)]
        page: PageArgs,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show an incident
    Show {
        /// Its number
        number: IncidentNumber,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Open an incident
    Open(OpenArgs),
    /// Say that it is worked on, or waits
    Move {
        /// Its number
        number: IncidentNumber,
        /// Where it stands now
        #[arg(long, value_enum)]
        state: OpenState,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Say that it is over, and how
    Resolve {
        /// Its number
        number: IncidentNumber,
        /// How it ended
        #[arg(long, value_enum, default_value_t = HowEnded::Fixed)]
        resolution: HowEnded,
        /// What ended it
        #[arg(long, value_name = "TEXT")]
        note: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// What is known of an incident that is opened.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// A service that suffers; may come several times
    #[arg(long = "service", required = true)]
    services: Vec<String>,
    /// Their environment
    #[arg(long)]
    environment: Option<String>,
    /// How bad it is
    #[arg(long, value_name = "TEXT")]
    severity: Option<String>,
    /// The change that it came with
    #[arg(long)]
    change: Option<ChangeNumber>,
    /// What else is known
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Where an open incident stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum OpenState {
    Acknowledged,
    InProgress,
    OnHold,
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum HowEnded {
    Fixed,
    WorkedAround,
    Recovered,
    Unfounded,
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum StateWord {
    New,
    Acknowledged,
    InProgress,
    OnHold,
    Resolved,
}

/// Runs the command.
pub(crate) fn run(command: &IncidentCommand) -> Outcome {
    match command {
        IncidentCommand::List { state, service, change, page, json, server } => {
            let mut path = format!("/api/v1/incidents?{}", page.query());
            let state = &state.map(values::name);
            let change = change.map(|number| number.to_string());
            for (name, value) in [("state", state), ("service", service), ("change", &change)] {
                if let Some(value) = value {
                    path.push_str(&format!("&{name}={}", encode(value)));
                }
            }
            show::records(&Client::new(server)?.get(&path)?, COLUMNS, *json);
            Ok(exit::OK)
        }
        IncidentCommand::Show { number, json, server } => {
            let incident = Client::new(server)?.get(&format!("/api/v1/incidents/{number}"))?;
            show::record(&incident, LINES, *json);
            Ok(exit::OK)
        }
        IncidentCommand::Open(arguments) => open(arguments),
        IncidentCommand::Move { number, state, note, server } => {
            let body = values::object([("state", word(*state)), ("note", json!(note))]);
            let path = format!("/api/v1/incidents/{number}/move");
            Client::new(server)?.post(&path, &body, &[])?;
            output::note(&format!("moved {number}"));
            Ok(exit::OK)
        }
        IncidentCommand::Resolve { number, resolution, note, server } => {
            let body = json!({ "resolution": word(*resolution), "note": note });
            let path = format!("/api/v1/incidents/{number}/resolve");
            Client::new(server)?.post(&path, &body, &[])?;
            output::note(&format!("resolved {number}"));
            Ok(exit::OK)
        }
    }
}

fn open(arguments: &OpenArgs) -> Outcome {
    let body = values::object([
        ("title", json!(arguments.title)),
        ("services", json!(arguments.services)),
        ("environment", json!(arguments.environment)),
        ("severity", json!(arguments.severity)),
        ("change", json!(arguments.change)),
        ("note", json!(arguments.note)),
    ]);
    let opened = Client::new(&arguments.server)?.post("/api/v1/incidents", &body, &[])?;
    show::record(&opened, &[("incident", "/incident")], arguments.json);
    Ok(exit::OK)
}

fn word(value: impl ValueEnum) -> Value {
    json!(value.to_possible_value().map(|word| word.get_name().to_owned()))
}
