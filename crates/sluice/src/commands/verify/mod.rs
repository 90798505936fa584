//! `sluice verify`: a ledger, with nothing but its public key.

mod data;
mod key;
mod published;
mod receipt;
mod source;
mod witness;

pub(crate) use self::data::{folder, views};

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use sluice_ledger::checkpoint::CheckpointError;
use sluice_ledger::note::NoteError;
use sluice_ledger::{Checkpoint, VerifyingKey};

use crate::exit;
use crate::failure::{Failure, Outcome, chain};

/// Arguments of `sluice verify`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["data", "server", "from", "log", "receipt"]))]
#[command(
    after_help = "Exit codes: 0 all right; 1 it could not be checked; 2 the command line makes no sense;\n\
3 tampering, a rollback or a fork was found, and the message names what."
)]
pub(crate) struct VerifyArgs {
    /// Folder of a stopped server
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of a running server
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Address of a running server, or a folder: of a stopped server, or with its published log
    #[arg(long, value_name = "URL|DIR")]
    from: Option<String>,
    /// Any C2SP tlog-tiles log, ours or not
    #[arg(long, value_name = "DIR|URL", requires = "key")]
    log: Option<String>,
    /// A receipt: JSON as the gate gives it, or a C2SP `.tlog-proof` file
    #[arg(long, value_name = "FILE", requires = "key")]
    receipt: Option<PathBuf>,
    /// The entry that the receipt is about, its exact bytes
    #[arg(long, value_name = "FILE", requires = "receipt")]
    entry: Option<PathBuf>,
    /// Public key of the log, `name+id+base64`, or a file with it; may be repeated
    #[arg(long, env = "SLUICE_LOG_KEY", value_name = "VKEY")]
    key: Vec<String>,
    /// The anchor of a stopped server, where it does not lie in its folder
    #[arg(long, value_name = "FILE", requires = "data")]
    anchor: Option<PathBuf>,
    /// The signed head to check the log against, in place of the published one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "receipt"])]
    checkpoint: Option<PathBuf>,
    /// An older signed head, or a receipt: the log has to continue it; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "receipt"])]
    continues: Vec<PathBuf>,
    #[command(flatten)]
    witnesses: witness::WitnessArgs,
    /// Token, for a server whose log is not public
    #[arg(long, env = "SLUICE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Verifies what was named. Whatever keeps it from being checked is one exit code: nothing was found, and nothing was proved.
pub(crate) fn run(arguments: &VerifyArgs) -> Outcome {
    named(arguments).map_err(|failure| match failure.exit {
        exit::USAGE | exit::TAMPERED => failure,
        _ => failure.with_exit(exit::FAILED),
    })
}

fn named(arguments: &VerifyArgs) -> Outcome {
    if let Some(dir) = &arguments.data {
        return data::run(arguments, dir);
    }
    if let Some(file) = &arguments.receipt {
        return receipt::run(arguments, file);
    }
    if let Some(address) = &arguments.server {
        return published::server(arguments, address);
    }
    if let Some(log) = &arguments.log {
        return published::log(arguments, log);
    }
    match &arguments.from {
        Some(from) if is_address(from) => published::server(arguments, from),
        Some(from) => {
            let dir = PathBuf::from(from);
            if dir.join("sluice.db").exists() {
                if arguments.witnesses.is_demanded() {
                    return Err(of_a_folder());
                }
                data::run(arguments, &dir)
            } else {
                published::own_folder(arguments, &dir)
            }
        }
        None => Err(Failure::usage("nothing to verify was named", "see `sluice verify --help`")),
    }
}

/// A folder holds what witnesses have cosigned against its own entries by itself.
fn of_a_folder() -> Failure {
    Failure::usage(
        "`--witness` is for a published log or a receipt, not for the folder of a stopped server",
        "leave it out: what witnesses have cosigned is in the folder, and compared",
    )
}

fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// A signed head that somebody keeps: it is theirs to give the right file, so one that is no checkpoint has shown nothing.
pub(super) fn kept_head(
    name: &str,
    note: &str,
    keys: &[VerifyingKey],
) -> Result<Checkpoint, Failure> {
    Checkpoint::open(note, keys).map_err(|error| {
        let signature = matches!(
            error,
            CheckpointError::Note(NoteError::BadSignature { .. } | NoteError::NoKnownSignature)
        );
        let message = format!("`{name}`: {}", chain(&error));
        if signature {
            return found(message);
        }
        Failure::new(
            message,
            "give a checkpoint as `GET /log/checkpoint` has it, or a receipt where one is possible",
        )
    })
}

/// What was found to be wrong: a failure with the exit code of tampering.
pub(crate) fn found(message: impl Into<String>) -> Failure {
    Failure::new(message, "stop relying on this copy, keep it as it is, and compare with backups, receipts and anchors")
        .with_exit(exit::TAMPERED)
        .with_code("tampering_found")
}
