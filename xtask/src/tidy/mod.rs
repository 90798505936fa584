//! What is agreed on in ARCHITECTURE.md and CONTRIBUTING.md and easy to break, checked.
//!
//! Formatting, lints and limits of functions are rustfmt's and clippy's work, and are not repeated here.

mod adrs;
mod arrows;
mod connectors;
mod files;
mod links;
mod places;
mod shown;
mod source;

use std::fmt;
use std::io;
use std::path::Path;

pub(crate) use source::{Source, sources};

/// Something that is not as agreed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    path: String,
    line: usize,
    message: String,
}

impl Problem {
    /// About a line, counted from 1; 0 is the file as a whole.
    pub(crate) fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Looks at all files and tells what is wrong.
type Check = fn(&[Source]) -> Vec<Problem>;

/// Runs every check over the repository at `root`.
pub(crate) fn run(root: &Path) -> io::Result<Vec<Problem>> {
    let sources = sources(root)?;
    let checks: [Check; 7] = [
        adrs::check,
        arrows::check,
        connectors::check,
        files::check,
        links::check,
        places::check,
        shown::check,
    ];
    let mut problems: Vec<Problem> = checks.iter().flat_map(|check| check(&sources)).collect();
    problems.sort();
    Ok(problems)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_repository_is_tidy() {
        let problems = super::run(crate::root()).unwrap();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "\n{}", told.join("\n"));
    }
}
