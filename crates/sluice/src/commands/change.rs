//! `sluice change`: see changes, and decide on them.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sluice_core::ids::ChangeNumber;

use super::talk::{self, TalkCommand};
use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::{PageArgs, ServerArgs};
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("NUMBER", "/number"),
    ("STATE", "/state"),
    ("TYPE", "/kind"),
    ("RISK", "/risk/level"),
    ("SERVICES", "/services"),
    ("ENVIRONMENT", "/environment"),
    ("OUTCOME", "/outcome"),
    ("TITLE", "/title"),
];

const LINES: &[Column] = &[
    ("number", "/number"),
    ("title", "/title"),
    ("state", "/state"),
    ("type", "/kind"),
    ("risk", "/risk/level"),
    ("services", "/services"),
    ("environment", "/environment"),
    ("version", "/version"),
    ("commits", "/origin/commits"),
    ("revision", "/revision/digest"),
    ("outcome", "/outcome"),
    ("opened", "/opened_at"),
    ("updated", "/updated_at"),
    ("ended", "/ended_at"),
];

/// What can be done with changes.
#[derive(Debug, Subcommand)]
pub(crate) enum ChangeCommand {
    /// List changes, newest first
    List(ListArgs),
    /// Show one change
    Show {
        #[command(flatten)]
        one: OneArgs,
        /// Its trail too: every entry of the ledger about it
        #[arg(long)]
        trail: bool,
    },
    /// Approve the revision that is shown
    Approve(VoteArgs),
    /// Reject the revision that is shown
    Reject(VoteArgs),
    /// Cancel a change that is not being implemented yet
    Cancel(ReasonArgs),
    /// Close a change with its outcome
    Close {
        #[command(flatten)]
        one: OneArgs,
        /// How it ended
        #[arg(long, value_enum)]
        outcome: OutcomeWord,
        /// A note
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// Give a review that is owed
    Review {
        #[command(flatten)]
        one: OneArgs,
        /// What was found
        #[arg(long, value_name = "TEXT")]
        finding: String,
    },
    #[command(flatten)]
    Talk(TalkCommand),
}

/// Which changes.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those in this state
    #[arg(long, value_enum, value_name = "STATE")]
    state: Option<StateWord>,
    /// Only those of this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only those of this environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only those that wait for somebody
    #[arg(long)]
    waiting: bool,
    #[command(flatten)]
    page: PageArgs,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// One change.
#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// Its number, such as `CHG0000042`
    #[arg(value_name = "NUMBER")]
    number: ChangeNumber,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// A vote on a revision.
#[derive(Debug, Args)]
pub(crate) struct VoteArgs {
    #[command(flatten)]
    one: OneArgs,
    /// The revision that was looked at; without it the present one is shown and voted on
    #[arg(long, value_name = "DIGEST", value_parser = values::digest)]
    revision: Option<sluice_core::ids::Digest>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// The person stood in for, by handle or opaque id
    #[arg(long, value_name = "WHO")]
    on_behalf_of: Option<String>,
}

/// A change and a reason.
#[derive(Debug, Args)]
pub(crate) struct ReasonArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// How a change ended.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum OutcomeWord {
    Successful,
    SuccessfulWithIssues,
    Unsuccessful,
    RolledBack,
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum StateWord {
    New,
    Assess,
    Authorize,
    Scheduled,
    Implement,
    Review,
    Closed,
    Canceled,
}

/// Runs the command.
pub(crate) fn run(command: &ChangeCommand) -> Outcome {
    match command {
        ChangeCommand::List(arguments) => list(arguments)?,
        ChangeCommand::Show { one, trail } => show_one(one, *trail)?,
        ChangeCommand::Approve(arguments) => vote(arguments, "approve")?,
        ChangeCommand::Reject(arguments) => vote(arguments, "reject")?,
        ChangeCommand::Cancel(ReasonArgs { one, reason }) => {
            act(one, "cancel", &json!({ "reason": reason }))?;
        }
        ChangeCommand::Close { one, outcome, note } => {
            let word = outcome.to_possible_value().map(|word| word.get_name().to_owned());
            act(one, "close", &json!({ "outcome": word, "note": note }))?;
        }
        ChangeCommand::Review { one, finding } => {
            act(one, "review", &json!({ "finding": finding }))?;
        }
        ChangeCommand::Talk(command) => return talk::run(command),
    }
    Ok(exit::OK)
}

fn list(arguments: &ListArgs) -> Result<(), Failure> {
    let mut path = format!("/api/v1/changes?{}", arguments.page.query());
    let filters = [
        ("state", &arguments.state.map(values::name)),
        ("service", &arguments.service),
        ("environment", &arguments.environment),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", encode(value)));
        }
    }
    if arguments.waiting {
        path.push_str("&waiting=true");
    }
    show::records(&Client::new(&arguments.server)?.get(&path)?, COLUMNS, arguments.json);
    Ok(())
}

