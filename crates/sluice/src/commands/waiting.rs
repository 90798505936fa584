//! `sluice waiting` and `sluice plan`: what waits for the person who is logged in, and the second word on plans.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sluice_core::ids::Digest;

use super::{steps, values};
use crate::client::Client;
use crate::exit;
use crate::failure::Outcome;
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const WANTED: &[Column] = &[
    ("WHAT", "/kind"),
    ("RECORD", "/record"),
    ("SINCE", "/since"),
    ("UNSEEN", "/unseen"),
    ("TITLE", "/title"),
];
const PLANS: &[Column] = &[
    ("PLAN", "/plan"),
    ("TOUCHES", "/touches"),
    ("BY", "/proposed_by"),
    ("CONFIRM FROM", "/from"),
];

/// Lists what waits for you: approvals, reviews that your team owes, second words.
#[derive(Debug, Args)]
pub(crate) struct WaitingArgs {
    /// Say that you have seen all of it
    #[arg(long)]
    seen: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What can be done with plans of `sluice apply` that wait for a second person.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// List the plans that wait
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Say in words what a plan that waits would do
    Show {
        /// Digest of the plan
        #[arg(value_name = "PLAN", value_parser = values::digest)]
        plan: Digest,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make a plan so that somebody else has proposed, without its files; says first what it does
    Confirm {
        /// Digest of the plan
        #[arg(value_name = "PLAN", value_parser = values::digest)]
        plan: Digest,
        /// Do not ask; without a terminal nobody is asked either
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Refuse a plan, or take your own back
    Refuse {
        /// Digest of the plan
        #[arg(value_name = "PLAN", value_parser = values::digest)]
        plan: Digest,
        /// Why
        #[arg(long, value_name = "TEXT")]
        because: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs `sluice waiting`.
pub(crate) fn waiting(arguments: &WaitingArgs) -> Outcome {
    let client = Client::new(&arguments.server)?;
    show::records(&client.get("/api/v1/notifications")?, WANTED, arguments.json);
    if arguments.seen {
        client.post("/api/v1/notifications/seen", &json!({}), &[])?;
        output::note("marked as seen");
    }
    Ok(exit::OK)
}

/// Runs `sluice plan`.
pub(crate) fn plan(command: &PlanCommand) -> Outcome {
    match command {
        PlanCommand::List { json, server } => {
            let status = Client::new(server)?.get("/api/v1/status")?;
            let plans = status.get("plans").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
            show::records(&plans, PLANS, *json);
        }
        PlanCommand::Show { plan, json, server } => {
            let waiting = Client::new(server)?.get(&at(plan))?;
            if *json {
                output::json(&waiting);
            } else {
                steps::lines(&waiting).iter().for_each(|line| output::line(line));
            }
        }
        PlanCommand::Confirm { plan, yes, server } => {
            let client = Client::new(server)?;
            let waiting = client.get(&at(plan))?;
            output::agree(&steps::lines(&waiting).join("\n"), "confirm exactly this?", *yes)?;
            client.post(&format!("{}/confirm", at(plan)), &json!({}), &[])?;
            output::note("confirmed; it is in force");
        }
        PlanCommand::Refuse { plan, because, server } => {
            Client::new(server)?.post(
                &format!("{}/refuse", at(plan)),
                &json!({ "reason": because }),
                &[],
            )?;
            output::note("refused");
        }
    }
    Ok(exit::OK)
}

fn at(plan: &Digest) -> String {
    format!("/api/v1/organisation/plans/{plan}")
}
