//! What is wrong with a policy text, where, and what to do about it.

use serde::Serialize;

/// One problem of a policy text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Path of the module.
    pub file: String,
    /// Line, counted from 1; 0 where the problem is of the whole file.
    pub line: u32,
    /// Column, counted from 1.
    pub column: u32,
    /// Stable name of the rule or check that speaks, in OPA's words where it has one: `rego_parse_error`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(
        file: impl Into<String>,
        code: &str,
        message: impl Into<String>,
        help: &str,
    ) -> Problem {
        Problem {
            file: file.into(),
            line: 0,
            column: 0,
            code: code.into(),
            message: message.into(),
            help: help.into(),
        }
    }

    /// Reads an engine's error text (`--> file:line:column`, then `error: message`).
    pub(crate) fn from_engine(file: &str, code: &str, error: &anyhow::Error) -> Problem {
        let text = format!("{error:#}");
        let message = plain_message(&text);
        let (line, column) = position(&text).unwrap_or((0, 0));
        let at = text.lines().find_map(|line| line.trim_start().strip_prefix("--> ")).and_then(
            |place| {
                let mut parts = place.rsplitn(3, ':');
                parts.next()?;
                parts.next()?;
                parts.next().map(str::to_owned)
            },
        );
        let help = help_for(&message).into();
        Problem {
            file: at.unwrap_or_else(|| file.to_owned()),
            line,
            column,
            code: code.into(),
            message,
            help,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}: {}", self.file, self.code, self.message)?;
        } else {
            write!(
                f,
                "{}:{}:{}: {}: {}",
                self.file, self.line, self.column, self.code, self.message
            )?;
        }
        if self.help.is_empty() { Ok(()) } else { write!(f, " ({})", self.help) }
    }
}

/// The sentence in an engine's error text, without its drawing.
pub(crate) fn plain_message(text: &str) -> String {
    match text.split_once("error: ") {
        Some((_, message)) => message.lines().next().unwrap_or("").trim().to_owned(),
        None => text.trim().lines().next().unwrap_or("").to_owned(),
    }
}

fn position(text: &str) -> Option<(u32, u32)> {
    let place = text.lines().find_map(|line| line.trim_start().strip_prefix("--> "))?;
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some((line, column))
}

fn help_for(message: &str) -> &'static str {
    if message.contains("`if`")
        || message.contains("if keyword")
        || message.contains("contains") && message.contains("keyword")
    {
        "this is Rego v1: write `name if { ... }` for rules and `name contains value if { ... }` for sets"
    } else if message.contains("could not find function") {
        "only builtins that need no clock, network or randomness exist; see docs/reference/rego.md"
    } else if message.contains("expecting") {
        "check brackets and keywords before this place"
    } else {
        ""
    }
}
