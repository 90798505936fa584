//! The sections of our own files, one file each.

pub(crate) mod approval;
mod environment;
mod evidence;
mod link;
mod mapping;
mod model;
mod person;
mod scope;
mod service;
mod settings;
mod team;
mod trust;
pub(crate) mod window;

pub(crate) use person::{PersonDraft, declare_handle, is_email, record_person};
pub(crate) use scope::read as read_scope;
pub(crate) use service::repository_name;

use std::collections::BTreeSet;

use sluice_core::change::ChangeKind;
use sluice_core::organisation::EnvironmentTier;
use sluice_core::risk::RiskLevel;

use crate::desk::Desk;
use crate::yaml::{Node, Position};

/// Names of all sections, as top-level keys of a file.
pub(crate) const SECTIONS: &[&str] = &[
    "settings",
    "environments",
    "teams",
    "people",
    "services",
    "windows",
    "approval_rules",
    "evidence_rules",
    "models",
    "links",
    "trust",
    "group_roles",
    "guardrails",
];

const RISKS: &[(&str, RiskLevel)] = &[
    ("low", RiskLevel::Low),
    ("medium", RiskLevel::Medium),
    ("high", RiskLevel::High),
    ("critical", RiskLevel::Critical),
];

const CHANGE_KINDS: &[(&str, ChangeKind)] = &[
    ("standard", ChangeKind::Standard),
    ("normal", ChangeKind::Normal),
    ("emergency", ChangeKind::Emergency),
];

/// The tiers of environments, by their words.
fn environment_tiers() -> [(&'static str, EnvironmentTier); 4] {
    EnvironmentTier::ALL.map(|tier| (tier.as_str(), tier))
}

/// Reads one section into the findings.
pub(crate) fn read(desk: &mut Desk<'_>, section: &str, node: &Node) {
    let read_one: fn(&mut Desk<'_>, &Node) = match section {
        "settings" => return settings::read(desk, node),
        "environments" => environment::read,
        "teams" => team::read,
        "people" => person::read,
        "services" => service::read,
        "windows" => window::read,
        "approval_rules" => approval::read,
        "evidence_rules" => evidence::read,
        "models" => model::read,
        "links" => link::read,
        "trust" => trust::read,
        "group_roles" => mapping::read,
        _ => return,
    };
    for item in desk.list(node, &format!("`{section}`")) {
        if desk.findings.is_full() {
            return;
        }
        read_one(desk, item);
    }
}

/// Texts without their places.
fn set(texts: Vec<(String, Position)>) -> BTreeSet<String> {
    texts.into_iter().map(|(text, _)| text).collect()
}

/// Short words such as types of evidence, roles and classes: letters, digits, `_`, `-`, `.`.
fn short_words(
    desk: &mut Desk<'_>,
    texts: Vec<(String, Position)>,
    what: &str,
) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (text, at) in texts {
        if is_short_word(&text) {
            words.insert(text);
        } else {
            let message = format!("`{}` is not {what}", crate::desk::shortened(&text));
            let help = "write a word such as `test_report`: letters, digits, `_`, `-` and `.`";
            desk.error(at, "bad_name", message, help);
        }
    }
    words
}

fn is_short_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// Glob patterns that compile.
fn globs(desk: &mut Desk<'_>, texts: Vec<(String, Position)>) -> BTreeSet<String> {
    let mut patterns = BTreeSet::new();
    for (text, at) in texts {
        match globset::Glob::new(&text) {
            Ok(_) if !text.is_empty() && text.len() <= 512 => {
                patterns.insert(text);
            }
            Ok(_) => desk.error(at, "bad_glob", "a pattern has 1 to 512 letters", GLOB_HELP),
            Err(problem) => {
                let message = format!(
                    "`{}` is not a glob pattern: {}",
                    crate::desk::shortened(&text),
                    problem.kind()
                );
                desk.error(at, "bad_glob", message, GLOB_HELP);
            }
        }
    }
    patterns
}

const GLOB_HELP: &str = "write a pattern such as `src/**`, `release/*` or `*.md`";
