//! Why a command ends without doing what was asked: one sentence, what to do next, an exit code.

use crate::exit;
use crate::output;

/// What a command ends with: its exit code, or why it failed.
pub(crate) type Outcome = Result<u8, Failure>;

/// A failure, ready to be reported on stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Exit code of the process.
    pub(crate) exit: u8,
    /// Stable code, where the server or a rule gave one.
    pub(crate) code: Option<String>,
    /// What went wrong.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) help: String,
}

impl Failure {
    /// A failure with exit code 1.
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: exit::FAILED, code: None, message: message.into(), help: help.into() }
    }

    /// A value on the command line or in the configuration makes no sense.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(message, help).with_exit(exit::USAGE)
    }

    /// A failure of the operating system on a file.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(
            format!("cannot {doing} `{}`: {error}", path.display()),
            "check that the path is right and that you may use it",
        )
    }

    pub(crate) fn with_exit(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }

    pub(crate) fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Writes it to stderr.
    pub(crate) fn report(&self) {
        let code = self.code.as_ref().map(|code| format!("[{code}]")).unwrap_or_default();
        output::note(&format!(
            "{}: {}",
            output::bad(&format!("error{}", output::clean(&code))),
            output::clean(&self.message)
        ));
        if !self.help.is_empty() {
            output::note(&format!("  = help: {}", output::clean(&self.help)));
        }
    }
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
