//! The arrows between crates, and what may be used where.

use super::{Problem, Source};

/// Each crate with the crates of ours that its code may use. A new arrow is an ADR.
const ARROWS: [(&str, &[&str]); 12] = [
    ("core", &[]),
    ("ledger", &[]),
    ("policy", &["core"]),
    ("organisation", &["core"]),
    ("connectors", &["core"]),
    ("identity", &["core"]),
    ("outbound", &[]),
    ("store", &["core", "ledger"]),
    (
        "engine",
        &[
            "core",
            "ledger",
            "policy",
            "organisation",
            "connectors",
            "identity",
            "outbound",
            "store",
        ],
    ),
    ("server", &["core", "engine"]),
    (
        "sluice",
        &[
            "core",
            "ledger",
            "policy",
            "organisation",
            "connectors",
            "identity",
            "outbound",
            "store",
            "engine",
            "server",
        ],
    ),
    ("testkit", &["core", "identity", "outbound", "engine", "server"]),
];

/// Dependencies that only some crates may have: whoever has them can do what the others must not.
const OWNED: [(&str, &[&str]); 13] = [
    ("rusqlite", &["store"]),
    ("regorus", &["policy"]),
    ("reqwest", &["sluice"]),
    ("axum", &["server", "testkit"]),
    ("hyper", &["outbound", "server"]),
    ("aws-lc-rs", &["connectors", "engine", "identity", "testkit"]),
    ("rustls", &["outbound"]),
    ("tokio-rustls", &["outbound"]),
    ("rustls-platform-verifier", &["outbound"]),
    ("flate2", &["outbound"]),
    ("tokio", &["engine", "outbound", "server", "sluice", "testkit"]),
    ("getrandom", &["engine"]),
    ("clap", &["sluice"]),
];

/// One line of a table of dependencies.
struct Dependency<'a> {
    line: usize,
    name: &'a str,
    for_tests: bool,
    from_workspace: bool,
}

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        let mut parts = source.path.split('/');
        let (Some("crates"), Some(name), Some("Cargo.toml"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let Some((_, may)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            let message = format!("the crate `{name}` is not in the list of arrows");
            problems.push(Problem::at(&source.path, 0, message));
            continue;
        };
        if !source.text.contains("[lints]\nworkspace = true") {
            problems.push(Problem::at(&source.path, 0, "the workspace's lints are not in force"));
        }
        for dependency in dependencies(source) {
            if let Some(message) = objection(name, may, &dependency) {
                problems.push(Problem::at(&source.path, dependency.line, message));
            }
        }
    }
    problems
}

fn objection(name: &str, may: &[&str], dependency: &Dependency<'_>) -> Option<String> {
    let on = dependency.name;
    if !dependency.from_workspace {
        return Some(format!("`{on}` does not come from the workspace's table"));
    }
    if dependency.for_tests {
        return None;
    }
    if let Some(ours) = on.strip_prefix("sluice-") {
        return (!may.contains(&ours)).then(|| format!("`{name}` must not use `{ours}`"));
    }
    let (_, owners) = OWNED.iter().find(|(owned, _)| *owned == on)?;
    (!owners.contains(&name)).then(|| format!("`{on}` belongs to {} only", owners.join(", ")))
}

fn dependencies(source: &Source) -> Vec<Dependency<'_>> {
    let mut section = "";
    let mut found = Vec::new();
    for (line, text) in source.lines() {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[') {
            section = header.trim_end_matches(']');
            continue;
        }
        let for_tests = section == "dev-dependencies";
        if !(for_tests || section.ends_with("dependencies")) || text.starts_with('#') {
            continue;
        }
        let Some((key, value)) = text.split_once('=') else { continue };
        let (name, attribute) = key.trim().split_once('.').unwrap_or((key.trim(), ""));
        let from_workspace = attribute == "workspace" || value.contains("workspace = true");
        found.push(Dependency { line, name, for_tests, from_workspace });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, dependency: &str) -> Vec<String> {
        let text = format!("[lints]\nworkspace = true\n\n[dependencies]\n{dependency}\n");
        let source = Source::new(&format!("crates/{name}/Cargo.toml"), &text);
        check(&[source]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_point_downwards() {
        assert!(told("engine", "sluice-store.workspace = true").is_empty());
        assert_eq!(
            told("core", "sluice-ledger.workspace = true"),
            ["crates/core/Cargo.toml:5: `core` must not use `ledger`"]
        );
        assert_eq!(
            told("server", "rusqlite = { workspace = true, features = [\"hooks\"] }"),
            ["crates/server/Cargo.toml:5: `rusqlite` belongs to store only"]
        );
        assert_eq!(
            told("store", "sha2 = \"0.11\""),
            ["crates/store/Cargo.toml:5: `sha2` does not come from the workspace's table"]
        );
        assert_eq!(told("helpers", "").len(), 1);
    }
}
