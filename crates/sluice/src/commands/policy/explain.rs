//! `sluice policy explain`: what a policy makes of the facts of one question.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use sluice_core::facts::GateFacts;
use sluice_core::verdict::{Effect, Verdict};
use sluice_policy::GatePolicy;

use super::{files, looked_at};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;

/// Arguments of `sluice policy explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 explained, whatever the verdict; 1 the policy has problems or gave no verdict."
)]
pub(crate) struct ExplainArgs {
    /// The organisation's policies and guardrails, over the shipped policy; may be repeated
    #[arg(long = "policy", value_name = "PATH")]
    policy: Vec<PathBuf>,
    /// The facts of the question as JSON, such as `GET /api/v1/decisions/{id}/input` gives them;
    /// `-` for stdin
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

/// Judges the facts and says which rules spoke.
pub(super) fn run(arguments: &ExplainArgs) -> Outcome {
    let own = files::modules(&arguments.policy, &["rego", "yaml", "yml"])?;
    let policy = match GatePolicy::assemble(&own) {
        Ok(policy) => policy,
        Err(problems) => return looked_at::tell(&problems, arguments.json),
    };
    let facts = facts(files::document(&arguments.input)?)?;
    let verdict = policy.judge(&facts).map_err(|fault| {
        Failure::new(fault.message, "at the gate this is a deny; correct the policy")
            .with_code(fault.code)
    })?;
    if arguments.json {
        output::json(&verdict);
    } else {
        print(&verdict);
        output::note(&format!("judged by {}", policy.digest()));
    }
    Ok(exit::OK)
}

/// The facts of a stored input: the document itself, or its `facts`.
fn facts(mut document: Value) -> Result<GateFacts, Failure> {
    let inner = document.get_mut("facts").map(Value::take);
    serde_json::from_value(inner.unwrap_or(document)).map_err(|error| {
        Failure::usage(
            format!("these are not the facts of a question: {error}"),
            "give what `GET /api/v1/decisions/{id}/input` answers",
        )
    })
}

fn print(verdict: &Verdict) {
    output::line(&format!("grant     {}", if verdict.allow { "yes" } else { "no" }));
    if let Some(risk) = &verdict.risk {
        let level = serde_json::to_value(risk.level).unwrap_or_default();
        output::line(&format!(
            "risk      {}, because {}",
            crate::show::cell(Some(&level)),
            output::clean(&risk.because)
        ));
    }
    for need in &verdict.require {
        let owed = if need.owed { ", owed afterwards" } else { "" };
        output::line(&format!("approval  {}{owed}", need.rule));
    }
    for reason in &verdict.reasons {
        let word = match reason.effect {
            Effect::Deny => output::bad("deny"),
            Effect::Wait => output::attention("wait"),
            Effect::Note => "note".to_owned(),
        };
        let (rule, message) = (output::clean(&reason.rule), output::clean(&reason.message));
        output::line(&format!("{word}      {rule}: {message}"));
        if !reason.pass_if.is_empty() {
            output::line(&format!("          would pass if {}", output::clean(&reason.pass_if)));
        }
    }
}
