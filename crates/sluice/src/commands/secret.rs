//! `sluice secret`: secrets that the server keeps for links and providers. They go in and never come out.

use std::io::Read;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Request, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const COLUMNS: &[Column] =
    &[("NAME", "/name"), ("VERSION", "/version"), ("SET", "/set_at"), ("MASTER KEY", "/key")];
const MAX_BYTES: u64 = 16 << 10;

/// What can be done with secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Keep a secret that is read from stdin; one line feed at its end is cut
    Set {
        /// Its name, as links say it: `{stored: NAME}`
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the names of secrets
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Remove a secret for good
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Put all secrets under the master key that the server has now
    Rotate {
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Does it.
pub(crate) fn run(command: &SecretCommand) -> Outcome {
    match command {
        SecretCommand::Set { name, server } => set(name, server),
        SecretCommand::List { json, server } => {
            let reply = Client::new(server)?.get("/api/v1/secrets")?;
            show::records(&reply["items"], COLUMNS, *json);
            Ok(exit::OK)
        }
        SecretCommand::Remove { name, server } => {
            let reply = Client::new(server)?.delete(&path(name))?;
            output::note(&format!("removed `{name}`"));
            for link in reply["links"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let link = output::clean(link);
                output::note(&format!(
                    "warning: the link `{link}` uses it, and does not work without it"
                ));
            }
            Ok(exit::OK)
        }
        SecretCommand::Rotate { server } => {
            let reply = Client::new(server)?.post("/api/v1/secrets-rewrap", &json!({}), &[])?;
            output::note(&format!("{} secrets are under the present master key", reply["secrets"]));
            Ok(exit::OK)
        }
    }
}

fn set(name: &str, server: &ServerArgs) -> Outcome {
    let mut value = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_BYTES + 1)
        .read_to_string(&mut value)
        .map_err(|error| Failure::new(format!("stdin cannot be read: {error}"), "pipe a text"))?;
    let value = value.strip_suffix('\n').unwrap_or(&value);
    if value.is_empty() {
        let help = "pipe it in: `sluice secret set NAME < secret.txt`";
        return Err(Failure::usage("there is no secret on stdin", help));
    }
    let client = Client::new(server)?;
    let body = json!({ "value": value });
    let path = path(name);
    let request = Request { body: Some(&body), ..Request::new(Method::PUT, &path) };
    let reply = client.expect_json(&request)?;
    output::note(&format!("kept `{name}`, version {}", reply["version"]));
    Ok(exit::OK)
}

fn path(name: &str) -> String {
    let segments: Vec<String> = name.split('/').map(encode).collect();
    format!("/api/v1/secrets/{}", segments.join("/"))
}
