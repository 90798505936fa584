//! `sluice role`: which roles there are, and roles that two people grant.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_core::scope::Scope;

use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const GRANTS: &[Column] = &[
    ("GRANT", "/grant"),
    ("PERSON", "/handles/person"),
    ("ROLE", "/role"),
    ("SCOPE", "/scope"),
    ("STATE", "/state"),
    ("BY", "/handles/proposed_by"),
    ("AND", "/handles/confirmed_by"),
    ("UNTIL", "/until"),
];

const TABLE: &[Column] =
    &[("ROLE", "/name"), ("EVERYWHERE", "/all"), ("FOR WHAT IS THEIR OWN", "/own")];

/// What can be done with roles.
#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// Propose a role for somebody else; a second person has to confirm it
    Grant(GrantArgs),
    /// Confirm a role that somebody else proposed for somebody else; says first which
    Confirm {
        /// Id of the grant
        grant: String,
        /// Do not ask; without a terminal nobody is asked either
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Take a role or a proposal back
    Revoke {
        /// Id of the grant
        grant: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List roles that wait or hold beyond those that the organisation declares
    List {
        /// List the roles that there are, with their permissions
        #[arg(long)]
        table: bool,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Arguments of `sluice role grant`.
#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// Handle of the person
    person: String,
    /// The role, such as `release_owner`
    role: String,
    /// Where it holds: `service=payments`, or `all`
    #[arg(long, value_name = "SCOPE", value_parser = values::scope)]
    scope: Option<Scope>,
    /// Until when it holds
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    until: Option<Timestamp>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub(crate) fn run(command: &RoleCommand) -> Outcome {
    match command {
        RoleCommand::Grant(arguments) => grant(arguments)?,
        RoleCommand::Confirm { grant, yes, server } => confirm(grant, *yes, server)?,
        RoleCommand::Revoke { grant, reason, server } => {
            let path = format!("/api/v1/roles/grants/{}/revoke", encode(grant));
            Client::new(server)?.post(&path, &json!({"reason": reason}), &[])?;
            output::note(&format!("revoked {}", output::clean(grant)));
        }
        RoleCommand::List { table: true, json, server } => {
            let table = Client::new(server)?.get("/api/v1/roles")?;
            let roles = table.get("roles").cloned().unwrap_or_default();
            show::records(if *json { &table } else { &roles }, TABLE, *json);
        }
        RoleCommand::List { table: false, json, server } => {
            show::records(&Client::new(server)?.get("/api/v1/roles/grants")?, GRANTS, *json);
        }
    }
    Ok(exit::OK)
}

/// Says what waits, asks, confirms exactly that.
fn confirm(grant: &str, yes: bool, server: &ServerArgs) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let listed = client.get("/api/v1/roles/grants")?;
    let found = show::rows_of(&listed).iter().find(|it| it["grant"] == grant);
    let told = found.and_then(|it| it.get("told")).and_then(Value::as_str).ok_or_else(|| {
        let message = format!("there is no grant `{}` that waits or holds", output::clean(grant));
        Failure::new(message, "see `sluice role list`")
    })?;
    output::agree(&output::clean(told), "confirm this role?", yes)?;
    client.post(&format!("/api/v1/roles/grants/{}/confirm", encode(grant)), &json!({}), &[])?;
    output::note(&format!("confirmed {}", output::clean(grant)));
    Ok(())
}

fn grant(arguments: &GrantArgs) -> Result<(), Failure> {
    let body = values::object([
        ("person", json!(arguments.person)),
        ("role", json!(arguments.role)),
        ("scope", json!(arguments.scope)),
        ("until", json!(arguments.until)),
        ("reason", json!(arguments.reason)),
    ]);
    let made = Client::new(&arguments.server)?.post("/api/v1/roles/grants", &body, &[])?;
    output::note("a second person confirms it with `sluice role confirm` and this id:");
    output::line(made.get("grant").and_then(Value::as_str).unwrap_or_default());
    Ok(())
}
