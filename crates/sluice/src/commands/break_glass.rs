//! `sluice break-glass`: the emergency path that two people open together.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sluice_core::ids::{CommitId, Digest, EnvironmentName, ServiceName};
use sluice_engine::pass_token::Expected;

use super::{gate, values};
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
    ("UNTIL", "/until"),
    ("WHAT", "/told"),
];

/// What `--help` of opening says at its end.
const OPEN_HELP: &str = "\
Exit codes: 0 allow, with a pass that was verified; 10 deny, and nothing stays lifted; 11 wait, and the path stays open;
20 unavailable; 21 safe halt; 22 answer not understood, or its pass does not verify; 1 refused.";

/// What can be done with the emergency path.
#[derive(Debug, Subcommand)]
pub(crate) enum BreakGlassCommand {
    /// Ask for it, for one commit of one service; a second person has to open it within half an hour
    Ask(Box<AskArgs>),
    /// Open what somebody else asked for; says first what, then stops and freezes of that service there are lifted for
    /// an hour, and the gate is asked
    #[command(after_help = OPEN_HELP)]
    Open {
        /// Its id
        id: String,
        /// Do not ask; without a terminal nobody is asked either
        #[arg(long)]
        yes: bool,
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
    /// Another service of the same change; may be repeated
    #[arg(long = "with-service", value_name = "NAME")]
    services: Vec<String>,
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
        BreakGlassCommand::Open { id, yes, pass_out, json, server } => {
            return open(id, *yes, pass_out.as_ref(), *json, server);
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
        "services": arguments.services,
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

/// Says what waits, asks, opens exactly that, and says what the gate answered.
fn open(
    id: &str,
    yes: bool,
    pass_out: Option<&PathBuf>,
    as_json: bool,
    server: &ServerArgs,
) -> Outcome {
    pass_out.map_or(Ok(()), |path| values::can_write(path))?;
    let client = Client::new(server)?;
    let status = client.get("/api/v1/status")?;
    let glasses = status.get("break_glass").and_then(Value::as_array);
    let found = glasses.into_iter().flatten().find(|it| it["id"] == id).ok_or_else(|| {
        let message = format!("no emergency path `{}` waits or is open", output::clean(id));
        Failure::new(message, "see `sluice break-glass list`")
    })?;
    let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
    output::agree(&output::clean(text("told")), "open it?", yes)?;
    let path = format!("/api/v1/break-glass/{}/open", encode(id));
    let answer = client.post(&path, &json!({}), &[])?;
    let artifacts = found.get("artifacts").cloned().unwrap_or_default();
    let bindings = Expected {
        service: ServiceName::parse(text("service")).ok(),
        environment: EnvironmentName::parse(text("environment")).ok(),
        commit: CommitId::parse(text("commit")).ok(),
        artifacts: serde_json::from_value(artifacts).ok(),
        ..Expected::default()
    };
    let place =
        format!("{} to {}", output::clean(text("service")), output::clean(text("environment")));
    let (code, pass) = gate::tell(&answer, &place, &bindings, &client, as_json)?;
    if let (Some(path), Some(token)) = (pass_out, pass) {
        values::write_private(path, &token)?;
    }
    Ok(code)
}
