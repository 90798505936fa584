//! `sluice calendar window`: windows that people make, and what waits for a second person.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sluice_core::ids::Digest;
use sluice_core::scope::Scope;

use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::JsonArgs;
use crate::show::{self, Column};

const WINDOWS: &str = "/api/v1/calendar/windows";
const PROPOSALS: &str = "/api/v1/calendar/proposals";
const LARGEST_BYTES: u64 = 64 * 1024;

const COLUMNS: &[Column] = &[
    ("WINDOW", "/name"),
    ("FROM", "/source"),
    ("MEANING", "/kind"),
    ("IN FORCE", "/in_force"),
    ("NEXT", "/next/start"),
    ("TO", "/next/end"),
    ("TITLE", "/title"),
    ("SCOPE", "/scope"),
];

const WAITING: &[Column] = &[
    ("PROPOSAL", "/id"),
    ("DEED", "/deed"),
    ("WINDOW", "/name"),
    ("TITLE", "/window/title"),
    ("SCOPE", "/window/scope"),
    ("FROM", "/window/schedule/start"),
    ("TO", "/window/schedule/end"),
    ("AGAIN", "/window/schedule/rrule"),
    ("ZONE", "/window/schedule/zone"),
    ("BY", "/by"),
    ("CONFIRM FROM", "/from"),
    ("REASON", "/reason"),
];

