//! The form of a file of guardrails.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::limits::MAX_SOURCE_BYTES;
use crate::problem::Problem;

/// Reads a file; what does not fit its form is told with its place.
pub(super) fn read(path: &str, text: &str) -> Result<File, Problem> {
    if text.len() > MAX_SOURCE_BYTES {
        return Err(Problem::of_file(
            path,
            "too_large",
            format!("has more than {MAX_SOURCE_BYTES} bytes"),
            "",
        ));
    }
    serde_saphyr::from_str(text).map_err(|error| {
        let (line, column) = error
            .location()
            .map_or((0, 0), |place| (u32::try_from(place.line()).unwrap_or(0), u32::try_from(place.column()).unwrap_or(0)));
        let message = error.to_string().lines().next().unwrap_or("").to_owned();
        let help = "a guardrail has `name`, `when` and `steps`; a step has `if`, `on_fail`, `on_pass`, `risk`, `message`, `pass_if`, `who`";
        Problem { file: path.into(), line, column, code: "guardrails".into(), message, help: help.into() }
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) guardrails: Vec<Guardrail>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Guardrail {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) when: When,
    pub(super) steps: Vec<Step>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct When {
    pub(super) services: BTreeSet<String>,
    pub(super) teams: BTreeSet<String>,
    pub(super) service_tiers: BTreeSet<String>,
    pub(super) environments: BTreeSet<String>,
    pub(super) environment_tiers: BTreeSet<String>,
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) r#if: Conditions,
    #[serde(default)]
    pub(super) on_fail: Option<Actions>,
    #[serde(default)]
    pub(super) on_pass: Option<Actions>,
    #[serde(default)]
    pub(super) risk: Option<Points>,
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) pass_if: Option<String>,
    #[serde(default)]
    pub(super) who: Vec<String>,
}

/// One condition, or several that must all hold.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Conditions {
    One(String),
    All(Vec<String>),
}

impl Conditions {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::All(all) => all,
        }
    }
}

/// `deny`, or `{deny: message}`, or `{require_approval: rule, risk: +10}`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Actions {
    Word(Word),
    Listed(Listed),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    Deny,
    Wait,
    Note,
    Continue,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listed {
    pub(super) deny: Option<String>,
    pub(super) wait: Option<String>,
    pub(super) note: Option<String>,
    pub(super) require_approval: Option<Names>,
    pub(super) risk: Option<Points>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Names {
    One(String),
    Many(Vec<String>),
}

/// `+10`, `-5` or `10`, as a number or as a text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Points {
    Number(i32),
    Text(String),
}

impl Points {
    pub(super) fn number(&self) -> Option<i32> {
        let number = match self {
            Points::Number(number) => *number,
            Points::Text(text) => text.trim().trim_start_matches('+').parse().ok()?,
        };
        (-100..=100).contains(&number).then_some(number)
    }
}
