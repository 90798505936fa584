//! Links between documents lead somewhere, and files that documents name are there.

use std::collections::BTreeSet;

use super::{Problem, Source};

/// Tops of paths that a document in backticks means literally.
const TOPS: [&str; 6] = ["crates/", "docs/", "examples/", "xtask/", "fuzz/", "benches/"];

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        for (line, text) in prose(source) {
            for target in targets(text) {
                if let Some(message) = dead(sources, source, target) {
                    problems.push(Problem::at(&source.path, line, message));
                }
            }
            for path in named(text).filter(|path| !exists(sources, path)) {
                problems.push(Problem::at(&source.path, line, format!("there is no `{path}`")));
            }
        }
    }
    problems
}

/// Lines outside of code blocks.
fn prose(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    source.lines().filter(move |(_, text)| {
        let fence = text.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// Targets of `[text](target)`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// Paths in backticks that are meant literally.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|word| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        TOPS.iter().any(|top| word.starts_with(top)) && word.chars().all(plain)
    })
}

fn dead(sources: &[Source], from: &Source, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { from.path.clone() } else { resolve(&from.path, file) };
    if !exists(sources, &path) {
        return Some(format!("`{target}` leads nowhere"));
    }
    let there = sources.iter().find(|source| source.path == path)?;
    let missing = !anchor.is_empty() && !anchors(there).contains(anchor);
    missing.then(|| format!("`{path}` has no heading `#{anchor}`"))
}

fn exists(sources: &[Source], path: &str) -> bool {
    let folder = format!("{}/", path.trim_end_matches('/'));
    sources.iter().any(|source| source.path == path || source.path.starts_with(&folder))
}

/// A relative path, seen from a file.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Anchors of the headings: lower case, no punctuation, a hyphen for each space.
fn anchors(source: &Source) -> BTreeSet<String> {
    let headings = prose(source).filter_map(|(_, text)| text.strip_prefix('#'));
    headings.map(|text| slug(text.trim_start_matches('#').trim())).collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        let guide = Source::new("docs/guides/gate.md", "# Gate\n\n## Exit codes\n");
        let told = |text: &str| {
            let from = Source::new("docs/guides/a.md", text);
            check(&[guide.clone(), from]).len()
        };
        assert_eq!(
            told("[a](gate.md#exit-codes) [b](../guides/gate.md) [c](https://a.example)"),
            0
        );
        assert_eq!(told("[a](gate.md#codes)"), 1);
        assert_eq!(told("[a](gates.md)"), 1);
        assert_eq!(told("`docs/guides/gate.md` and `docs/nothing.md`"), 1);
        assert_eq!(told("```\n[a](gates.md)\n```"), 0);
    }
}
