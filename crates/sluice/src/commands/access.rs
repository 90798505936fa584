//! `sluice access`: who may do what, and why.

use clap::Subcommand;
use serde_json::Value;

use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show;

/// What can be asked of access.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Say whether a person may do something, and why
    #[command(after_help = "Exit codes: 0 yes; 14 no; 1 it could not be said.")]
    Explain {
        /// Handle of the person
        person: String,
        /// The permission, such as `change.approve`
        action: String,
        /// `SERVICE@ENVIRONMENT` or the number of a change; absent: anywhere
        object: Option<String>,
        /// Print the answer as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Runs the command.
pub(crate) fn run(command: &AccessCommand) -> Outcome {
    let AccessCommand::Explain { person, action, object, json, server } = command;
    let mut path =
        format!("/api/v1/access/explain?person={}&permission={}", encode(person), encode(action));
    if let Some(object) = object {
        path.push_str(&object_of(object)?);
    }
    let answer = Client::new(server)?.get(&path)?;
    let allowed = answer.get("allowed").and_then(Value::as_bool).unwrap_or_default();
    if *json {
        output::json(&answer);
    } else {
        tell(&answer, allowed);
    }
    Ok(if allowed { exit::OK } else { exit::NO })
}

fn object_of(object: &str) -> Result<String, Failure> {
    if object.starts_with("CHG") {
        return Ok(format!("&change={}", encode(object)));
    }
    let (service, environment) = object.rsplit_once('@').ok_or_else(|| {
        Failure::usage(
            format!("`{object}` is no object"),
            "write `SERVICE@ENVIRONMENT`, such as `payments@production`, or the number of a change",
        )
    })?;
    Ok(format!("&service={}&environment={}", encode(service), encode(environment)))
}

fn tell(answer: &Value, allowed: bool) {
    output::line(&if allowed { output::good("yes") } else { output::bad("no") });
    for (name, word) in [("because", "because of"), ("but", "but")] {
        for reason in answer.get(name).and_then(Value::as_array).into_iter().flatten() {
            output::line(&format!("  {word} {}", show::cell(Some(reason))));
        }
    }
}
