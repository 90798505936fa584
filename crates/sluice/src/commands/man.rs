//! `sluice man`: manual pages, written from the command line's own description.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::cli::Cli;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;

/// Arguments of `sluice man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write into; made when it does not exist
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes one page per command.
pub(crate) fn run(arguments: &ManArgs) -> Outcome {
    let dir = &arguments.dir;
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .map_err(|error| Failure::file("write the manual pages into", dir, &error))?;
    output::note(&format!("wrote the manual pages into {}", dir.display()));
    Ok(exit::OK)
}
