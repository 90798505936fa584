//! `sluice link`: links to other systems, and what their deliveries become.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sluice_connectors::{CannotExplain, Delivery, Secret, explain, registry, tellers};
use sluice_engine::clock::{Clock, SystemClock};

use super::values;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::{PageArgs, ServerArgs};
use crate::show::{self, Column};

/// The largest delivery, as at the server's door.
const MAX_DELIVERY_BYTES: u64 = 25 << 20;

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("KIND", "/connector"),
    ("OWED", "/owed"),
    ("LAG S", "/lag_s"),
    ("GIVEN UP", "/given_up"),
    ("PAUSED", "/paused"),
    ("LAST GOOD", "/last_good_at"),
    ("EXPIRES", "/expires/at"),
    ("LAST ERROR", "/last_error"),
];

const OUTBOX: &[Column] = &[
    ("ID", "/id"),
    ("LINK", "/link"),
    ("RECORD", "/entity"),
    ("TELL", "/tell"),
    ("STATE", "/state"),
    ("TRIES", "/attempts"),
    ("NEXT", "/next_at"),
    ("LAST ERROR", "/last_error"),
];

const DIFFERING: &[Column] = &[
    ("RECORD", "/entity"),
    ("ABOUT", "/about"),
    ("OURS", "/ours"),
    ("THEIRS", "/theirs"),
    ("MENDABLE", "/mendable"),
];

