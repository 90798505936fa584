//! `sluice gate`: the question of a pipeline. Nothing but a verified, signed pass is an allow.

mod answer;
mod asking;
mod question;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use sluice_core::gate::Decision;
use sluice_engine::pass_token::Expected;

use self::answer::GateReply;
use crate::client::{Client, PassKey};
use crate::commands::values;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::{PassKeyArgs, RunIdentity, ServerArgs};

/// What `--help` says at its end.
const AFTER_HELP: &str = "\
Exit codes:
   0  allow: a pass came with it, and its signature and all its bindings were verified
  10  deny
  11  still waiting
  12  the pass is refused: it is over
  13  not let in: the token is refused, or that of the pipeline's own system is
  20  the server cannot answer now
  21  the server has halted itself for the safety of its ledger
  22  the answer is not one of Sluice's, or its pass does not verify
   1  the question was refused; 2 it makes no sense

Run, commit and repository are taken from the variables that GitHub Actions, GitLab CI and Jenkins
set, where flags do not say otherwise.";

/// Arguments of `sluice gate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct GateArgs {
    /// Service to be deployed
    #[arg(long, value_name = "NAME")]
    pub(crate) service: String,
    /// Environment to be deployed to, by its own name
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: String,
    /// All services that this run deploys together; may be repeated
    #[arg(long = "with-service", value_name = "NAME")]
    pub(crate) services: Vec<String>,
    /// Full id of the commit
    #[arg(long, value_name = "ID")]
    pub(crate) commit: Option<String>,
    /// Digest of an artifact, `sha256:...`; may be repeated
    #[arg(long, value_name = "DIGEST")]
    pub(crate) artifact: Vec<String>,
    /// Version, as the pipeline calls it
    #[arg(long, value_name = "TEXT")]
    pub(crate) version: Option<String>,
    /// Repository of the commit: host and path
    #[arg(long, value_name = "HOST/PATH")]
    pub(crate) repository: Option<String>,
    /// System the run is on, with its host, such as `github:github.com`
    #[arg(long, value_name = "SYSTEM")]
    pub(crate) run_system: Option<String>,
    /// Id of the run, stable over reruns
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    /// Attempt of the run, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) run_attempt: Option<u32>,
    /// Web address of the run
    #[arg(long, value_name = "URL")]
    pub(crate) run_url: Option<String>,
    /// Evidence, `type:name:status[:digest|url]`, such as `test:unit:passed`; may be repeated
    #[arg(long, value_name = "EVIDENCE")]
    pub(crate) evidence: Vec<String>,
    /// Why this is an emergency
    #[arg(long, value_name = "REASON")]
    pub(crate) emergency: Option<String>,
    /// Lines added and removed since what runs there now
    #[arg(long, value_name = "N")]
    pub(crate) lines_changed: Option<u64>,
    /// A path changed since what runs there now; may be repeated
    #[arg(long = "path", value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Somebody who wrote what is to be deployed, by mail address or account (`github:octocat`); may be repeated, and
    /// names everybody if it names anybody
    #[arg(long = "author", value_name = "WHO")]
    pub(crate) authors: Vec<String>,
    /// How long to wait for an answer other than `wait`, such as `30m`
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) wait: Option<Duration>,
    /// How long to try again while the server cannot answer
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = values::duration)]
    pub(crate) timeout: Duration,
    /// Ask without recording anything; gives no pass
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the pass into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) pass_out: Option<PathBuf>,
    /// Write the receipt into this file, for `sluice verify --receipt`
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt_out: Option<PathBuf>,
    /// Idempotency key: the same question with the same key has the same answer
    #[arg(long, value_name = "KEY", value_parser = values::key)]
    pub(crate) key: Option<String>,
    /// Print the server's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) pass_key: PassKeyArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Asks, checks the answer, says it, and ends with its exit code.
pub(crate) fn run(arguments: &GateArgs) -> Outcome {
    let question = question::build(arguments, &RunIdentity::from_environment())?;
    if arguments.dry_run && arguments.wait.is_some() {
        output::note("a dry run waits for nothing: `--wait` is passed over");
    }
    can_write(arguments)?;
    let client = Client::new(&arguments.server)?;
    let pinned = arguments.pass_key.pass_key.as_deref().map(PassKey::read).transpose()?;
    let asked = asking::Asking {
        client: &client,
        question: &question,
        authors: &arguments.authors,
        key: arguments.key.clone().unwrap_or_else(values::fresh_key),
        wait: arguments.wait.filter(|_| !arguments.dry_run),
        timeout: arguments.timeout,
        dry_run: arguments.dry_run,
    };
    let (reply, raw) = asked.until_answered()?;
    let allowed = reply.answer == Decision::Allow;
    // Whether it waits here or is asked again later: a pass for another name would never be taken.
    if reply.answer != Decision::Deny && !arguments.dry_run {
        reply.is_by_own_name(&question)?;
    }
    let verified = match (allowed, arguments.dry_run) {
        (true, false) => {
            let bindings = answer::bindings(&question);
            Some(answer::verified_pass(&reply, &bindings, pinned, &client)?)
        }
        _ => None,
    };
    if arguments.json {
        output::json(&raw);
    } else {
        let place = format!("{} to {}", question.service, question.environment);
        report::print(&reply, &place, verified.as_ref());
    }
    write_files(arguments, &reply, verified.is_some())?;
    if arguments.dry_run && allowed {
        output::note("dry run: nothing was recorded, and no pass was given");
    }
    Ok(exit_of(reply.answer))
}

fn exit_of(answer: Decision) -> u8 {
    match answer {
        Decision::Allow => exit::OK,
        Decision::Deny => exit::DENY,
        Decision::Wait => exit::WAITING,
    }
}

/// Says an answer of the gate that did not come to `sluice gate` as that would, and ends with the same exit codes: an
/// allow is one with a pass that verifies. Gives the pass, too.
pub(crate) fn tell(
    raw: &Value,
    place: &str,
    bindings: &Expected,
    client: &Client,
    as_json: bool,
) -> Result<(u8, Option<String>), Failure> {
    let reply = GateReply::read(raw, false).map_err(|why| {
        let help = "check `--server`: whatever answered, it is not an answer of the gate";
        Failure::new(format!("the answer is not understood: {why}"), help)
            .with_exit(exit::NOT_UNDERSTOOD)
    })?;
    let allowed = reply.answer == Decision::Allow;
    let pass =
        allowed.then(|| answer::verified_pass(&reply, bindings, None, client)).transpose()?;
    if as_json {
        output::json(raw);
    } else {
        report::print(&reply, place, pass.as_ref());
    }
    let token = reply.pass.filter(|_| allowed).map(|pass| pass.token);
    Ok((exit_of(reply.answer), token))
}

/// A pass that cannot be kept is lost, and its deployment with it: that is found out before there is one.
fn can_write(arguments: &GateArgs) -> Result<(), Failure> {
    let pass = arguments.pass_out.as_deref().filter(|_| !arguments.dry_run);
    pass.into_iter().chain(arguments.receipt_out.as_deref()).try_for_each(values::can_write)
}

fn write_files(arguments: &GateArgs, reply: &GateReply, verified: bool) -> Result<(), Failure> {
    if let (Some(path), Some(pass), true) = (&arguments.pass_out, &reply.pass, verified) {
        values::write_private(path, &pass.token)?;
    }
    if let (Some(path), Some(receipt)) = (&arguments.receipt_out, &reply.receipt) {
        values::write_private(path, &receipt.to_string())?;
    }
    Ok(())
}
