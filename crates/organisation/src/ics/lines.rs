//! Content lines: unfolded, cut into name, parameters and value, each with its line number.

use super::problem::{IcsProblemKind, Problems};

/// One content line (RFC 5545, 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContentLine {
    /// The name in upper case.
    pub(super) name: String,
    /// Parameters: names in upper case, values without quotes.
    pub(super) parameters: Vec<(String, String)>,
    /// The value as written.
    pub(super) value: String,
    /// The line of the file on which it begins, from 1.
    pub(super) line: usize,
}

impl ContentLine {
    /// The first parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.parameters.iter();
        all.find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// All content lines of a text. Empty lines are passed over; lines end with CRLF, LF or CR.
pub(super) fn content_lines(text: &str, problems: &mut Problems) -> Vec<ContentLine> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    for (line, unfolded) in unfold(text) {
        match content_line(&unfolded, line) {
            Some(content) => lines.push(content),
            None => problems.push(line, IcsProblemKind::NotAContentLine),
        }
    }
    lines
}

/// Joins lines with those that go on from them, which begin with a space or a tab.
fn unfold(text: &str) -> Vec<(usize, String)> {
    let mut unfolded: Vec<(usize, String)> = Vec::new();
    for (index, line) in physical_lines(text).into_iter().enumerate() {
        match (line.strip_prefix([' ', '\t']), unfolded.last_mut()) {
            (Some(rest), Some((_, before))) => before.push_str(rest),
            (Some(_), None) | (None, _) => unfolded.push((index + 1, line.to_owned())),
        }
    }
    unfolded.retain(|(_, line)| !line.trim().is_empty());
    unfolded
}

fn physical_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        let (line, tail) = rest.split_at(at);
        lines.push(line);
        rest = tail.strip_prefix("\r\n").or_else(|| tail.get(1..)).unwrap_or_default();
    }
    lines.push(rest);
    lines
}

fn content_line(text: &str, line: usize) -> Option<ContentLine> {
    let at = text.find([';', ':'])?;
    let name = text.get(..at)?.trim();
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(valid) {
        return None;
    }
    let mut rest = text.get(at..)?;
    let mut parameters = Vec::new();
    while let Some(tail) = rest.strip_prefix(';') {
        let end = end_of_parameter(tail)?;
        if let Some((name, value)) = tail.get(..end)?.split_once('=') {
            let value = value.trim().trim_matches('"').to_owned();
            parameters.push((name.trim().to_ascii_uppercase(), value));
        }
        rest = tail.get(end..)?;
    }
    let value = rest.strip_prefix(':')?.to_owned();
    Some(ContentLine { name: name.to_ascii_uppercase(), parameters, value, line })
}

/// Where a parameter ends: at the next `;` or `:` that is not within quotes.
fn end_of_parameter(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        !quoted && (byte == b';' || byte == b':')
    })
}
