//! The server's answer, and whether an allow is one.

use serde::Deserialize;
use serde_json::Value;
use sluice_core::gate::{Decision, Question};
use sluice_engine::pass_token::{Expected, PassProblem, TokenClaims};

use crate::client::{Client, PassKey};
use crate::exit;
use crate::failure::Failure;
use crate::output;

/// What is read of an answer. Members that are not known are passed over; those that make it a
/// decision are required.
#[derive(Debug, Deserialize)]
pub(super) struct GateReply {
    /// Absent in a dry run.
    pub(super) decision: Option<String>,
    pub(super) answer: Decision,
    pub(super) change: Option<String>,
    /// The environment by its own name; absent where nobody declared it.
    pub(super) environment: Option<String>,
    pub(super) reasons: Vec<ReasonReply>,
    #[serde(default)]
    pub(super) would_pass_if: Vec<String>,
    pub(super) until: Option<String>,
    pub(super) risk: Option<Value>,
    pub(super) pass: Option<PassReply>,
    pub(super) receipt: Option<Value>,
}

/// One reason.
#[derive(Debug, Deserialize)]
pub(super) struct ReasonReply {
    pub(super) effect: String,
    pub(super) rule: String,
    pub(super) message: String,
    pub(super) until: Option<String>,
    #[serde(default)]
    pub(super) who: Vec<Value>,
    #[serde(default)]
    pub(super) pass_if: String,
}

/// The pass.
#[derive(Debug, Deserialize)]
pub(super) struct PassReply {
    pub(super) token: String,
}

impl GateReply {
    /// Reads an answer; one that was recorded names its decision.
    pub(super) fn read(raw: &Value, dry_run: bool) -> Result<Self, String> {
        let reply = Self::deserialize(raw).map_err(|error| error.to_string())?;
        if reply.decision.is_none() && !dry_run {
            return Err("it names no decision".to_owned());
        }
        Ok(reply)
    }

    /// Refuses to wait for a pass that would not be one for this question: a pass is for an environment by its own name, and
    /// that another name means the same is nothing that its signature says.
    pub(super) fn is_by_own_name(&self, question: &Question) -> Result<(), Failure> {
        let asked = question.environment.as_str();
        match self.environment.as_deref() {
            Some(own) if own != asked => Err(Failure::usage(
                format!("`{asked}` is another name of the environment `{own}`, and a pass would be for that"),
                format!("ask by its own name: `--environment {own}`"),
            )
            .with_code("environment_by_another_name")),
            _ => Ok(()),
        }
    }

    /// The first reason, for a line on the way.
    pub(super) fn in_short(&self) -> String {
        let first = self.reasons.iter().find(|reason| reason.effect == "wait");
        let first = first.or(self.reasons.first());
        output::clean(first.map_or("no reason given", |reason| &reason.message))
    }
}

/// What a pass for a question is bound to.
pub(super) fn bindings(question: &Question) -> Expected {
    Expected {
        service: Some(question.service.clone()),
        environment: Some(question.environment.clone()),
        commit: Some(question.commit.clone()),
        artifacts: Some(question.artifacts.clone()),
        run: Some((question.run.key(), question.run.attempt)),
    }
}

/// The claims of the pass that an allow came with, after its signature and all its bindings were
/// checked. Anything else is not an allow, whatever the answer says.
pub(super) fn verified_pass(
    reply: &GateReply,
    expected: &Expected,
    pinned: Option<PassKey>,
    client: &Client,
) -> Result<TokenClaims, Failure> {
    let not_an_allow = |why: String| {
        Failure::new(
            format!("the answer says `allow`, and {why}: this is not an allow"),
            "do not deploy; check `--server`, and `--pass-key` against the server's own key",
        )
        .with_exit(exit::NOT_UNDERSTOOD)
        .with_code("pass_not_verified")
    };
    let Some(pass) = &reply.pass else {
        return Err(not_an_allow("it has no pass".to_owned()));
    };
    let key = match pinned {
        Some(key) => key,
        None => PassKey::fetch(client)?,
    };
    let claims = key.verify(&pass.token, expected).map_err(|problem| match problem {
        PassProblem::OutOfTime { .. } => Failure::new(
            format!("the pass is refused: {problem}"),
            "ask the gate again, with another `--key`; check the clock of this machine",
        )
        .with_exit(exit::PASS_REFUSED)
        .with_code("pass_out_of_time"),
        _ => not_an_allow(format!("its pass is refused: {problem}")),
    })?;
    if reply.decision.as_deref() != Some(claims.decision.as_str()) {
        return Err(not_an_allow("its pass is of another decision".to_owned()));
    }
    Ok(claims)
}
