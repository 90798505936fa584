//! `sluice link`: links to other systems, and what their deliveries become.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;
use sluice_connectors::{CannotExplain, Delivery, Secret, explain, registry};
use sluice_engine::clock::{Clock, SystemClock};

use super::values;
use crate::client::Client;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show;

/// The largest delivery, as at the server's door.
const MAX_DELIVERY_BYTES: u64 = 25 << 20;

/// What can be done with links.
#[derive(Debug, Subcommand)]
pub(crate) enum LinkCommand {
    /// Show as JSON what a delivery would become, without a server
    Hear(HearArgs),
    /// List the links that are declared
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the kinds of systems that can be linked
    Kinds,
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
            let answer = Client::new(server)?.get("/api/v1/organisation/link")?;
            show::records(
                &answer,
                &[("NAME", "/spec/name"), ("KIND", "/spec/connector"), ("HOOK", "/spec/hook")],
                *json,
            );
            Ok(exit::OK)
        }
        LinkCommand::Kinds => {
            for connector in registry() {
                output::line(&format!("{:12} {}", connector.kind(), connector.about()));
            }
            Ok(exit::OK)
        }
    }
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
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(
            format!("`{}` is not JSON: {error}", file.display()),
            "write the settings of the link as JSON",
        )
    })
}

fn cannot(problem: CannotExplain) -> Failure {
    match problem {
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
