//! `sluice break-glass`: the emergency path that two people open together.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sluice_core::ids::Digest;

use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("SERVICE", "/service"),
    ("ENVIRONMENT", "/environment"),
    ("ASKED BY", "/asked_by"),
    ("OPENED BY", "/opened_by"),
    ("UNTIL", "/until"),
    ("REASON", "/reason"),
];

/// What can be done with the emergency path.
#[derive(Debug, Subcommand)]
pub(crate) enum BreakGlassCommand {
    /// Ask for it, for exactly one deployment; a second person has to open it within half an hour
    Ask(Box<AskArgs>),
    /// Open what somebody else asked for: for an hour stops and freezes are lifted, and the gate is asked
    Open {
        /// Its id
        id: String,
        /// Write the pass there
        #[arg(long, value_name = "FILE")]
        pass_out: Option<PathBuf>,
        /// Print the gate's answer as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List what waits or is open
    List {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Arguments of `sluice break-glass ask`.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The service to be deployed
    #[arg(long)]
    service: String,
    /// The environment
    #[arg(long)]
    environment: String,
    /// The commit, whole
    #[arg(long)]
    commit: String,
    /// Digest of what is deployed; may be repeated
    #[arg(long = "artifact", value_name = "DIGEST", value_parser = values::digest)]
    artifacts: Vec<Digest>,
    /// What is broken, and why it cannot wait
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub(crate) fn run(command: &BreakGlassCommand) -> Outcome {
    match command {
        BreakGlassCommand::Ask(arguments) => ask(arguments)?,
        BreakGlassCommand::Open { id, pass_out, json, server } => {
            return open(id, pass_out.as_ref(), *json, server);
        }
        BreakGlassCommand::List { json, server } => {
            let status = Client::new(server)?.get("/api/v1/status")?;
            let glasses = status.get("break_glass").cloned().unwrap_or_default();
            show::records(&glasses, COLUMNS, *json);
        }
    }
    Ok(exit::OK)
}

fn ask(arguments: &AskArgs) -> Result<(), Failure> {
    let run = json!({"system": "break-glass", "id": uuid::Uuid::new_v4().to_string()});
    let question = json!({
        "service": arguments.service,
        "environment": arguments.environment,
        "commit": arguments.commit,
        "artifacts": arguments.artifacts,
        "run": run,
    });
    let body = json!({"question": question, "reason": arguments.reason});
    let asked = Client::new(&arguments.server)?.post("/api/v1/break-glass", &body, &[])?;
    output::note("a second person opens it within half an hour with `sluice break-glass open`:");
    output::line(asked.get("id").and_then(Value::as_str).unwrap_or_default());
    Ok(())
}

fn open(id: &str, pass_out: Option<&PathBuf>, as_json: bool, server: &ServerArgs) -> Outcome {
    let path = format!("/api/v1/break-glass/{}/open", encode(id));
    let answer = Client::new(server)?.post(&path, &json!({}), &[])?;
    if as_json {
        output::json(&answer);
    } else {
        let lines: &[Column] = &[("answer", "/answer"), ("change", "/change"), ("until", "/until")];
        show::record(&answer, lines, false);
    }
    if let (Some(path), Some(token)) =
        (pass_out, answer.pointer("/pass/token").and_then(Value::as_str))
    {
        std::fs::write(path, token).map_err(|error| Failure::file("write", path, &error))?;
    }
    let allowed = answer.get("answer").and_then(Value::as_str) == Some("allow");
    Ok(if allowed { exit::OK } else { exit::FAILED })
}
