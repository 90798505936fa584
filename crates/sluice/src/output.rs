//! Writing to the terminal or the pipe: data on stdout, the rest on stderr.
//!
//! Colour is decoration only and is left out where `NO_COLOR` is set or nobody looks. A reader that
//! goes away (`sluice log tail | head`) is no failure.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::failure::Failure;

/// Whether somebody who read went away.
static LEFT: AtomicBool = AtomicBool::new(false);

/// Whether nobody reads any more: what only shows things may end then. What decides or records goes on and ends with its
/// own exit code.
pub(crate) fn nobody_reads() -> bool {
    LEFT.load(Ordering::Relaxed)
}

/// Writes a line of data.
pub(crate) fn line(text: &str) {
    write(&mut anstream::stdout(), text);
}

/// Writes a line for the person, not for the pipe.
pub(crate) fn note(text: &str) {
    write(&mut anstream::stderr(), text);
}

/// Writes a value as JSON, for people to read and for programs to parse.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(error) => note(&format!("error: cannot show this as JSON: {error}")),
    }
}

fn write(to: &mut impl Write, text: &str) {
    let written = to
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { to.write_all(b"\n") })
        .and_then(|()| to.flush());
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => LEFT.store(true, Ordering::Relaxed),
        // Nothing is left to say it on; the exit code has to.
        Err(_) => std::process::exit(i32::from(crate::exit::FAILED)),
    }
}

/// Text as something good.
pub(crate) fn good(text: &str) -> String {
    styled(AnsiColor::Green.on_default().bold(), text)
}

/// Text as something bad.
pub(crate) fn bad(text: &str) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

/// Text as something to look at.
pub(crate) fn attention(text: &str) -> String {
    styled(AnsiColor::Yellow.on_default().bold(), text)
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Text from elsewhere as a terminal may show it: nothing in it can steer the terminal or turn the
/// reading direction around.
pub(crate) fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        let steers = (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(letter));
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Asks a yes or no question on the terminal; `None` where nobody can answer.
pub(crate) fn confirm(question: &str) -> Option<bool> {
    use std::io::{BufRead, IsTerminal};
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return None;
    }
    note(&format!("{question} [y/N]"));
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Shows what is about to happen and has whoever sits at the terminal agree to it, unless they said so beforehand. Without
/// a terminal nobody is asked.
pub(crate) fn agree(told: &str, question: &str, yes: bool) -> Result<(), Failure> {
    note(told);
    if !yes && confirm(question) == Some(false) {
        return Err(Failure::new("nothing was done", "answer `y`, or give `--yes`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
        assert_eq!(clean("plain ä 字"), "plain ä 字");
    }
}
