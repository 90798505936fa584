//! `sluice exception`: time-boxed permissions to pass a freeze, a stop or a failed rule.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use sluice_core::scope::Scope;

use super::{people, values};
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::Outcome;
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("LIFTS", "/lifts"),
    ("UNTIL", "/until"),
    ("BY", "/by"),
    ("SCOPE", "/scope"),
    ("REASON", "/reason"),
];

/// What can be done with exceptions. Each creates review debt.
#[derive(Debug, Subcommand)]
pub(crate) enum ExceptionCommand {
    /// Grant an exception
    Grant(GrantArgs),
    /// Revoke an exception
    Revoke {
        /// Id of the exception
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
    /// List the exceptions in force
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Arguments of `sluice exception grant`.
#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// What it lifts: `stop:ID`, `freeze:WINDOW`, `rule:RULE`, or `stop:*` and `freeze:*` for all
    #[arg(long, value_name = "WHAT")]
    lifts: String,
    /// Where it holds: `service=payments,environment=production`, or `all`
    #[arg(long, value_name = "SCOPE", value_parser = values::scope)]
    scope: Scope,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    until: Timestamp,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub(crate) fn run(command: &ExceptionCommand) -> Outcome {
    match command {
        ExceptionCommand::Grant(arguments) => grant(arguments)?,
        ExceptionCommand::Revoke { id, reason, json, server } => {
            let path = format!("/api/v1/exceptions/{}/revoke", encode(id));
            let revoked = Client::new(server)?.post(&path, &json!({ "reason": reason }), &[])?;
            output::note(&format!("revoked {}", output::clean(id)));
            if *json {
                output::json(&revoked);
            }
        }
        ExceptionCommand::List { json, server } => {
            let client = Client::new(server)?;
            let mut exceptions = client.get("/api/v1/exceptions")?;
            people::name(&client, &mut exceptions, "/by", *json);
            show::records(&exceptions, COLUMNS, *json);
        }
    }
    Ok(exit::OK)
}

fn grant(arguments: &GrantArgs) -> Result<(), crate::failure::Failure> {
    let body = json!({
        "lifts": arguments.lifts,
        "scope": arguments.scope,
        "reason": arguments.reason,
        "until": arguments.until,
    });
    let client = Client::new(&arguments.server)?;
    let granted = client.post("/api/v1/exceptions", &body, &[])?;
    output::note("granted; it owes a review");
    show::record(
        &granted,
        &[("id", "/exception/id"), ("lifts", "/exception/lifts"), ("until", "/exception/until")],
        arguments.json,
    );
    Ok(())
}
