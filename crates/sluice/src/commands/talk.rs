//! What people do beside a change: comments, what other systems have of it, and one word on several changes.

use clap::Subcommand;
use serde_json::{Value, json};
use sluice_core::ids::ChangeNumber;

use super::people;
use crate::client::Client;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::JsonArgs;
use crate::show::{self, Column};

const COMMENTS: &[Column] = &[("ENTRY", "/index"), ("AT", "/at"), ("BY", "/by"), ("TEXT", "/text")];
const REFERENCES: &[Column] = &[("LINK", "/link"), ("WHAT", "/name"), ("VALUE", "/value")];
const PICKED: &[Column] = &[
    ("NUMBER", "/number"),
    ("RISK", "/risk/level"),
    ("SERVICES", "/services"),
    ("TITLE", "/title"),
    ("REVISION", "/revision/digest"),
];
const SAID: &[Column] =
    &[("NUMBER", "/change"), ("APPROVED", "/approved"), ("CODE", "/code"), ("WHY", "/detail")];

/// What is said beside a change, and about several.
#[derive(Debug, Subcommand)]
pub(crate) enum TalkCommand {
    /// Say something about a change; it stays in the ledger
    Comment {
        /// Number of the change
        #[arg(value_name = "NUMBER")]
        number: ChangeNumber,
        /// What is said
        #[arg(value_name = "TEXT")]
        text: String,
        #[command(flatten)]
        to: JsonArgs,
    },
    /// List what was said about a change, oldest first
    Comments {
        /// Number of the change
        #[arg(value_name = "NUMBER")]
        number: ChangeNumber,
        #[command(flatten)]
        to: JsonArgs,
    },
    /// List what other systems have of a change
    References {
        /// Number of the change
        #[arg(value_name = "NUMBER")]
        number: ChangeNumber,
        #[command(flatten)]
        to: JsonArgs,
    },
    /// Approve several changes of low risk, each at the revision that is shown
    #[command(after_help = "Exit codes: 0 all are approved; 1 some were refused, and say why.")]
    ApproveTogether {
        /// Numbers of the changes
        #[arg(value_name = "NUMBER", required = true, num_args = 1..=50)]
        numbers: Vec<ChangeNumber>,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        to: JsonArgs,
    },
}

/// Runs the command.
pub(crate) fn run(command: &TalkCommand) -> Outcome {
    match command {
        TalkCommand::Comment { number, text, to } => {
            let path = format!("/api/v1/changes/{number}/comments");
            let said = Client::new(&to.server)?.post(&path, &json!({ "text": text }), &[])?;
            output::note(&format!("recorded on {number}"));
            if to.json {
                output::json(&said);
            }
        }
        TalkCommand::Comments { number, to } => {
            let path = format!("/api/v1/changes/{number}/comments");
            let client = Client::new(&to.server)?;
            let mut comments = client.get(&path)?;
            people::name(&client, &mut comments, "/by/person", to.json);
            show::records(&comments, COMMENTS, to.json);
        }
        TalkCommand::References { number, to } => {
            let path = format!("/api/v1/changes/{number}/references");
            show::records(&Client::new(&to.server)?.get(&path)?, REFERENCES, to.json);
        }
        TalkCommand::ApproveTogether { numbers, reason, to } => {
            return together(numbers, reason, to);
        }
    }
    Ok(exit::OK)
}

/// The word is bound to what was shown: the revisions that were read a moment before.
fn together(numbers: &[ChangeNumber], reason: &str, to: &JsonArgs) -> Outcome {
    let client = Client::new(&to.server)?;
    let mut shown = Vec::new();
    for number in numbers {
        shown.push(client.get(&format!("/api/v1/changes/{number}"))?);
    }
    if !to.json {
        show::records(&Value::Array(shown.clone()), PICKED, false);
    }
    let picked: Vec<Value> = numbers
        .iter()
        .zip(&shown)
        .map(|(number, change)| {
            json!({"change": number, "revision": change.pointer("/revision/digest")})
        })
        .collect();
    let body = json!({ "changes": picked, "reason": reason });
    let answer = client.post("/api/v1/approvals", &body, &[])?;
    show::records(&answer, SAID, to.json);
    let refused = show::rows_of(&answer).iter().filter(|it| it["approved"] != true).count();
    if refused > 0 {
        return Err(Failure::new(
            format!("{refused} of {} were refused", numbers.len()),
            "open them and decide on each alone: `sluice change show NUMBER`",
        ));
    }
    Ok(exit::OK)
}