fn show_one(one: &OneArgs, with_trail: bool) -> Result<(), Failure> {
    let client = Client::new(&one.server)?;
    let path = format!("/api/v1/changes/{}", one.number);
    let found = client.get(&path)?;
    let trail = with_trail.then(|| client.all(&format!("{path}/trail?limit=200"))).transpose()?;
    match (trail, one.json) {
        (Some(trail), true) => output::json(&json!({ "change": found, "trail": trail })),
        (trail, as_json) => {
            show::record(change_of(&found), LINES, as_json);
            if !as_json {
                standing(change_of(&found));
            }
            if let Some(trail) = trail {
                output::line("");
                show::records(
                    &trail,
                    &[
                        ("ENTRY", "/index"),
                        ("TIME", "/time"),
                        ("EVENT", "/name"),
                        ("BY", "/entry/actor"),
                    ],
                    false,
                );
            }
        }
    }
    Ok(())
}

/// The change of an answer: the answer itself, or its `change`.
fn change_of(answer: &Value) -> &Value {
    answer.get("change").filter(|change| change.is_object()).unwrap_or(answer)
}

fn vote(arguments: &VoteArgs, verb: &str) -> Result<(), Failure> {
    let one = &arguments.one;
    let client = Client::new(&one.server)?;
    let path = format!("/api/v1/changes/{}", one.number);
    let found = client.get(&path)?;
    let present = change_of(&found);
    let revision = match &arguments.revision {
        Some(revision) => json!(revision),
        None => {
            if !one.json {
                show::record(present, LINES, false);
            }
            present.pointer("/revision/digest").cloned().unwrap_or_default()
        }
    };
    let body = values::object([
        ("revision", revision),
        ("reason", json!(arguments.reason)),
        ("on_behalf_of", json!(arguments.on_behalf_of)),
    ]);
    let answer = send(&client, one, present, verb, &body)?;
    tell(one, &answer, verb);
    if !one.json {
        // A vote that is recorded need not count: whoever gave it hears that now, and not at the next deployment.
        standing(change_of(&client.get(&path)?));
    }
    Ok(())
}

/// What the risk is made of, which approvals are wanted and given, and which of them do not count.
fn standing(change: &Value) {
    let list = |value: &Value, path: &str| {
        value.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let text = |value: &Value, name: &str| output::clean(&show::cell(value.get(name)));
    for factor in list(change, "/risk/factors") {
        let points = text(&factor, "points");
        output::line(&format!("  risk {points:>3}  {}", text(&factor, "because")));
    }
    for rule in list(change, "/approval_standing/rules") {
        let met = list(&rule, "/met_by").len();
        let who: Vec<String> =
            list(&rule, "/who").iter().filter_map(Value::as_str).map(output::clean).collect();
        let waits = match who.is_empty() {
            true => String::new(),
            false => format!(", can act: {}", who.join(", ")),
        };
        let (name, quorum) = (text(&rule, "rule"), text(&rule, "quorum"));
        output::line(&format!("  approvals `{name}`  {met} of {quorum}{waits}"));
    }
    for vote in list(change, "/approval_standing/discounted") {
        let (person, why) = (text(&vote, "person"), text(&vote, "message"));
        output::line(&format!("  does not count: the approval of {person}: {why}"));
    }
}

fn act(one: &OneArgs, verb: &str, body: &Value) -> Result<(), Failure> {
    let client = Client::new(&one.server)?;
    let found = client.get(&format!("/api/v1/changes/{}", one.number))?;
    let answer = send(&client, one, change_of(&found), verb, body)?;
    tell(one, &answer, verb);
    Ok(())
}

/// Sends the command for the version of the record that was seen.
fn send(
    client: &Client,
    one: &OneArgs,
    seen: &Value,
    verb: &str,
    body: &Value,
) -> Result<Value, Failure> {
    let version = seen.get("version_of_record").and_then(Value::as_u64).unwrap_or_default();
    let tag = format!("\"{version}\"");
    let path = format!("/api/v1/changes/{}/{verb}", one.number);
    client.post(&path, body, &[("If-Match", &tag)])
}

fn tell(one: &OneArgs, answer: &Value, verb: &str) {
    output::note(&format!("{}: {verb} recorded", one.number));
    show::record(change_of(answer), &[("state", "/state"), ("outcome", "/outcome")], one.json);
}
