//! `sluice pass`: verify a pass offline, or redeem it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sluice_core::ids::{BadId, CommitId, Digest, EnvironmentName, PassId, ServiceName};
use sluice_engine::pass_token::Expected;

use super::values;
use crate::client::{Client, PassKey};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::{RunIdentity, ServerArgs};
use crate::show;

/// What can be done with a pass.
#[derive(Debug, Subcommand)]
pub(crate) enum PassCommand {
    /// Verify a pass offline with the public key; exit code 12 when it is refused
    Verify(VerifyArgs),
    /// Redeem a pass at the moment of deploying; exit code 12 when it is refused
    Redeem(RedeemArgs),
}

/// Arguments of `sluice pass verify`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 good; 12 refused.")]
pub(crate) struct VerifyArgs {
    /// The pass, or a file with it
    #[arg(value_name = "TOKEN|FILE")]
    pass: String,
    /// Public key of the server's passes: base64, a JWK, or a file with either
    #[arg(long, env = "SLUICE_PASS_KEY", value_name = "KEY")]
    key: String,
    /// Service it has to be for
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Environment it has to be for
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Commit it has to be for
    #[arg(long, value_name = "ID")]
    commit: Option<String>,
    /// Artifact it has to be for: all of them, and no other; may be repeated
    #[arg(long, value_name = "DIGEST", value_parser = values::digest)]
    artifact: Vec<Digest>,
    /// Print its claims as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `sluice pass redeem` and `sluice deployment start`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 redeemed; 12 refused; 13 not let in; 20 unavailable; 21 safe halt; 22 answer not understood;\n\
1 the credential does not allow it."
)]
pub(crate) struct RedeemArgs {
    /// The pass, a file with it, or its id
    #[arg(value_name = "TOKEN|FILE|ID")]
    pass: String,
    /// Commit that is about to be deployed
    #[arg(long, value_name = "ID")]
    commit: Option<String>,
    /// Digest of what is about to be deployed; may be repeated
    #[arg(long, value_name = "DIGEST", value_parser = values::digest)]
    artifact: Vec<Digest>,
    /// How it is deployed: rolling, blue_green or canary
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<String>,
    /// Version, as the pipeline calls it
    #[arg(long, value_name = "TEXT")]
    version: Option<String>,
    /// Idempotency key: with the same key the same answer comes again
    #[arg(long, value_name = "KEY", value_parser = values::key)]
    key: Option<String>,
    /// How long to try again while the server cannot answer
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = values::duration)]
    timeout: Duration,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub(crate) fn run(command: &PassCommand) -> Outcome {
    match command {
        PassCommand::Verify(arguments) => verify(arguments),
        PassCommand::Redeem(arguments) => redeem(arguments),
    }
}

fn verify(arguments: &VerifyArgs) -> Outcome {
    let key = PassKey::read(&arguments.key)?;
    let token = token_of(&arguments.pass)?;
    is_like_one(&token, &arguments.pass)?;
    let artifacts: BTreeSet<Digest> = arguments.artifact.iter().cloned().collect();
    let expected = Expected {
        service: read(arguments.service.as_deref(), ServiceName::parse)?,
        environment: read(arguments.environment.as_deref(), EnvironmentName::parse)?,
        commit: read(arguments.commit.as_deref(), CommitId::parse)?,
        artifacts: Some(artifacts).filter(|artifacts| !artifacts.is_empty()),
        run: None,
    };
    let claims = key.verify(&token, &expected).map_err(|problem| {
        refused_pass(format!("the pass is refused: {problem}"), "do not deploy; ask the gate again")
    })?;
    if arguments.json {
        output::json(&claims);
        return Ok(exit::OK);
    }
    output::line(&format!(
        "{}  {} to {}, commit {}, until {}",
        output::good("good"),
        claims.service,
        claims.environment,
        claims.commit,
        jiff::Timestamp::from_second(claims.exp).map(|at| at.to_string()).unwrap_or_default()
    ));
    output::note("whether it was redeemed or superseded since only the server knows");
    Ok(exit::OK)
}

