//! Problems: what is wrong in a folder, where, and what would be right.

use serde::Serialize;

/// A spot in a file, as editors count: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Path within the folder, with `/`.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters of that line it spans, at least 1.
    pub length: u32,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The folder cannot be applied.
    Error,
    /// It can be applied, but is probably not what was meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for the kind of problem, such as `unknown_key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What would be right; empty when there is nothing to add.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
}

/// The code of a secret that stands in a file: the one problem whose line is never shown.
pub(crate) const SECRET_IN_FILE: &str = "secret_in_file";

impl Place {
    /// The beginning of a file.
    pub fn start_of(file: &str) -> Self {
        Self { file: file.to_owned(), line: 1, column: 1, length: 1 }
    }
}

impl Problem {
    /// Whether the folder cannot be applied because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