/// What can be done with links.
#[derive(Debug, Subcommand)]
pub(crate) enum LinkCommand {
    /// Show as JSON what a delivery would become, without a server
    Hear(HearArgs),
    /// List the links, with how they fare and what is owed to them
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List what is owed to neighbours, newest first
    Outbox {
        /// Only what is owed to this link
        #[arg(long, value_name = "NAME")]
        link: Option<String>,
        /// Only what is in this state
        #[arg(long, value_enum, value_name = "STATE")]
        state: Option<EffectState>,
        #[command(flatten)]
        page: PageArgs,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Try a link without altering anything over there
    Test {
        /// Name of the link
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send nothing by a link until it is resumed; what is owed is kept
    Pause {
        /// Name of the link
        name: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send by a link again
    Resume {
        /// Name of the link
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Tell anew what was given up
    Replay {
        /// Name of the link
        name: String,
        /// Only this effect, by its number in the outbox
        #[arg(long, value_name = "ID")]
        effect: Option<u64>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Compare the records of a neighbour with ours, and list what differs
    Reconcile {
        /// Name of the link
        name: String,
        /// Owe anew what telling once more would mend
        #[arg(long)]
        repair: bool,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the kinds of systems that can be linked
    Kinds {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
}

/// What became of what is owed.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum EffectState {
    Pending,
    Delivered,
    GivenUp,
}

/// Arguments of `sluice link hear`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 signals; 3 readable, but not for us, with the reason; 4 not readable or wrongly signed."
)]
pub(crate) struct HearArgs {
    /// Kind of the link, such as `github`; see `sluice link kinds`
    #[arg(value_name = "KIND")]
    kind: String,
    /// The body of the delivery; `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A header it came with; may be repeated
    #[arg(long, value_name = "'NAME: VALUE'", value_parser = header)]
    header: Vec<(String, String)>,
    /// The query of the address it came to, without `?`
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// Secret of the link; without it the signature is not checked, and the report says so
    #[arg(long, env = "SLUICE_LINK_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: Option<String>,
    /// Settings of the link, as JSON in a file; without it any host is taken
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// When it arrived, for signatures that carry a time; now, unless said otherwise
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    received_at: Option<jiff::Timestamp>,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write `Name: value`")?;
    let name = name.trim().to_ascii_lowercase();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err("write `Name: value`".to_owned());
    }
    Ok((name, value.trim().to_owned()))
}

/// Runs the command.
pub(crate) fn run(command: &LinkCommand) -> Outcome {
    match command {
        LinkCommand::Hear(arguments) => hear(arguments),
        LinkCommand::List { json, server } => {
            show::records(&Client::new(server)?.get("/api/v1/links")?, COLUMNS, *json);
            Ok(exit::OK)
        }
        LinkCommand::Outbox { link, state, page, json, server } => {
            let mut path = format!("/api/v1/outbox?{}", page.query());
            let state = &state.map(values::name);
            for (name, value) in [("link", link), ("state", state)] {
                if let Some(value) = value {
                    path.push_str(&format!("&{name}={}", encode(value)));
                }
            }
            show::records(&Client::new(server)?.get(&path)?, OUTBOX, *json);
            Ok(exit::OK)
        }
        LinkCommand::Test { name, server } => test(name, server),
        LinkCommand::Pause { name, reason, server } => {
            act(name, "pause", &json!({ "reason": reason }), server)?;
            output::note(&format!("{} is paused", output::clean(name)));
            Ok(exit::OK)
        }
        LinkCommand::Resume { name, server } => {
            act(name, "resume", &json!({}), server)?;
            output::note(&format!("{} is told again", output::clean(name)));
            Ok(exit::OK)
        }
        LinkCommand::Replay { name, effect, server } => {
            let body = effect.map_or_else(|| json!({}), |effect| json!({ "effect": effect }));
            let answer = act(name, "replay", &body, server)?;
            output::note(&format!("{} owed anew", answer["replayed"]));
            Ok(exit::OK)
        }
        LinkCommand::Reconcile { name, repair, json, server } => {
            reconcile(name, *repair, *json, server)
        }
        LinkCommand::Kinds { json } => {
            kinds(*json);
            Ok(exit::OK)
        }
    }
}

fn kinds(as_json: bool) {
    let hear = registry().iter().map(|it| (it.kind(), "hears", it.about()));
    let tell = tellers().iter().map(|it| (it.kind(), "tells", it.about()));
    let all = hear.chain(tell);
    if as_json {
        let items =
            all.map(|(kind, does, about)| json!({"kind": kind, "does": does, "about": about}));
        return output::json(&json!({ "items": items.collect::<Vec<Value>>() }));
    }
    for (kind, does, about) in all {
        output::line(&format!("{kind:12} {does} {about}"));
    }
}

fn act(name: &str, what: &str, body: &Value, server: &ServerArgs) -> Result<Value, Failure> {
    Client::new(server)?.post(&format!("/api/v1/links/{}/{what}", encode(name)), body, &[])
}

fn reconcile(name: &str, repair: bool, json: bool, server: &ServerArgs) -> Outcome {
    let result = act(name, "reconcile", &json!({ "repair": repair }), server)?;
    if json {
        output::json(&result);
    } else {
        let listed = json!({ "items": result["differing"] });
        show::records(&listed, DIFFERING, false);
    }
    let summary = format!("{} compared, {} equal", result["compared"], result["equal"]);
    if result["differing"].as_array().is_none_or(Vec::is_empty) {
        output::note(&format!("{}: {summary}", output::clean(name)));
        return Ok(exit::OK);
    }
    let help = match result["owed_anew"].as_u64() {
        Some(0) | None if repair => {
            "what is left was done by hand over there: decide which side is right"
        }
        Some(0) | None => {
            "mend what can be mended with `--repair`, and decide about the rest by hand"
        }
        Some(_) => "what can be mended is told now; compare again in a while",
    };
    Err(Failure::new(format!("{name}: {summary}, the others differ"), help))
}

fn test(name: &str, server: &ServerArgs) -> Outcome {
    let trial = act(name, "test", &json!({}), server)?;
    let detail = trial["detail"].as_str().unwrap_or_default();
    if trial["ok"] == true {
        output::note(&format!("{}: {}", output::clean(name), output::clean(detail)));
        return Ok(exit::OK);
    }
    Err(Failure::new(
        format!("{name}: {detail} ({})", trial["reason"].as_str().unwrap_or("?")),
        "see the link's guide for what it needs over there",
    ))
}

fn hear(arguments: &HearArgs) -> Outcome {
    let configuration = arguments.config.as_deref().map(configuration).transpose()?;
    let received_at = arguments.received_at.unwrap_or_else(|| SystemClock::default().now());
    let delivery = Delivery {
        headers: arguments.header.clone(),
        body: body(&arguments.file)?.into(),
        query: arguments.query.clone(),
        received_at,
    };
    let secret = arguments.secret.as_ref().map(|secret| Secret::new(secret.as_bytes().to_vec()));
    let report = explain(&arguments.kind, configuration.as_ref(), &delivery, secret.as_ref())
        .map_err(cannot)?;
    output::json(&report);
    Ok(report.exit_code())
}

fn body(file: &Path) -> Result<Vec<u8>, Failure> {
    if file != Path::new("-") {
        return values::read_file(file, MAX_DELIVERY_BYTES);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_DELIVERY_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file("read", file, &error))?;
    Ok(bytes)
}

fn configuration(file: &Path) -> Result<Value, Failure> {
    let text = values::read_text(file, 1 << 20)?;
    let mut settings: Value = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(
            format!("`{}` is not JSON: {error}", file.display()),
            "write the settings of the link as JSON",
        )
    })?;
    // In the organisation's files secrets are named beside the settings; here there is one, or none.
    if let Value::Object(settings) = &mut settings {
        settings.entry("secret").or_insert_with(|| json!("desk"));
    }
    Ok(settings)
}

fn cannot(problem: CannotExplain) -> Failure {
    match problem {
        CannotExplain::UnknownKind(kind) if tellers().iter().any(|it| it.kind() == kind) => {
            Failure::usage(
                format!("a link of the kind `{kind}` hears nothing: it only tells"),
                "see `sluice link kinds` for those that hear",
            )
        }
        CannotExplain::UnknownKind(kind) => {
            let kinds: Vec<&str> = registry().iter().map(|connector| connector.kind()).collect();
            Failure::usage(
                format!("`{kind}` is no kind of link"),
                format!("there are {}", kinds.join(", ")),
            )
        }
        CannotExplain::Configuration(problems) => {
            let lines: Vec<String> = problems
                .iter()
                .map(|p| format!("\n  {}: {} (help: {})", p.path, p.message, p.help))
                .collect();
            Failure::usage(
                format!("the settings of the link have problems:{}", lines.concat()),
                "correct them",
            )
        }
    }
}