/// What can be done with windows. What files declare is altered in the files.
#[derive(Debug, Subcommand)]
pub(crate) enum WindowCommand {
    /// List the windows there are, from files and from people
    List(JsonArgs),
    /// Show what a window would hold, without recording anything
    Preview(WishArgs),
    /// Make a window; where a second person could agree, it waits for one
    Add(AddArgs),
    /// Alter a window that a person made; all of it is given anew
    Edit {
        /// Name of the window, such as `w-3f7k2m9p4q1x`
        #[arg(value_name = "WINDOW")]
        name: String,
        /// Digest of the window as you saw it (`list --json`); over another one nothing is done
        #[arg(long, value_name = "DIGEST", value_parser = values::digest)]
        over: Option<Digest>,
        #[command(flatten)]
        wish: AddArgs,
    },
    /// End a window that a person made
    End {
        /// Name of the window
        #[arg(value_name = "WINDOW")]
        name: String,
        /// Why it ends
        #[arg(long, value_name = "TEXT")]
        because: String,
        #[command(flatten)]
        json: JsonArgs,
    },
    /// List what waits for a second person
    Waiting(JsonArgs),
    /// Agree to what another person proposed
    Confirm {
        /// Id of the proposal
        #[arg(value_name = "PROPOSAL")]
        id: String,
        #[command(flatten)]
        json: JsonArgs,
    },
    /// Refuse what another person proposed, or take your own back
    Refuse {
        /// Id of the proposal
        #[arg(value_name = "PROPOSAL")]
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        because: String,
        #[command(flatten)]
        json: JsonArgs,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Meaning {
    /// Nothing goes, or only with an exception
    Freeze,
    /// Work is announced; a fact for the risk
    Maintenance,
    /// Deployments go only inside of it
    Release,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Running {
    /// Run to their end
    Finish,
    /// Pause before their next step
    Hold,
    /// Are stopped and rolled back
    Abort,
}

/// A window as it is wanted.
#[derive(Debug, Args)]
pub(crate) struct WishArgs {
    /// What people call it
    #[arg(long, value_name = "TEXT", required_unless_present = "file")]
    title: Option<String>,
    /// What it means
    #[arg(long, value_enum, default_value = "freeze")]
    meaning: Meaning,
    /// Where it holds: `service=payments,environment=production`, or `all`
    #[arg(long, value_name = "SCOPE", value_parser = values::scope, required_unless_present = "file")]
    scope: Option<Scope>,
    /// Local time of its beginning, such as `2026-12-24T18:00`
    #[arg(long, value_name = "LOCAL", required_unless_present = "file")]
    start: Option<String>,
    /// Local time of its end, or its length, such as `PT8H` or `P2D`
    #[arg(long, value_name = "LOCAL|LENGTH", required_unless_present = "file")]
    end: Option<String>,
    /// Zone of these times
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// How it comes again (RFC 5545), such as `FREQ=WEEKLY;BYDAY=FR`
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// What happens to deployments that run when a freeze begins
    #[arg(long, value_enum, default_value = "finish")]
    running: Running,
    /// Who alone may grant an exception to it: `role:change_manager`, `team:NAME`
    #[arg(long, value_name = "WHO")]
    grants: Vec<String>,
    /// Why it exists; shown to whoever is held
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// The whole window as JSON instead, as the API takes it
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["title", "meaning", "scope", "start", "end", "zone", "rule", "running", "grants", "reason"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgs,
}

/// A window, and why it is made or altered.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    wish: WishArgs,
    /// Why it is made or altered; stays in the ledger
    #[arg(long, value_name = "TEXT")]
    because: String,
}

/// Runs the command.
pub(crate) fn run(command: &WindowCommand) -> Outcome {
    match command {
        WindowCommand::List(to) => {
            show::records(&Client::new(&to.server)?.get(WINDOWS)?, COLUMNS, to.json);
        }
        WindowCommand::Waiting(to) => {
            show::records(&Client::new(&to.server)?.get(PROPOSALS)?, WAITING, to.json);
        }
        WindowCommand::Preview(wish) => preview(wish)?,
        WindowCommand::Add(arguments) => {
            let AddArgs { wish, because } = arguments;
            set(WINDOWS, &json!({ "window": window(wish)?, "reason": because }), &wish.json)?;
        }
        WindowCommand::Edit { name, over, wish: AddArgs { wish, because } } => {
            let body = json!({ "window": window(wish)?, "over": over, "reason": because });
            set(&format!("{WINDOWS}/{}", encode(name)), &body, &wish.json)?;
        }
        WindowCommand::End { name, because, json } => {
            let path = format!("{WINDOWS}/{}/end", encode(name));
            let body = json!({ "reason": because });
            told(&Client::new(&json.server)?.post(&path, &body, &[])?, "ended", json.json);
        }
        WindowCommand::Confirm { id, json } => {
            let path = format!("{PROPOSALS}/{}/confirm", encode(id));
            let done = Client::new(&json.server)?.post(&path, &json!({}), &[])?;
            output::note("confirmed");
            if json.json {
                output::json(&done);
            }
        }
        WindowCommand::Refuse { id, because, json } => {
            let path = format!("{PROPOSALS}/{}/refuse", encode(id));
            let body = json!({ "reason": because });
            let done = Client::new(&json.server)?.post(&path, &body, &[])?;
            output::note("refused");
            if json.json {
                output::json(&done);
            }
        }
    }
    Ok(exit::OK)
}

fn set(path: &str, body: &Value, to: &JsonArgs) -> Result<(), Failure> {
    told(
        &Client::new(&to.server)?.post(path, body, &[])?,
        "made; it holds as its times say",
        to.json,
    );
    Ok(())
}

/// Says whether it holds already or waits.
fn told(answer: &Value, done: &str, as_json: bool) {
    match answer.get("proposal").and_then(Value::as_str) {
        Some(id) => output::note(&format!(
            "proposed; another person confirms it: `sluice calendar window confirm {}`",
            output::clean(id)
        )),
        None => output::note(done),
    }
    let lines = [("window", "/window"), ("proposal", "/proposal"), ("from", "/from")];
    show::record(answer, &lines, as_json);
}

fn preview(wish: &WishArgs) -> Result<(), Failure> {
    let body = window(wish)?;
    let seen = Client::new(&wish.json.server)?.post("/api/v1/calendar/preview", &body, &[])?;
    let lines = [
        ("in force", "/in_force"),
        ("holds now", "/holds_now"),
        ("services", "/services"),
        ("open changes", "/changes"),
        ("deploying", "/moving"),
    ];
    show::record(&seen, &lines, wish.json.json);
    if !wish.json.json {
        let next = seen.get("next").cloned().unwrap_or_default();
        show::records(&next, &[("FROM", "/start"), ("TO", "/end")], false);
    }
    Ok(())
}

fn window(wish: &WishArgs) -> Result<Value, Failure> {
    if let Some(file) = &wish.file {
        let text = values::read_text(file, LARGEST_BYTES)?;
        return serde_json::from_str(&text).map_err(|error| {
            Failure::new(
                format!("`{}` is not JSON: {error}", file.display()),
                "write a window as `docs/reference/openapi.json` describes it (`WindowWish`)",
            )
        });
    }
    let schedule = values::object([
        ("zone", json!(wish.zone)),
        ("start", json!(wish.start)),
        ("end", json!(wish.end)),
        ("rrule", json!(wish.rule)),
    ]);
    Ok(json!({
        "title": wish.title, "kind": values::word(wish.meaning), "scope": wish.scope, "schedule": schedule,
        "in_flight": values::word(wish.running), "grants": wish.grants, "reason": wish.reason,
    }))
}
