//! A folder of the organisation's files, read and checked by everybody who knows a part of it.

use std::collections::BTreeSet;

use sluice_core::organisation::{Item, ItemKind, Link, PolicyFormat};
use sluice_organisation::{Folder, Keys, Place, Problem, Reading, Severity};

use crate::organisation::configuration;
use crate::policy::Candidate;

/// A folder that was read and checked.
pub(crate) struct Checked {
    pub(crate) reading: Reading,
    pub(crate) problems: Vec<Problem>,
    pub(crate) candidate: Option<Candidate>,
}

/// Reads a folder and asks everybody who knows a part of it what is wrong.
pub(crate) fn check(folder: &Folder, keys: &dyn Keys) -> Checked {
    let reading = sluice_organisation::read(folder, keys);
    let mut problems = reading.problems.clone();
    let own = policy_texts(&reading);
    let candidate = match Candidate::compile(&own) {
        Ok(candidate) => Some(candidate),
        Err(found) => {
            problems.extend(found.into_iter().map(policy_problem));
            None
        }
    };
    problems.extend(candidate.iter().flat_map(|candidate| lints(candidate, &own)));
    for item in &reading.items {
        if let Item::Link(link) = item {
            problems.extend(link_problems(&reading, link));
        }
    }
    problems.sort();
    problems.dedup();
    Checked { reading, problems, candidate }
}

fn policy_texts(reading: &Reading) -> Vec<(String, PolicyFormat, String)> {
    let files = reading.items.iter().filter_map(|item| match item {
        Item::PolicyFile(file) => {
            let text = String::from_utf8(reading.texts.get(&file.digest)?.clone()).ok()?;
            Some((file.path.clone(), file.format, text))
        }
        _ => None,
    });
    files.collect()
}

/// What is suspicious in the organisation's own policy. A grant by absence of violations is an error: it lets everything
/// through as soon as a violation is misspelt.
fn lints(candidate: &Candidate, own: &[(String, PolicyFormat, String)]) -> Vec<Problem> {
    let is_own = |file: &str| own.iter().any(|(path, _, _)| path == file);
    let found = sluice_policy::lint::lint(candidate.policy.bundle()).into_iter();
    found
        .filter(|problem| is_own(&problem.file))
        .map(|problem| {
            let grave = problem.code.starts_with("grant_");
            let severity = if grave { Severity::Error } else { Severity::Warning };
            Problem { severity, ..policy_problem(problem) }
        })
        .collect()
}

fn policy_problem(problem: sluice_policy::Problem) -> Problem {
    Problem {
        place: Place { file: problem.file, line: problem.line, column: problem.column, length: 1 },
        severity: Severity::Error,
        code: "bad_policy",
        message: format!("{} ({})", problem.message, problem.code),
        help: problem.help,
    }
}

fn link_problems(reading: &Reading, link: &Link) -> Vec<Problem> {
    let name = link.name.as_str();
    let place = |pointer: &str| {
        let nearest = reading.place_of_setting(name, pointer);
        let own = reading.sources.get(&(ItemKind::Link, name.to_owned()));
        nearest.or(own).cloned().unwrap_or_else(|| Place::start_of(""))
    };
    let (ear, mouth) =
        (sluice_connectors::find(&link.connector), sluice_connectors::find_teller(&link.connector));
    if ear.is_none() && mouth.is_none() {
        let heard = sluice_connectors::registry().iter().map(|connector| connector.kind());
        let told = sluice_connectors::tellers().iter().map(|teller| teller.kind());
        let known: BTreeSet<&str> = heard.chain(told).collect();
        let known: Vec<&str> = known.into_iter().collect();
        return vec![Problem {
            place: place(""),
            severity: Severity::Error,
            code: "unknown_connector",
            message: format!("there is no connector `{}`", link.connector),
            help: format!("choose one of {}", known.join(", ")),
        }];
    }
    let mut found: Vec<sluice_connectors::Problem> = Vec::new();
    // A link that only tells has no secret to verify deliveries with.
    let is_heard = !link.secrets.is_empty() || link.tell.is_none();
    match ear {
        Some(connector) if is_heard => {
            found.extend(connector.configure(&configuration(link)).err().unwrap_or_default());
            found.retain(|problem| problem.path != "/secret"); // This is said of the link itself.
        }
        None if !link.secrets.is_empty() => found.push(sluice_connectors::Problem {
            path: String::new(),
            message: format!("nothing is heard from `{}` by a hook", link.connector),
            help: "leave `secrets` out; what it is shown belongs under `credentials`".to_owned(),
        }),
        Some(_) | None => {}
    }
    if link.tell.is_some() || ear.is_none() {
        found.extend(crate::links::telling_problems(link, mouth));
    }
    found
        .into_iter()
        .map(|problem| Problem {
            place: place(&problem.path),
            severity: Severity::Error,
            code: "bad_setting",
            message: problem.message,
            help: problem.help,
        })
        .collect()
}
