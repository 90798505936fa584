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
    ("PERSON", "/person"),
    ("ROLE", "/role"),
    ("SCOPE", "/scope"),
    ("STATE", "/state"),
    ("BY", "/proposed_by"),
    ("AND", "/confirmed_by"),
    ("UNTIL", "/until"),
];

const TABLE: &[Column] =
    &[("ROLE", "/name"), ("EVERYWHERE", "/all"), ("FOR WHAT IS THEIR OWN", "/own")];

/// What can be done with roles.
#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// Propose a role for somebody else; a second person has to confirm it
    Grant(GrantArgs),
    /// Confirm a role that somebody else proposed for somebody else
    Confirm {
        /// Id of the grant
        grant: String,
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
        RoleCommand::Confirm { grant, server } => {
            let path = format!("/api/v1/roles/grants/{}/confirm", encode(grant));
            Client::new(server)?.post(&path, &json!({}), &[])?;
            output::note(&format!("confirmed {}", output::clean(grant)));
        }
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