/// Redeems a pass and prints the deployment's number.
pub(crate) fn redeem(arguments: &RedeemArgs) -> Outcome {
    let id = id_of(&arguments.pass)?;
    let run = RunIdentity::from_environment();
    let run = run.system.zip(run.id).map(
        |(system, id)| json!({ "system": system, "id": id, "attempt": run.attempt.unwrap_or(1) }),
    );
    let body = values::object([
        ("commit", json!(arguments.commit)),
        ("artifacts", json!(arguments.artifact)),
        ("run", json!(run)),
        ("strategy", json!(arguments.strategy)),
        ("version", json!(arguments.version.as_ref().filter(|version| !version.is_empty()))),
    ]);
    let key = arguments.key.clone().unwrap_or_else(values::fresh_key);
    let client = Client::new(&arguments.server)?;
    let path = format!("/api/v1/passes/{id}/redeem");
    let answer = client.post_again(&path, &body, &key, arguments.timeout).map_err(refused)?;
    let deployment = answer.get("deployment").and_then(Value::as_str).unwrap_or_default();
    if deployment.is_empty() {
        return Err(Failure::new("the answer names no deployment", "check `--server`")
            .with_exit(exit::NOT_UNDERSTOOD));
    }
    if arguments.json {
        output::json(&answer);
    } else {
        let change = show::cell(answer.get("change"));
        let of = if change.is_empty() { change } else { format!(" of {change}") };
        output::note(&format!("redeemed {id}{of}"));
        output::line(&output::clean(deployment));
    }
    Ok(exit::OK)
}

/// A refusal to redeem is a refused pass; everything else keeps its meaning.
fn refused(failure: Failure) -> Failure {
    let about_the_caller = matches!(
        failure.code.as_deref(),
        Some("token_missing" | "token_refused" | "permission_missing" | "body_invalid")
    );
    if failure.exit == exit::FAILED && !about_the_caller {
        return failure.with_exit(exit::PASS_REFUSED);
    }
    failure
}

fn read<T>(
    given: Option<&str>,
    parse: impl Fn(&str) -> Result<T, BadId>,
) -> Result<Option<T>, Failure> {
    let failed = |error: BadId| {
        Failure::usage(format!("`{}` is not {}", error.given, error.wanted), error.help)
    };
    given.map(|text| parse(text).map_err(failed)).transpose()
}

fn token_of(given: &str) -> Result<String, Failure> {
    match file_of(given) {
        Some(path) => Ok(values::read_text(path, 1 << 16)?.trim().to_owned()),
        None => Ok(given.trim().to_owned()),
    }
}

/// The file that is meant, where it is not the pass itself.
fn file_of(given: &str) -> Option<&Path> {
    let path = Path::new(given);
    (given.len() < 1024 && path.is_file()).then_some(path)
}

/// Tells a name of a file that is not there from a pass that is refused. What was given or read may be any secret: it is
/// not said.
fn is_like_one(token: &str, given: &str) -> Result<(), Failure> {
    if token.starts_with("ey") || token.split('.').count() == 3 {
        return Ok(());
    }
    let help = "give what `sluice gate --pass-out FILE` wrote";
    match file_of(given) {
        Some(path) => Err(refused_pass(format!("there is no pass in `{}`", path.display()), help)),
        None => Err(Failure::usage("this is no pass, and there is no file of that name", help)),
    }
}

fn refused_pass(message: String, help: &str) -> Failure {
    Failure::new(message, help).with_exit(exit::PASS_REFUSED).with_code("pass_refused")
}

/// The id of a pass: given as such, or read from the pass. The server looks it up; nothing else in the
/// pass is believed here.
fn id_of(given: &str) -> Result<PassId, Failure> {
    let wrong = || {
        Failure::usage(
            "this is neither a pass, nor a file with one, nor the id of one",
            "give what `sluice gate --pass-out FILE` wrote",
        )
    };
    let text = token_of(given)?;
    if let Ok(id) = PassId::parse(&text) {
        return Ok(id);
    }
    let payload = text.split('.').nth(1).ok_or_else(wrong)?;
    let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).map_err(|_| wrong())?;
    let claims: Value = serde_json::from_slice(&payload).map_err(|_| wrong())?;
    let id = claims.get("jti").and_then(Value::as_str).ok_or_else(wrong)?;
    PassId::parse(id).map_err(|_| wrong())
}
