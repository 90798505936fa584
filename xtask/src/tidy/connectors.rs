//! Every connector has its files, its line in the registry, and its line in the guide.

use std::collections::BTreeSet;

use super::{Problem, Source};

const FOLDER: &str = "crates/connectors/src/";
const FILES: [&str; 3] = ["mod.rs", "README.md", "config.rs"];
/// One of these at least: what is heard, what is told.
const WAYS: [&str; 2] = ["hear.rs", "tell.rs"];

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let text =
        |path: &str| sources.iter().find(|source| source.path == path).map(|s| s.text.as_str());
    let kinds: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| source.path.strip_prefix(FOLDER)?.split_once('/'))
        .map(|(kind, _)| kind)
        .filter(|kind| *kind != "kit")
        .collect();
    let mut problems = Vec::new();
    for kind in kinds {
        let folder = format!("{FOLDER}{kind}/");
        for file in FILES {
            if text(&format!("{folder}{file}")).is_none() {
                problems.push(Problem::at(&folder, 0, format!("`{file}` is missing")));
            }
        }
        if WAYS.iter().all(|file| text(&format!("{folder}{file}")).is_none()) {
            problems.push(Problem::at(&folder, 0, "`hear.rs` or `tell.rs` is missing".to_owned()));
        }
        for (list, word) in [
            (format!("{FOLDER}registry.rs"), format!("crate::{kind}::")),
            ("docs/guides/connectors.md".to_owned(), format!("{folder}README.md")),
        ] {
            if !text(&list).unwrap_or_default().contains(&word) {
                problems.push(Problem::at(&list, 0, format!("the connector `{kind}` is missing")));
            }
        }
    }
    problems
}
