//! `sluice apply`: shows the plan, then makes the server's organisation so.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{check, folder, steps};
use crate::client::Client;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show;

/// Arguments of `sluice apply`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 applied, or nothing to do; 1 errors, or refused; 2 DIR has no file of an organisation."
)]
pub(crate) struct ApplyArgs {
    /// Folder of the organisation
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask; without a terminal nobody is asked either
    #[arg(long)]
    yes: bool,
    /// The plan may withdraw everything, all people or all services; without this it is refused
    #[arg(long)]
    withdraw_all: bool,
    /// As a second person: make so what somebody else has proposed from the same files
    #[arg(long)]
    confirm: bool,
    /// Where the folder comes from, as the ledger shall say; the path by default
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Print plan and result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Checks here, plans there, asks, applies exactly that plan.
pub(crate) fn run(arguments: &ApplyArgs) -> Outcome {
    let folder = folder::read(&arguments.dir)?;
    let problems = sluice_engine::offline_check(&folder).problems;
    if !problems.is_empty() && !arguments.json {
        check::print(&problems, &folder);
    }
    if problems.iter().any(sluice_organisation::Problem::is_error) {
        if arguments.json {
            output::json(&serde_json::json!({ "problems": problems }));
        }
        return Ok(exit::FAILED);
    }
    let client = Client::new(&arguments.server)?;
    let mut body = folder::as_body(&folder)?;
    let plan = client.post("/api/v1/organisation/plan", &body, &[])?;
    let steps = plan.get("told").and_then(Value::as_array).map_or(0, Vec::len);
    if !arguments.json {
        steps::lines(&plan).iter().for_each(|line| output::line(line));
        output::note(&match steps {
            0 => "nothing to do".to_owned(),
            some => format!("{some} step(s)"),
        });
    }
    if steps == 0 || arguments.dry_run {
        if arguments.json {
            output::json(&serde_json::json!({ "plan": plan }));
        }
        return Ok(exit::OK);
    }
    let swept = show::cell(plan.get("sweeps_out"));
    if !swept.is_empty() && !arguments.withdraw_all && !arguments.confirm {
        return Err(sweeps(&swept, arguments));
    }
    if !arguments.yes && output::confirm("apply this?") == Some(false) {
        return Err(Failure::new("nothing was applied", "answer `y`, or give `--yes`"));
    }
    let source = arguments.source.clone().unwrap_or_else(|| arguments.dir.display().to_string());
    body["source"] = source.into();
    body["plan"] = plan.get("digest").cloned().unwrap_or_default();
    if arguments.withdraw_all {
        body["withdraw_all"] = true.into();
    }
    let verb = if arguments.confirm { "confirm" } else { "apply" };
    let applied = client.post(&format!("/api/v1/organisation/{verb}"), &body, &[])?;
    report(&plan, &applied, arguments.json);
    Ok(exit::OK)
}

/// Nothing is asked where no answer would be read: whoever wants this says so beforehand.
fn sweeps(swept: &str, arguments: &ApplyArgs) -> Failure {
    let dir = arguments.dir.display();
    Failure::new(
        format!("nothing was applied: it would withdraw {swept}"),
        format!("see that `{dir}` is the right folder, and whole; where this is what you want, give `--withdraw-all`"),
    )
    .with_code("withdraws_all")
}

fn report(plan: &Value, applied: &Value, as_json: bool) {
    if as_json {
        return output::json(&serde_json::json!({ "plan": plan, "applied": applied }));
    }
    let value = |name: &str| show::cell(applied.get(name));
    if let Some(pending) = applied.get("pending") {
        let told = |name: &str| show::cell(pending.get(name));
        return output::note(&format!(
            "proposed, nothing is changed yet: it touches {}; from {} on a second person makes it so, on its \
             page, with `sluice plan confirm {}`, or with `sluice apply --confirm` and the same files",
            told("touches"),
            told("from"),
            show::cell(plan.get("digest")),
        ));
    }
    output::note(&format!(
        "applied: {} declared, {} withdrawn",
        value("declared"),
        value("withdrawn")
    ));
    for hook in applied.get("hooks").and_then(Value::as_array).into_iter().flatten() {
        let (link, path) = (show::cell(hook.get("link")), show::cell(hook.get("path")));
        output::line(&format!("hook of {link}: {path}"));
    }
}
