//! `sluice person`: what is known of people.

use clap::Subcommand;
use serde_json::json;

use crate::client::Client;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show;

/// What can be done with what is known of people.
#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Erase name and addresses of a person who is not declared any more; the ledger still verifies
    Erase {
        /// Handle or opaque id
        person: String,
        /// Do not ask; without a terminal nobody is asked either
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub(crate) fn run(command: &PersonCommand) -> Outcome {
    let PersonCommand::Erase { person, yes, server } = command;
    if !yes && output::confirm("erase name, addresses and account for good?") == Some(false) {
        return Err(Failure::new("nothing was erased", "answer `y`, or give `--yes`"));
    }
    let body = json!({"person": person});
    let erased = Client::new(server)?.post("/api/v1/people/erase", &body, &[])?;
    output::note(&format!("erased; from now on it is {}", show::cell(erased.get("person"))));
    Ok(exit::OK)
}
