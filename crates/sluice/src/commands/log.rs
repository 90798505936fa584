//! `sluice log`: read and prove the ledger.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::values;
use crate::client::Client;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show;

/// What can be done with the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Print the last entries
    Tail(TailArgs),
    /// Print one entry
    Show {
        /// Its index
        index: u64,
        /// Write its exact bytes into this file, for `sluice verify --receipt FILE --entry FILE`
        #[arg(long, value_name = "FILE")]
        bytes_out: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print the receipt of an entry: proof and signed head
    Prove {
        /// Its index
        index: u64,
        /// Under the newest head that the server's witnesses have cosigned, not the newest that it has signed
        #[arg(long)]
        witnessed: bool,
        /// Write it into this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print the signed head
    Head {
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Arguments of `sluice log tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// How many
    #[arg(short = 'n', long, default_value_t = 10, value_name = "N")]
    count: u64,
    /// Go on printing entries as they come, until stopped
    #[arg(short, long)]
    follow: bool,
    /// Print whole entries, one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub(crate) fn run(command: &LogCommand) -> Outcome {
    match command {
        LogCommand::Tail(arguments) => tail(arguments)?,
        LogCommand::Show { index, bytes_out, server } => {
            let entry = Client::new(server)?.get(&format!("/api/v1/ledger/entries/{index}"))?;
            output::json(&entry);
            if let Some(file) = bytes_out {
                write_bytes(&entry, file)?;
            }
        }
        LogCommand::Prove { index, witnessed, out, server } => {
            let which = if *witnessed { "?witnessed=true" } else { "" };
            let path = format!("/api/v1/ledger/receipts/{index}{which}");
            let receipt = Client::new(server)?.get(&path)?;
            match out {
                None => output::json(&receipt),
                Some(file) => {
                    values::write_private(file, &format!("{receipt:#}\n"))?;
                    output::note(&format!("wrote {}", file.display()));
                }
            }
        }
        LogCommand::Head { server } => {
            output::json(&Client::new(server)?.get("/api/v1/ledger/head")?);
        }
    }
    Ok(exit::OK)
}

fn write_bytes(entry: &Value, file: &Path) -> Result<(), Failure> {
    let encoded = entry.get("bytes").and_then(Value::as_str).unwrap_or_default();
    let bytes = data_encoding::BASE64.decode(encoded.as_bytes()).map_err(|_| {
        Failure::new("the entry's bytes are not in base64", "check `--server`")
            .with_exit(exit::NOT_UNDERSTOOD)
    })?;
    std::fs::write(file, bytes).map_err(|error| Failure::file("write", file, &error))
}

fn tail(arguments: &TailArgs) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let mut next = size(&client)?.saturating_sub(arguments.count);
    loop {
        let end = size(&client)?;
        for index in next..end {
            let entry = client.get(&format!("/api/v1/ledger/entries/{index}"))?;
            print(&entry, arguments.json);
            if output::nobody_reads() {
                return Ok(());
            }
        }
        next = end;
        if !arguments.follow {
            return Ok(());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn size(client: &Client) -> Result<u64, Failure> {
    let head = client.get("/api/v1/ledger/head")?;
    head.get("size").and_then(Value::as_u64).ok_or_else(|| {
        Failure::new("the head has no size", "check `--server`").with_exit(exit::NOT_UNDERSTOOD)
    })
}

fn print(entry: &Value, as_json: bool) {
    if as_json {
        return output::line(&entry.to_string());
    }
    let part = |name: &str| show::cell(entry.get(name));
    output::line(&format!(
        "{:>6}  {}  {:32} {}",
        part("index"),
        part("time"),
        part("name"),
        part("stream")
    ));
}
