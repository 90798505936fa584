//! The demonstration: the main job played on a server of its own.

use std::path::PathBuf;

use clap::Args;

use crate::failure::{Failure, Outcome};

/// Arguments of `sluice demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder of the demonstration's instance.
    #[arg(long, default_value = "./sluice-demo", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:7171", value_name = "ADDR:PORT")]
    pub(crate) listen: String,
    /// End when the story is told; the exit code is 0 only if all went as told.
    #[arg(long)]
    pub(crate) exit: bool,
}

/// Plays the story.
pub(crate) fn run(arguments: DemoArgs) -> Outcome {
    let DemoArgs { data, listen, exit } = arguments;
    Err(Failure::new(
        format!("there is no story yet to play in `{}` on {listen} (exit: {exit})", data.display()),
        "run `sluice serve` instead",
    ))
}
