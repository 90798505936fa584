//! Names and lengths of files, and how they open.

use super::{Problem, Source};

/// Names that say nothing.
const NAMELESS: [&str; 7] = ["common", "util", "utils", "helper", "helpers", "shared", "types"];

/// The most lines of a file without its tests. Half of it is where to think of a second file.
const LINES: usize = 500;

/// Files that are longer. The list may only become shorter, and so may they.
const LONGER: [(&str, usize); 0] = [];

/// Marks of work that was left, and paths of somebody's machine.
const LEFT: [&str; 7] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        problems.extend(nameless(source));
        if source.is_rust() && source.path.contains("/src/") {
            problems.extend(too_long(source));
            if !source.text.starts_with("//!") {
                let message = "it does not open with what it is for (`//!`)";
                problems.push(Problem::at(&source.path, 1, message));
            }
        }
        if is_written(source) {
            problems.extend(left(source));
        }
    }
    problems
}

/// Whether people write it; lock files and recorded data are not.
fn is_written(source: &Source) -> bool {
    [".rs", ".md", ".toml", ".rego", ".yaml", ".sql", ".py", "/run"]
        .iter()
        .any(|end| source.path.ends_with(end))
}

fn nameless(source: &Source) -> Option<Problem> {
    let code = source.is_rust() || source.path.ends_with("Cargo.toml");
    let mut parts = source.path.split('/').map(|part| part.trim_end_matches(".rs"));
    let part = parts.find(|part| NAMELESS.contains(part)).filter(|_| code)?;
    Some(Problem::at(&source.path, 0, format!("`{part}` says nothing: name what is in it")))
}

fn too_long(source: &Source) -> Option<Problem> {
    let lines = source.lines_without_tests().count();
    let listed = LONGER.iter().find(|(path, _)| *path == source.path);
    let most = listed.map_or(LINES, |(_, most)| *most);
    let message = if lines > most {
        format!("{lines} lines without tests, at most {most}: split it by what it is about")
    } else if listed.is_some() && lines <= LINES {
        "it is short enough now: take it from the list of longer files".to_owned()
    } else {
        return None;
    };
    Some(Problem::at(&source.path, 0, message))
}

fn left(source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, text) in source.lines() {
        // A resource of SCIM, and nobody's home.
        let text = text.replace("/scim/v2/Users/", "").replace("{base}/Users/", "");
        if let Some(word) = LEFT.iter().find(|word| text.contains(**word)) {
            problems.push(Problem::at(&source.path, line, format!("`{word}` must not stay")));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        check(&[Source::new(path, text)]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_are_named_short_and_opened_by_a_sentence() {
        assert!(told("crates/core/src/gate/mod.rs", "//! The gate.\n").is_empty());
        assert_eq!(told("crates/core/src/utils.rs", "//! x\n").len(), 1);
        assert_eq!(told("crates/core/src/a.rs", "fn a() {}\n").len(), 1);
        let long = format!("//! x\n{}", "\n".repeat(LINES));
        assert_eq!(told("crates/core/src/a.rs", &long).len(), 1);
        let tests = format!("//! x\n#[cfg(test)]\n{}", "\n".repeat(LINES));
        assert!(told("crates/core/src/a.rs", &tests).is_empty());
    }

    #[test]
    fn nothing_is_left_behind() {
        assert_eq!(told("docs/a.md", concat!("a\n", "TO", "DO: b\n")).len(), 1);
        assert_eq!(told("docs/a.md", concat!("see /ho", "me/me/notes\n")).len(), 1);
    }
}
