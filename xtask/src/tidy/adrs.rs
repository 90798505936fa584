//! Decisions: numbered without gaps, with the three parts that each has, and listed.

use super::{Problem, Source};

const FOLDER: &str = "docs/adr/";
const PARTS: [&str; 3] = ["## Context", "## Choice", "## What it costs"];

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let in_folder = |source: &&Source| source.path.starts_with(FOLDER);
    let mut problems = Vec::new();
    let mut expected = 1;
    let index = sources.iter().find(|source| source.path == "docs/adr/README.md");
    for source in sources.iter().filter(in_folder) {
        let name = source.path.trim_start_matches(FOLDER);
        if name == "README.md" {
            continue;
        }
        let number = name.split_once('-').and_then(|(digits, _)| digits.parse::<u32>().ok());
        if number != Some(expected)
            || name.get(..4).is_none_or(|digits| digits.parse::<u32>().is_err())
        {
            let message = format!("the next decision is {expected:04}: numbers have no gaps");
            problems.push(Problem::at(&source.path, 0, message));
        }
        expected = number.unwrap_or(expected) + 1;
        problems.extend(parts(source, name));
        if index.is_some_and(|index| !index.text.contains(&format!("({name})"))) {
            let message = format!("`{FOLDER}README.md` does not list it");
            problems.push(Problem::at(&source.path, 0, message));
        }
    }
    problems
}

fn parts(source: &Source, name: &str) -> Vec<Problem> {
    let title = format!("# {}. ", name.get(..4).unwrap_or_default());
    let mut problems = Vec::new();
    if !source.text.starts_with(&title) {
        problems.push(Problem::at(&source.path, 1, format!("its title begins with `{title}`")));
    }
    for part in PARTS {
        if !source.text.lines().any(|line| line == part) {
            problems.push(Problem::at(&source.path, 0, format!("`{part}` is missing")));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_have_numbers_and_parts() {
        let text = |number: &str| {
            format!("# {number}. A choice\n\n## Context\n\n## Choice\n\n## What it costs\n")
        };
        let first = Source::new("docs/adr/0001-a.md", &text("0001"));
        let third = Source::new("docs/adr/0003-c.md", &text("0003"));
        let bare = Source::new("docs/adr/0001-a.md", "# A choice\n");
        assert!(check(std::slice::from_ref(&first)).is_empty());
        assert_eq!(check(&[first, third]).len(), 1);
        assert_eq!(check(&[bare]).len(), 4);
    }
}
