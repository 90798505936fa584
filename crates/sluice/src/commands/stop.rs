//! `sluice stop`: stop the line, lift a stop, list stops.

use clap::{Args, Subcommand};
use serde_json::json;
use sluice_core::scope::Scope;

use super::{people, values};
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("SINCE", "/since"),
    ("BY", "/by"),
    ("SCOPE", "/scope"),
    ("REASON", "/reason"),
];

/// Stops every deployment within a scope, from the next question on.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct StopArgs {
    #[command(subcommand)]
    command: Option<StopCommand>,
    /// What is stopped: `service=payments,environment=production`, or `all`
    #[arg(long, value_name = "SCOPE", value_parser = values::scope)]
    scope: Option<Scope>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What else can be done with stops.
#[derive(Debug, Subcommand)]
enum StopCommand {
    /// Lift a stop
    Lift {
        /// Id of the stop
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the stops in force
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub(crate) fn run(arguments: &StopArgs) -> Outcome {
    match &arguments.command {
        None => pull(arguments),
        Some(StopCommand::Lift { id, reason, json, server }) => {
            let path = format!("/api/v1/stops/{}/lift", encode(id));
            let lifted = Client::new(server)?.post(&path, &json!({ "reason": reason }), &[])?;
            output::note(&format!("lifted {}", output::clean(id)));
            if *json {
                output::json(&lifted);
            }
            Ok(exit::OK)
        }
        Some(StopCommand::List { json, server }) => {
            let client = Client::new(server)?;
            let mut stops = client.get("/api/v1/stops")?;
            people::name(&client, &mut stops, "/by", *json);
            show::records(&stops, COLUMNS, *json);
            Ok(exit::OK)
        }
    }
}

fn pull(arguments: &StopArgs) -> Outcome {
    let (Some(scope), Some(reason)) = (&arguments.scope, &arguments.reason) else {
        return Err(Failure::usage(
            "a stop needs a scope and a reason",
            "give `--scope service=payments` (or `--scope all`) and `--reason TEXT`",
        ));
    };
    let body = json!({ "scope": scope, "reason": reason });
    let client = Client::new(&arguments.server)?;
    let stop = client.post("/api/v1/stops", &body, &[])?;
    output::note(&format!("{}: {scope}", output::bad("stopped")));
    let lines = [("id", "/stop/id"), ("since", "/stop/since"), ("reason", "/stop/reason")];
    show::record(&stop, &lines, arguments.json);
    Ok(exit::OK)
}
