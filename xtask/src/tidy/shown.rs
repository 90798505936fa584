//! The table of the verification standard names tests and files that are there, says of each item how it stands and why,
//! and counts them rightly.

use std::collections::BTreeMap;

use super::{Problem, Source};

const TABLE: &str = "docs/security/asvs.md";
/// How an item can stand, as the numbers above the table have it.
const STANDS: [&str; 5] = ["met", "n/a", "partly", "ops", "not met"];

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let Some(table) = sources.iter().find(|source| source.path == TABLE) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (line, text) in table.lines() {
        let Some([numbers, stands, how, shown]) = row(text) else { continue };
        if !STANDS.contains(&stands) {
            problems.push(Problem::at(TABLE, line, format!("nothing stands as `{stands}`")));
        }
        *counts.entry(stands).or_default() += numbers.split(',').count();
        if how.is_empty() {
            problems.push(Problem::at(TABLE, line, "it says neither how nor why not"));
        }
        for name in shown.split('`').skip(1).step_by(2).filter(|name| !is_there(sources, name)) {
            problems.push(Problem::at(TABLE, line, format!("there is no test or file `{name}`")));
        }
    }
    let said: Vec<String> = STANDS
        .iter()
        .map(|stands| format!("{} {stands}", counts.get(stands).copied().unwrap_or_default()))
        .collect();
    let said = said.join(", ");
    if !counts.is_empty() && !table.lines().any(|(_, text)| text.contains(&said)) {
        problems.push(Problem::at(TABLE, 0, format!("the numbers are: {said}")));
    }
    problems
}

/// The four cells of an item.
fn row(text: &str) -> Option<[&str; 4]> {
    let cells: Vec<&str> =
        text.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let cells: [&str; 4] = cells.try_into().ok()?;
    let [numbers, ..] = cells;
    numbers.starts_with(|c: char| c.is_ascii_digit()).then_some(cells)
}

/// A module of a crate's tests (`server sessions`), a source (`csrf.rs`), a document or another file, or a part that is
/// tested beside its code.
///
/// What stands behind `::` is the name of a test in it.
fn is_there(sources: &[Source], name: &str) -> bool {
    let (name, test) = match name.split_once("::") {
        Some((name, test)) => (name, Some(format!("fn {test}("))),
        None => (name, None),
    };
    let holds = |source: &Source| test.as_ref().is_none_or(|test| source.text.contains(test));
    let any =
        |is: &dyn Fn(&str) -> bool| sources.iter().any(|source| is(&source.path) && holds(source));
    if let Some((part, module)) = name.split_once(' ') {
        let tests = format!("crates/{part}/tests/it/{module}");
        return any(&|path| {
            path == format!("{tests}.rs") || path.starts_with(&format!("{tests}/"))
        });
    }
    if name.ends_with(".rs") {
        return any(&|path| path.ends_with(&format!("/{name}")));
    }
    if name.contains('.') {
        return any(&|path| path == name || path == format!("docs/guides/{name}"));
    }
    let parts = [format!("crates/{name}/tests/"), format!("crates/server/src/{name}/")];
    any(&|path| parts.iter().any(|part| path.starts_with(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_gone_is_named() {
        let told = |text: &str| {
            let sources = [
                Source::new(TABLE, text),
                Source::new("crates/server/tests/it/pages.rs", "async fn it_is_shown() {}"),
                Source::new("crates/server/src/session/csrf.rs", ""),
            ];
            check(&sources).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let numbers = "In numbers: 2 met, 0 n/a, 0 partly, 0 ops, 0 not met\n";
        let row = "| 1.1.1, 1.1.2 | met | so | `server pages::it_is_shown`, `server pages`, `csrf.rs` |\n";
        assert_eq!(told(&format!("{numbers}{row}")), Vec::<String>::new());
        for wrong in [
            numbers.to_owned() + &row.replace("`server pages`", "`server sites`"),
            numbers.to_owned() + &row.replace("is_shown", "was_shown"),
            numbers.to_owned() + &row.replace("csrf", "xsrf"),
            numbers.to_owned() + &row.replace("| so |", "|  |"),
            numbers.replace('2', "3") + row,
        ] {
            assert_eq!(told(&wrong).len(), 1, "{wrong}");
        }
    }
}
