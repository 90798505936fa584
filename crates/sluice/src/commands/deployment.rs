//! `sluice deployment`: report how a deployment goes.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::json;
use sluice_core::ids::DeploymentNumber;

use super::{pass, values};
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::Outcome;
use crate::output;
use crate::settings::{PageArgs, ServerArgs};
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("NUMBER", "/number"),
    ("STATE", "/state"),
    ("SERVICE", "/service"),
    ("ENVIRONMENT", "/environment"),
    ("VERSION", "/version"),
    ("CHANGE", "/change"),
    ("STARTED", "/started_at"),
];

/// What is shown of a recorded end.
const RECORDED: &[Column] = &[("state", "/deployment/state"), ("change", "/deployment/change")];

/// What can be done with deployments.
#[derive(Debug, Subcommand)]
pub(crate) enum DeploymentCommand {
    /// Start a deployment by redeeming its pass; prints its number
    Start(pass::RedeemArgs),
    /// Report how a deployment ended
    Outcome(OutcomeArgs),
    /// End a running deployment of which no outcome is told, as failed
    End {
        /// Its number, such as `DEP0000042`
        #[arg(value_name = "NUMBER")]
        number: DeploymentNumber,
        /// How it is known that it does not run any more
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List deployments, newest first
    List {
        /// Only those of this service
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        /// Only those in this environment
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
        #[command(flatten)]
        page: PageArgs,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Arguments of `sluice deployment outcome`.
#[derive(Debug, Args)]
pub(crate) struct OutcomeArgs {
    /// Its number, such as `DEP0000042`
    #[arg(value_name = "NUMBER")]
    number: DeploymentNumber,
    /// How it ended
    #[arg(value_enum)]
    state: EndState,
    /// When it began, where that is known better than by the server
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    started_at: Option<Timestamp>,
    /// When it ended
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    ended_at: Option<Timestamp>,
    /// What a health check says
    #[arg(long, value_enum)]
    health: Option<HealthWord>,
    /// A note
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Why it was rolled back
    #[arg(long, value_name = "TEXT", required_if_eq("state", "rolled_back"))]
    rollback_reason: Option<String>,
    /// Version it was rolled back to
    #[arg(long, value_name = "TEXT", requires = "rollback_reason")]
    rollback_to: Option<String>,
    /// The rollback was done by a machine
    #[arg(long, requires = "rollback_reason")]
    rollback_automatic: bool,
    /// Idempotency key: with the same key the same answer comes again
    #[arg(long, value_name = "KEY", value_parser = values::key)]
    key: Option<String>,
    /// How long to try again while the server cannot answer
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = values::duration)]
    timeout: Duration,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum EndState {
    Succeeded,
    Failed,
    RolledBack,
}

/// What a health check says.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum HealthWord {
    Healthy,
    Degraded,
    Unhealthy,
}

/// Runs the command.
pub(crate) fn run(command: &DeploymentCommand) -> Outcome {
    match command {
        DeploymentCommand::Start(arguments) => pass::redeem(arguments),
        DeploymentCommand::Outcome(arguments) => outcome(arguments),
        DeploymentCommand::End { number, reason, json, server } => {
            let path = format!("/api/v1/deployments/{number}/end");
            let answer = Client::new(server)?.post(&path, &json!({ "reason": reason }), &[])?;
            output::note(&format!("{number}: ended as failed"));
            show::record(&answer, RECORDED, *json);
            Ok(exit::OK)
        }
        DeploymentCommand::List { service, environment, page, json, server } => {
            let mut path = format!("/api/v1/deployments?{}", page.query());
            for (name, value) in [("service", service), ("environment", environment)] {
                if let Some(value) = value {
                    path.push_str(&format!("&{name}={}", encode(value)));
                }
            }
            show::records(&Client::new(server)?.get(&path)?, COLUMNS, *json);
            Ok(exit::OK)
        }
    }
}

fn outcome(arguments: &OutcomeArgs) -> Outcome {
    let rollback = arguments.rollback_reason.as_ref().map(|reason| {
        values::object([
            ("reason", json!(reason)),
            ("to_version", json!(arguments.rollback_to)),
            ("automatic", json!(arguments.rollback_automatic)),
        ])
    });
    let body = values::object([
        ("state", values::word(arguments.state)),
        ("started_at", json!(arguments.started_at)),
        ("ended_at", json!(arguments.ended_at)),
        ("health", arguments.health.map(values::word).unwrap_or_default()),
        ("note", json!(arguments.note)),
        ("rollback", json!(rollback)),
    ]);
    let key = arguments.key.clone().unwrap_or_else(values::fresh_key);
    let client = Client::new(&arguments.server)?;
    let path = format!("/api/v1/deployments/{}/outcome", arguments.number);
    let answer = client.post_again(&path, &body, &key, arguments.timeout)?;
    output::note(&format!("{}: outcome recorded", arguments.number));
    show::record(&answer, RECORDED, arguments.json);
    Ok(exit::OK)
}
