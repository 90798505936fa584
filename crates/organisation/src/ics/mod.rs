//! Calendars in iCalendar form (RFC 5545): from text to events with schedules.
//!
//! Every event is either understood or there is a problem with its line and what would help;
//! nothing is passed over in silence that could make a calendar say less than its author meant.
//! To-dos, journals, free/busy times and alarms are no events and are left out.
//!
//! Zones are those of the IANA data inside the program. What a file says of a zone itself
//! (`VTIMEZONE`) is only used to find out which one is meant, see [`zones`].
//!
//! This reads text only: it opens no file, and knows nothing of windows or scopes.

mod components;
mod event;
mod expand;
mod lines;
mod overrides;
mod problem;
mod values;
mod vtimezone;
mod zones;

pub use expand::{IcsExpansion, IcsOccurrence, expand_ics};
pub use problem::{IcsProblem, IcsProblemKind};

use sluice_core::calendar::Schedule;

/// The longest file that is read.
pub const SIZE_LIMIT_BYTES: usize = 1024 * 1024;
/// The most events that are read from one file.
pub const EVENTS_LIMIT: usize = 10_000;
/// The most problems that are told of one file.
pub const PROBLEMS_LIMIT: usize = 100;

/// What a file holds, and what is wrong with it.
///
/// The events are only complete when there are no problems.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IcsFile {
    /// `X-WR-CALNAME` or `NAME` of the calendar.
    pub name: Option<String>,
    /// The events that were understood, in the order of the file; cancelled ones are left out.
    pub events: Vec<IcsEvent>,
    /// What was not understood, by line.
    pub problems: Vec<IcsProblem>,
}

/// One event, or one occurrence of a repeated event that was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcsEvent {
    /// `UID`; for events without one, `line-` and their line.
    pub uid: String,
    /// `SUMMARY`, empty where there is none.
    pub summary: String,
    /// `DESCRIPTION`, empty where there is none.
    pub description: String,
    /// When it takes place.
    pub schedule: Schedule,
    /// Whether its times are floating, and the zone is that of the calendar or of the reader.
    pub floating: bool,
    /// Whether neither says one, and UTC stands in for it.
    pub zone_unsaid: bool,
    /// Whether it replaces one occurrence of the event with the same `UID`; that event then
    /// leaves the occurrence out.
    pub replaces: Option<jiff::civil::DateTime>,
    /// `STATUS`.
    pub status: IcsStatus,
    /// `TRANSP:TRANSPARENT`: it does not make anybody busy.
    pub transparent: bool,
    /// `CATEGORIES`.
    pub categories: Vec<String>,
    /// `URL`.
    pub url: Option<String>,
    /// The line on which it begins.
    pub line: usize,
}

/// How certain an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcsStatus {
    /// Nothing is said.
    Unstated,
    /// `TENTATIVE`.
    Tentative,
    /// `CONFIRMED`.
    Confirmed,
}

/// Reads the bytes of a file: UTF-8, with or without a byte order mark.
pub fn read_ics_bytes(bytes: &[u8], floating_zone: Option<&str>) -> IcsFile {
    let problem = match std::str::from_utf8(bytes) {
        Ok(text) => return read_ics(text, floating_zone),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            IcsProblem::new(line, IcsProblemKind::NotUtf8)
        }
    };
    IcsFile { problems: vec![problem], ..IcsFile::default() }
}

/// Reads the text of a file.
///
/// Floating times (those of no zone) are times of `floating_zone`, else of the calendar's
/// `X-WR-TIMEZONE`, else of UTC.
pub fn read_ics(text: &str, floating_zone: Option<&str>) -> IcsFile {
    let mut problems = problem::Problems::default();
    if text.len() > SIZE_LIMIT_BYTES {
        problems.push(1, IcsProblemKind::FileTooLong);
        return IcsFile { problems: problems.told(), ..IcsFile::default() };
    }
    let lines = lines::content_lines(text, &mut problems);
    let calendars = components::calendars(lines, &mut problems);
    let mut file = IcsFile::default();
    let mut steps = event::CHECK_STEP_LIMIT;
    for calendar in &calendars {
        let zones = zones::Zones::of(calendar, floating_zone, &mut problems);
        let mut drafts = Vec::new();
        for component in calendar.children.iter().filter(|it| it.name == "VEVENT") {
            if file.events.len() + drafts.len() >= EVENTS_LIMIT {
                problems.push(component.line, IcsProblemKind::TooManyEvents);
                break;
            }
            drafts.extend(event::read(component, &zones, &mut steps, &mut problems));
        }
        file.events.extend(overrides::settle(drafts));
        let name = calendar.property("X-WR-CALNAME").or_else(|| calendar.property("NAME"));
        file.name = file.name.or_else(|| name.map(|it| values::unescape(&it.value)));
    }
    file.problems = problems.told();
    file
}
