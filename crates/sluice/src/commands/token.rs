//! `sluice token`: bearer tokens. A secret is shown once, when it is made.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;

use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::Outcome;
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("LABEL", "/label"),
    ("KIND", "/kind"),
    ("PERSON", "/person"),
    ("PERMISSIONS", "/permissions"),
    ("EXPIRES", "/expires_at"),
];

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token; its secret is printed on stdout, once
    Create(Box<CreateArgs>),
    /// Revoke a token
    Revoke {
        /// Id of the token, not its secret
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Agree, as a second person, that a token provisions people and groups
    Confirm {
        /// Id of the token, not its secret
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List tokens, without their secrets
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List what a token may be allowed
    Permissions {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `sluice token create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// Who will use it
    #[arg(long, value_enum, default_value_t = Kind::Pipeline)]
    kind: Kind,
    /// The person it speaks for, by handle: yourself, with `--kind person`
    #[arg(long, value_name = "HANDLE")]
    person: Option<String>,
    /// What it allows, such as `gate.evaluate`; may be repeated or joined by commas
    #[arg(
        long = "permission",
        value_name = "NAME",
        value_delimiter = ',',
        required = true,
        value_parser = permission
    )]
    permissions: Vec<Permission>,
    /// Where it holds: `service=payments`, or `all`
    #[arg(long, value_name = "SCOPE", value_parser = values::scope)]
    scope: Option<Scope>,
    /// Hours until it ends
    #[arg(long, default_value_t = 24 * 90, value_name = "HOURS")]
    expires_in_hours: u32,
    /// Print id and secret as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Who a token is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Pipeline,
    Person,
}

fn permission(text: &str) -> Result<Permission, String> {
    Permission::parse(text).ok_or_else(|| {
        let all: Vec<&str> = Permission::ALL.iter().map(|one| one.as_str()).collect();
        format!("this is no permission; there are {}", all.join(", "))
    })
}

/// Runs the command.
pub(crate) fn run(command: &TokenCommand) -> Outcome {
    match command {
        TokenCommand::Create(arguments) => create(arguments)?,
        TokenCommand::Revoke { id, server } => {
            Client::new(server)?.delete(&format!("/api/v1/tokens/{}", encode(id)))?;
            output::note(&format!("revoked {}", output::clean(id)));
        }
        TokenCommand::Confirm { id, server } => {
            let path = format!("/api/v1/tokens/{}/confirm", encode(id));
            Client::new(server)?.post(&path, &json!({}), &[])?;
            output::note(&format!("confirmed {}", output::clean(id)));
        }
        TokenCommand::List { json, server } => {
            show::records(&Client::new(server)?.all("/api/v1/tokens?limit=200")?, COLUMNS, *json);
        }
        TokenCommand::Permissions { json } => {
            if *json {
                let items = Permission::ALL
                    .iter()
                    .map(|one| json!({"permission": one.as_str(), "about": one.about()}));
                output::json(&json!({ "items": items.collect::<Vec<Value>>() }));
                return Ok(exit::OK);
            }
            for one in Permission::ALL {
                output::line(&format!("{:20} {}", one.as_str(), one.about()));
            }
        }
    }
    Ok(exit::OK)
}

fn create(arguments: &CreateArgs) -> Result<(), crate::failure::Failure> {
    let kind = match arguments.kind {
        Kind::Pipeline => "pipeline",
        Kind::Person => "person",
    };
    let body = values::object([
        ("label", json!(arguments.label)),
        ("kind", json!(kind)),
        ("person", json!(arguments.person)),
        ("permissions", json!(arguments.permissions)),
        ("scope", json!(arguments.scope)),
        ("expires_in_hours", json!(arguments.expires_in_hours)),
    ]);
    let client = Client::new(&arguments.server)?;
    let created = client.post("/api/v1/tokens", &body, &[])?;
    if arguments.json {
        output::json(&created);
        return Ok(());
    }
    output::note(&format!(
        "token {}; its secret is shown only now:",
        show::cell(created.get("id"))
    ));
    output::line(created.get("secret").and_then(Value::as_str).unwrap_or_default());
    Ok(())
}
