//! Which known zone behaves as a file describes one of its own.
//!
//! Files name zones as they like ("Eastern", "Western/Central Europe") and describe them by
//! `VTIMEZONE`. A description is compared with well-known zones over the year in question: the
//! offset at its start, and when clocks are moved to which offset. Descriptions mostly state one
//! rule for all times, so only the year of the event counts.

use jiff::civil::{DateTime, date};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use sluice_core::calendar::recurrence::{Ending, Frequency, Request, Rule};

use super::components::Component;
use super::values::{When, periods, read_when};

/// Zones that are tried, in this order: one or two for each rule that people live by.
const KNOWN: [&str; 60] = [
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Europe/Lisbon",
    "Europe/Moscow",
    "Europe/Istanbul",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Anchorage",
    "America/Halifax",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Caracas",
    "America/Santiago",
    "America/Mexico_City",
    "America/Puerto_Rico",
    "America/Regina",
    "Pacific/Honolulu",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Darwin",
    "Australia/Perth",
    "Australia/Hobart",
    "Pacific/Auckland",
    "Pacific/Guadalcanal",
    "Pacific/Guam",
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Bangkok",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Dhaka",
    "Asia/Karachi",
    "Asia/Dubai",
    "Asia/Kabul",
    "Asia/Tehran",
    "Asia/Jerusalem",
    "Asia/Beirut",
    "Asia/Baghdad",
    "Asia/Riyadh",
    "Asia/Yangon",
    "Asia/Vladivostok",
    "Asia/Novosibirsk",
    "Asia/Yekaterinburg",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "Africa/Casablanca",
    "Atlantic/Azores",
    "Atlantic/Cape_Verde",
    "Atlantic/Reykjavik",
];

/// The most `STANDARD` and `DAYLIGHT` parts of one description.
const OBSERVANCES_LIMIT: usize = 256;
/// The most moves of the clock that are looked at in one year.
const MOVES_LIMIT: usize = 64;

/// What a zone does in one year: the offset at its start, then each move with its new offset.
#[derive(Debug)]
struct Behaviour {
    first: Offset,
    moves: Vec<(Timestamp, Offset)>,
}

/// The name of a known zone that does in `year` what `description` says, if there is one.
pub(super) fn known_zone(description: &Component, year: i16) -> Option<&'static str> {
    let described = described(description, year)?;
    let database = TimeZoneDatabase::bundled();
    KNOWN.into_iter().find(|name| {
        let zone = if *name == "UTC" { Some(TimeZone::UTC) } else { database.get(name).ok() };
        zone.and_then(|zone| actual(&zone, year)).is_some_and(|it| it.is_like(&described))
    })
}

impl Behaviour {
    /// Whether both do the same; Windows says a second before midnight where midnight is meant.
    fn is_like(&self, other: &Behaviour) -> bool {
        let near = |(one, to): &(Timestamp, Offset), (two, also): &(Timestamp, Offset)| {
            to == also && one.duration_since(*two).abs() < SignedDuration::from_mins(1)
        };
        self.first == other.first
            && self.moves.len() == other.moves.len()
            && self.moves.iter().zip(&other.moves).all(|(one, two)| near(one, two))
    }
}

fn year_bounds(year: i16) -> Option<(Timestamp, Timestamp)> {
    let first = |year: i16| {
        let day = (1..9_999).contains(&year).then(|| date(year, 1, 1))?;
        Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
    };
    Some((first(year)?, first(year.checked_add(1)?)?))
}

fn actual(zone: &TimeZone, year: i16) -> Option<Behaviour> {
    let (from, to) = year_bounds(year)?;
    let first = zone.to_offset(from);
    let mut moves = Vec::new();
    let mut offset = first;
    for transition in zone.following(from).take_while(|it| it.timestamp() < to).take(MOVES_LIMIT) {
        if transition.offset() != offset {
            offset = transition.offset();
            moves.push((transition.timestamp(), offset));
        }
    }
    Some(Behaviour { first, moves })
}

fn described(description: &Component, year: i16) -> Option<Behaviour> {
    let (from, to) = year_bounds(year)?;
    if description.children.len() > OBSERVANCES_LIMIT {
        return None;
    }
    let mut onsets = Vec::new();
    for observance in &description.children {
        onsets.extend(onsets_of(observance, year)?);
    }
    onsets.sort_unstable_by_key(|onset| onset.at);
    let before = onsets.iter().rfind(|onset| onset.at <= from);
    let first = match before {
        Some(onset) => onset.to,
        None => onsets.first()?.from,
    };
    let mut offset = first;
    let mut moves = Vec::new();
    for onset in onsets.iter().filter(|onset| onset.at > from && onset.at < to) {
        if onset.to != offset {
            offset = onset.to;
            moves.push((onset.at, offset));
        }
    }
    Some(Behaviour { first, moves })
}

/// The moment an observance begins to hold.
#[derive(Debug, Clone, Copy)]
struct Onset {
    at: Timestamp,
    from: Offset,
    to: Offset,
}

/// When `STANDARD` or `DAYLIGHT` begins, up to the end of `year`; of old repetitions only the
/// last matters. None when it cannot be read.
fn onsets_of(observance: &Component, year: i16) -> Option<Vec<Onset>> {
    let property = |name| observance.property(name).map(|it| it.value.trim());
    let from = offset(property("TZOFFSETFROM")?)?;
    let to = offset(property("TZOFFSETTO")?)?;
    let When::Local(start) = read_when(property("DTSTART")?)? else { return None };
    let mut locals = vec![start];
    if let Some(text) = property("RRULE") {
        locals.extend(repeated(text, start, from, year)?);
    }
    for line in observance.all("RDATE") {
        for period in periods(line).ok()? {
            match period.start {
                When::Local(local) => locals.push(local),
                When::Date(date) => locals.push(date.to_datetime(start.time())),
                When::Utc(utc) => {
                    locals.push(from.to_datetime(Offset::UTC.to_timestamp(utc).ok()?))
                }
            }
        }
    }
    let onset = |local| Some(Onset { at: from.to_timestamp(local).ok()?, from, to });
    locals.into_iter().map(onset).collect()
}

/// The repetitions of `start` in the year before `year` and in `year` itself.
fn repeated(text: &str, start: DateTime, from: Offset, year: i16) -> Option<Vec<DateTime>> {
    let rule: Rule = text.parse().ok()?;
    // Clocks are moved once a year, and by no count: such rules jump straight to the year.
    if rule.frequency != Frequency::Yearly || matches!(rule.ending, Ending::Count(_)) {
        return None;
    }
    let (begin, end) = (year_bounds(year.checked_sub(1)?)?.0, year_bounds(year)?.1);
    let margin = SignedDuration::from_hours(30);
    let request = Request {
        start,
        all_day: false,
        last: rule.last_local(&TimeZone::fixed(from), sluice_core::calendar::Reading::Nominal),
        span: from.to_datetime(begin)..from.to_datetime(end).saturating_add(margin),
        limit: MOVES_LIMIT,
    };
    rule.expand(&request).ok()
}

/// Reads `+0100`, `-0330` and `+053020`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part =
        |from: usize| digits.get(from..from + 2).map_or(Some(0), |it| it.parse::<i32>().ok());
    let seconds = part(0)? * 3_600 + part(2)? * 60 + part(4)?;
    Offset::from_seconds(sign * seconds).ok()
}
