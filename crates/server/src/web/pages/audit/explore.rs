//! Looking for entries: by record, person, event and time.
//!
//! A record's entries have an index. Persons and events have none, since each would cost the gate a write: the
//! entries are read backwards, a bounded number at a time.

use sluice_core::standing::Actor;
use sluice_engine::envelope::Envelope;
use sluice_engine::store::Entry;

use super::AuditQuery;
use crate::problem::Problem;
use crate::web::page::{address, some};
use crate::web::visit::{Visit, read, time};
use crate::web::{Markup, w};

/// Entries on a page.
const PAGE: usize = 50;
/// The most entries that one question reads.
const READ: u64 = 4_000;
/// Entries that are read at once.
const STEP: u32 = 500;

/// One entry in the list.
pub(super) struct Line {
    pub(super) index: u64,
    pub(super) event: String,
    pub(super) word: String,
    pub(super) stream: String,
    pub(super) record: Option<String>,
    pub(super) actor: Markup,
    pub(super) at: Markup,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) lines: Vec<Line>,
    pub(super) next: Option<String>,
    /// How many entries were read, where only a part was.
    pub(super) looked: Option<u64>,
    pub(super) problem: Option<&'static str>,
}

pub(super) fn find(visit: &Visit, query: &AuditQuery) -> Result<Found, Problem> {
    let fault = |problem| Ok(Found { problem: Some(problem), ..Found::default() });
    let size = visit.readers().head().size;
    let mut before = query.before.unwrap_or(size).min(size);
    if let (Some(at), None) = (some(query.at.clone()), query.before) {
        let Some(at_us) = moment(&at) else { return fault(w::t("explore.that_is_not_a_time")) };
        before = first_after(visit, at_us, size)?;
    }
    let person = match some(query.person.clone()) {
        None => None,
        Some(text) => {
            let id = visit.app.engine.person_by_handle(&text).map(|id| id.to_string());
            match id.or_else(|| text.starts_with("person/").then_some(text)) {
                Some(id) => Some(id),
                None => return fault(w::t("explore.nobody_has_this_name_here")),
            }
        }
    };
    let wanted = Wanted {
        stream: some(query.record.clone()).map(|record| stream_of(&record)),
        person,
        event: some(query.event.clone()).unwrap_or_default().to_lowercase(),
    };
    back(visit, query, before, &wanted)
}

/// What is looked for.
struct Wanted {
    stream: Option<String>,
    person: Option<String>,
    event: String,
}

impl Wanted {
    /// The entries before one that may fit, oldest first, and the first index that was looked at.
    fn read(&self, visit: &Visit, before: u64) -> Result<(Vec<Entry>, u64), Problem> {
        if let Some(stream) = &self.stream {
            let entries = read(visit.readers().stream_before(stream, before, STEP))?;
            let from = match entries.first() {
                Some(first) if entries.len() == STEP as usize => first.seq,
                _ => 0,
            };
            return Ok((entries, from));
        }
        let narrow = self.person.is_some() || !self.event.is_empty();
        let from = before.saturating_sub(if narrow { u64::from(STEP) } else { 51 });
        let max = u32::try_from(before - from).unwrap_or(u32::MAX);
        Ok((read(visit.readers().entries(from, max))?, from))
    }

    fn fits(&self, entry: &Entry) -> bool {
        (self.event.is_empty() || entry.name.contains(&self.event))
            && self.person.as_ref().is_none_or(|id| contains(&entry.bytes, id.as_bytes()))
    }
}

/// Reads backwards until a page is full or enough was read.
fn back(
    visit: &Visit,
    query: &AuditQuery,
    mut before: u64,
    wanted: &Wanted,
) -> Result<Found, Problem> {
    let (mut found, mut looked) = (Found::default(), 0);
    while before > 0 && looked < READ {
        let (entries, from) = wanted.read(visit, before)?;
        looked += entries.len() as u64;
        for entry in entries.iter().rev() {
            if found.lines.len() == PAGE {
                found.next = Some(next(query, entry.seq + 1));
                return Ok(found);
            }
            if wanted.fits(entry) {
                found.lines.push(line(visit, entry));
            }
        }
        before = from;
    }
    if before > 0 {
        found.next = Some(next(query, before));
        found.looked = Some(looked);
    }
    Ok(found)
}

fn next(query: &AuditQuery, before: u64) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    address(
        "/audit",
        &[
            ("record", &text(&query.record)),
            ("person", &text(&query.person)),
            ("event", &text(&query.event)),
            ("at", &text(&query.at)),
            ("before", &before.to_string()),
        ],
    )
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// The stream of a record, by its number or as it is.
fn stream_of(record: &str) -> String {
    let upper = record.trim().to_uppercase();
    if upper.contains('/') {
        return record.trim().to_owned();
    }
    match upper.get(..3) {
        Some("CHG") => format!("change/{upper}"),
        Some("DEP") => format!("deployment/{upper}"),
        Some("INC") => format!("incident/{upper}"),
        Some("PRB") => format!("problem/{upper}"),
        _ => record.trim().to_owned(),
    }
}

/// A time as people type it, in UTC.
fn moment(text: &str) -> Option<i64> {
    let civil = text.parse::<jiff::civil::DateTime>().ok().or_else(|| {
        Some(text.parse::<jiff::civil::Date>().ok()?.to_datetime(jiff::civil::Time::midnight()))
    })?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

/// The index of the first entry after a time; entries never go back in time, so the place is halved.
fn first_after(visit: &Visit, at_us: i64, size: u64) -> Result<u64, Problem> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let entry = read(visit.readers().entry(middle))?;
        if entry.is_some_and(|entry| entry.time_us <= at_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn line(visit: &Visit, entry: &Entry) -> Line {
    let envelope = Envelope::parse(&entry.bytes).ok();
    let actor = envelope.map_or(Actor::Sluice, |envelope| envelope.actor);
    let record = match entry.stream.split_once('/') {
        Some(("change", number)) => Some(format!("/changes/{number}")),
        Some(("incident", number)) if number.starts_with("INC") => {
            Some(format!("/incidents/{number}"))
        }
        Some(("problem", number)) => Some(format!("/problems/{number}")),
        _ => None,
    };
    Line {
        index: entry.seq,
        word: w::named("event", &entry.name.replace('.', "_")),
        event: entry.name.clone(),
        stream: entry.stream.clone(),
        record,
        actor: visit.actor(&actor),
        at: visit.when(time(entry.time_us)),
    }
}
