//! The files of the repository, as the checks see them.

use std::fs;
use std::io;
use std::path::Path;

/// Folders that hold nothing of ours, or data that others made.
const SKIPPED: [&str; 8] = [
    "target",
    ".git",
    "fixtures",
    "corpus",
    "artifacts",
    "sluice-data",
    "sluice-demo",
    "node_modules",
];

/// A file. The text is empty where it is not UTF-8 or too large to be written by hand.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// From the top of the repository, with `/`.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

impl Source {
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The lines before the first module of tests.
    pub(crate) fn lines_without_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }

    /// The name of the crate whose `src` holds this file: `policy` of `crates/policy/src/gate.rs`.
    pub(crate) fn crate_of_src(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("crates"), Some(name), Some("src")) => Some(name),
            _ => None,
        }
    }

    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// All files under `root`, by path.
pub(crate) fn sources(root: &Path) -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    walk(root, "", &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            let skipped = SKIPPED.contains(&name.as_str()) || name.starts_with("target-");
            if !skipped {
                walk(&entry.path(), &format!("{path}/"), found)?;
            }
            continue;
        }
        let small = entry.metadata()?.len() < 1 << 20;
        let text = if small {
            fs::read_to_string(entry.path()).unwrap_or_default()
        } else {
            String::new()
        };
        found.push(Source { path, text });
    }
    Ok(())
}
