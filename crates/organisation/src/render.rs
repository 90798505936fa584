//! Problems as text for people, with the line they speak of.

use std::fmt::Write as _;

use crate::folder::Folder;
use crate::problem::{Problem, SECRET_IN_FILE};

/// The longest piece of a line that is shown, in characters.
const SHOWN_CHARACTERS: usize = 160;

/// One problem with its line of the file, in the manner of compilers. Without colours; ends with a
/// line feed. A line in which a secret stands is not shown.
pub fn render(problem: &Problem, folder: &Folder) -> String {
    let place = &problem.place;
    let severity = problem.severity.as_str();
    let mut text = format!("{severity}[{}]: {}\n", problem.code, problem.message);
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let _ = writeln!(text, "{margin}--> {place}");
    let secret = problem.code == SECRET_IN_FILE;
    if let Some(line) = line_of(folder, &place.file, place.line).filter(|_| !secret) {
        let shown = printable(&line);
        let before = usize::try_from(place.column).unwrap_or(1).saturating_sub(1);
        let _ = writeln!(text, "{margin} |");
        let _ = writeln!(text, "{number} | {shown}");
        if before <= shown.chars().count() {
            let left = shown.chars().count().saturating_sub(before).max(1);
            let length = usize::try_from(place.length).unwrap_or(1).clamp(1, left);
            let _ = writeln!(text, "{margin} | {}{}", " ".repeat(before), "^".repeat(length));
        }
    }
    if !problem.help.is_empty() {
        let _ = writeln!(text, "{margin} = help: {}", problem.help);
    }
    text
}

fn line_of(folder: &Folder, file: &str, line: u32) -> Option<String> {
    let bytes = folder.get(file)?;
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let line = bytes.split(|byte| *byte == b'\n').nth(at)?;
    Some(String::from_utf8_lossy(line).trim_end_matches('\r').to_owned())
}

/// What a terminal can show without being steered by it.
fn printable(line: &str) -> String {
    let visible = |letter: char| if letter.is_control() { ' ' } else { letter };
    line.chars().take(SHOWN_CHARACTERS).map(visible).collect()
}
