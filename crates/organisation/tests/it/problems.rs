//! Every problem, told with its place and what would help.
//!
//! Each file of `tests/snippets` is one folder of an organisation: its text is the file `a.yaml`,
//! further files follow lines such as `### calendar.ics`. The lines that begin with `#>` at its end are the
//! problems, as they are to be told. `SLUICE_BLESS=1` writes them anew, to be read before they are
//! committed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use sluice_organisation::{Folder, Problem};

use crate::support::read_offline;

/// Every code there is but those of limits, which are tested with the limits.
const CODES: &[&str] = &[
    "bad_calendar",
    "bad_cron",
    "bad_duration",
    "bad_glob",
    "bad_identity",
    "bad_name",
    "bad_repository",
    "bad_rrule",
    "bad_schedule",
    "bad_time",
    "bad_value",
    "bad_zone",
    "conflicting_keys",
    "dangling_reference",
    "delegate_to_self",
    "dependency_cycle",
    "duplicate_key",
    "duplicate_name",
    "environment_cycle",
    "file_not_found",
    "guardrails_not_alone",
    "implied_team",
    "link_without_secret",
    "missing_key",
    "nobody_can_approve",
    "placeholder",
    "quorum_unreachable",
    "secret_in_file",
    "shared_identity",
    "syntax_error",
    "too_many_secrets",
    "trust_issuers_differ",
    "trust_with_pattern",
    "trust_without_anchor",
    "unknown_key",
    "unmatched_claim",
    "unmatched_exdate",
    "unmatched_role",
    "unmatched_scope",
    "unused_file",
    "wrong_type",
    "yaml_alias",
    "yaml_merge_key",
    "yaml_tag",
];

#[test]
fn every_problem_is_told_with_its_place_and_help() {
    let bless = std::env::var_os("SLUICE_BLESS").is_some_and(|value| value == "1");
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut wrong = String::new();
    for path in snippets() {
        let text = std::fs::read_to_string(&path).expect("a readable snippet");
        let (input, expected) = split(&text);
        let reading = read_offline(&folder(&input));
        seen.extend(reading.problems.iter().map(|problem| problem.code));
        let found = told(&reading.problems);
        if found != expected && bless {
            std::fs::write(&path, format!("{input}{found}")).expect("a writable snippet");
        } else if found != expected {
            let _ = writeln!(wrong, "{}\nfound:\n{found}expected:\n{expected}", path.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let unseen: Vec<&&str> = CODES.iter().filter(|code| !seen.contains(**code)).collect();
    assert!(unseen.is_empty(), "no snippet has {unseen:?}");
    let unlisted: Vec<&&str> = seen.iter().filter(|code| !CODES.contains(*code)).collect();
    assert!(unlisted.is_empty(), "not in the list: {unlisted:?}");
}

fn snippets() -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snippets"));
    let entries = std::fs::read_dir(folder).expect("the folder of snippets");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a readable entry").path()).collect();
    paths.sort();
    paths
}

/// The files, and the problems expected of them.
fn split(text: &str) -> (String, String) {
    text.split_inclusive('\n').partition(|line| !line.starts_with("#>"))
}

fn folder(input: &str) -> Folder {
    let mut folder = Folder::default();
    let (mut name, mut text) = ("a.yaml", String::new());
    for line in input.split_inclusive('\n') {
        match line.strip_prefix("### ") {
            Some(next) => {
                folder.insert(name, std::mem::take(&mut text));
                name = next.trim();
            }
            None => text.push_str(line),
        }
    }
    folder.insert(name, text);
    folder
}

fn told(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let Problem { place, severity, code, message, help } = problem;
        let _ =
            writeln!(text, "#> {place}+{} {} {code}: {message}", place.length, severity.as_str());
        if !help.is_empty() {
            let _ = writeln!(text, "#>     {help}");
        }
    }
    text
}
