//! `sluice inbox`: deliveries that arrived, and what became of them.

use clap::{Subcommand, ValueEnum};

use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::Outcome;
use crate::output;
use crate::settings::{PageArgs, ServerArgs};
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("RECEIVED", "/received_at"),
    ("LINK", "/link"),
    ("STATE", "/state"),
    ("OUTCOME", "/outcome"),
    ("DELIVERY", "/delivery_id"),
];

/// What can be asked about deliveries.
#[derive(Debug, Subcommand)]
pub(crate) enum InboxCommand {
    /// List deliveries, newest first
    List {
        /// Only those of this link
        #[arg(long, value_name = "NAME")]
        link: Option<String>,
        /// Only those in this state
        #[arg(long, value_enum, value_name = "STATE")]
        state: Option<StateWord>,
        #[command(flatten)]
        page: PageArgs,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one delivery with its body
    Show {
        /// Its number in the inbox
        id: u64,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum StateWord {
    New,
    Done,
    Ignored,
    Quarantined,
}

/// Runs the command.
pub(crate) fn run(command: &InboxCommand) -> Outcome {
    match command {
        InboxCommand::List { link, state, page, json, server } => {
            let mut path = format!("/api/v1/inbox?{}", page.query());
            let state = &state.map(values::name);
            for (name, value) in [("link", link), ("state", state)] {
                if let Some(value) = value {
                    path.push_str(&format!("&{name}={}", encode(value)));
                }
            }
            show::records(&Client::new(server)?.get(&path)?, COLUMNS, *json);
        }
        InboxCommand::Show { id, server } => {
            output::json(&Client::new(server)?.get(&format!("/api/v1/inbox/{id}"))?);
        }
    }
    Ok(exit::OK)
}
