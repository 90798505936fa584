//! Windows from calendar files: each event becomes a window of its own.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use sluice_core::organisation::ItemKind;

use crate::desk::{Desk, shortened};
use crate::ics::{IcsEvent, IcsProblem, read_ics_bytes};
use crate::sections::window::{Frame, Spots, add};
use crate::words::suggest;
use crate::yaml::Position;

/// The most times that calendar files are read for windows.
const READINGS_LIMIT: usize = 200;
/// The longest part of an event's id that a window's name takes over, in letters.
const SLUG_LETTERS: usize = 40;
/// The longest reason that is taken from an event, in characters.
const REASON_LETTERS: usize = 500;

/// A calendar file as a window names it.
pub(crate) struct CalendarFile<'a> {
    /// Its path from the top of the folder.
    pub(crate) path: &'a str,
    /// Where the path stands.
    pub(crate) at: Position,
    /// The zone of times that have none, where the window says it.
    pub(crate) zone: Option<String>,
}

/// Reads the windows of a calendar file, all with the same frame.
pub(crate) fn read(desk: &mut Desk<'_>, frame: &Frame, calendar: &CalendarFile<'_>) {
    let Some(bytes) = desk.folder.get(calendar.path).filter(|_| calendar.path.ends_with(".ics"))
    else {
        let message = format!("there is no calendar file `{}`", shortened(calendar.path));
        let known = desk.folder.files().map(|(path, _)| path).filter(|it| it.ends_with(".ics"));
        let help = suggest(calendar.path, known.take(READINGS_LIMIT), || {
            "write its path from the top of the folder".to_owned()
        });
        desk.error(calendar.at, "file_not_found", message, help);
        return;
    };
    desk.findings.used_calendars.insert(calendar.path.to_owned());
    desk.findings.calendar_readings += 1;
    if desk.findings.calendar_readings > READINGS_LIMIT {
        let message = format!("calendar files are read more than {READINGS_LIMIT} times");
        let help = "put events with the same meaning into one calendar";
        desk.error(calendar.at, "too_many_windows", message, help);
        return;
    }
    let file = read_ics_bytes(bytes, calendar.zone.as_deref());
    let mut inside = Desk {
        file: calendar.path,
        folder: desk.folder,
        keys: desk.keys,
        findings: &mut *desk.findings,
    };
    for problem in &file.problems {
        report(&mut inside, problem);
    }
    let mut names = BTreeSet::new();
    for event in file.events {
        let name = unused_name(&frame.name, &event, &mut names);
        add_event(&mut inside, frame, event, name);
    }
}

fn report(desk: &mut Desk<'_>, problem: &IcsProblem) {
    desk.error(whole_line(problem.line), "bad_calendar", problem.kind.to_string(), problem.help());
}

fn add_event(desk: &mut Desk<'_>, frame: &Frame, event: IcsEvent, name: String) {
    let at = whole_line(event.line);
    if !desk.declare(ItemKind::Window, &name, &name, at) {
        return;
    }
    let mut frame = Frame { name, ..frame.clone() };
    if !event.summary.is_empty() {
        frame.title = event.summary;
    }
    if frame.reason.is_empty() {
        frame.reason = event.description.chars().take(REASON_LETTERS).collect();
    }
    let mut schedule = event.schedule;
    if event.zone_unsaid {
        // Nobody says which zone is meant: it is the organisation's.
        schedule.zone = String::new();
    }
    let spots = Spots::all_at(&desk.place(at));
    add(desk, frame, schedule, at, spots, Vec::new());
}

/// `<window>/<event>`, stable as long as the event keeps its id.
fn unused_name(window: &str, event: &IcsEvent, names: &mut BTreeSet<String>) -> String {
    let moved = event.replaces.map(|from| from.strftime("-%Y%m%d%H%M").to_string());
    let base = format!("{window}/{}{}", slug(&event.uid), moved.unwrap_or_default());
    let mut name = base.clone();
    let mut count = 1_usize;
    while !names.insert(name.clone()) {
        count += 1;
        name = format!("{base}-{count}");
    }
    name
}

/// The id of an event in letters of a name; a long one keeps its beginning and gets a digest.
fn slug(uid: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let plain: String = uid.to_lowercase().chars().map(letter).collect();
    let plain = plain.trim_matches('-');
    if plain.len() <= SLUG_LETTERS && !plain.is_empty() {
        return plain.to_owned();
    }
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(uid.as_bytes()));
    let digest = digest.get(..8).unwrap_or_default();
    let beginning: String = plain.chars().take(SLUG_LETTERS - 9).collect();
    format!("{beginning}-{digest}").trim_matches('-').to_owned()
}

fn whole_line(line: usize) -> Position {
    Position { line: u32::try_from(line).unwrap_or(u32::MAX).max(1), column: 1, length: 1 }
}
