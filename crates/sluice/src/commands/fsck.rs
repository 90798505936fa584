//! `sluice fsck`: rebuilds all views of a stopped server from its entries and compares.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::verify;
use crate::exit;
use crate::failure::Outcome;
use crate::output;

/// Arguments of `sluice fsck`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all right; 1 it could not be checked; 3 something differs, and the message names what."
)]
pub(crate) struct FsckArgs {
    /// Folder of a stopped server
    #[arg(long, default_value = "./sluice-data", value_name = "DIR")]
    data: PathBuf,
    /// The anchor, where it does not lie in the folder
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
    /// Public key of the log, `name+id+base64`, or a file with it
    #[arg(long, env = "SLUICE_LOG_KEY", value_name = "VKEY")]
    key: Vec<String>,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Verifies the folder first, for views are compared with entries; then compares.
pub(crate) fn run(arguments: &FsckArgs) -> Outcome {
    let (dir, anchor) = (arguments.data.as_path(), arguments.anchor.as_deref());
    let verified = verify::folder(dir, anchor, &arguments.key)?;
    let report = verify::views(dir)?;
    if arguments.json {
        output::json(&json!({ "origin": verified.origin, "entries": report.entries }));
        return Ok(exit::OK);
    }
    output::line(&format!(
        "{}  {} entries of `{}` give exactly the views that are stored",
        output::good("verified"),
        report.entries,
        output::clean(&verified.origin)
    ));
    Ok(exit::OK)
}
