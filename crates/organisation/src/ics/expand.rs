//! The occurrences of a whole file, as instants.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use sluice_core::calendar::Reading;

use super::problem::{IcsProblem, IcsProblemKind};
use super::{IcsEvent, read_ics};

/// The most occurrences of one file.
const OCCURRENCES_LIMIT: usize = 100_000;
/// The most steps that the repeated events of one file may need: a few seconds' work.
const STEP_LIMIT: u64 = 50_000_000;

/// What takes place in a span, and what was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcsExpansion {
    /// Sorted by start; complete only when there are no problems.
    pub occurrences: Vec<IcsOccurrence>,
    /// What is wrong with the file, by line.
    pub problems: Vec<IcsProblem>,
}

/// One occurrence of one event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct IcsOccurrence {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it; the same as `start` for events without length.
    pub end: Timestamp,
    /// `UID` of the event.
    pub uid: String,
    /// `SUMMARY` of the event.
    pub summary: String,
    /// Whether it is of whole days.
    pub all_day: bool,
}

/// All occurrences that reach into `[from, to)`, as calendar programs show them: a time that
/// exists twice is the first of the two, and one that does not exist has the offset before.
pub fn expand_ics(
    text: &str,
    floating_zone: Option<&str>,
    from: Timestamp,
    to: Timestamp,
) -> IcsExpansion {
    let file = read_ics(text, floating_zone);
    let mut problems = file.problems;
    let mut found = BTreeSet::new();
    if let Some(line) = too_much_work(&file.events, from, to) {
        problems.push(IcsProblem::new(line, IcsProblemKind::TooMuchWork));
        return IcsExpansion { occurrences: Vec::new(), problems };
    }
    for event in &file.events {
        match occurrences(event, from, to) {
            Ok(occurrences) => found.extend(occurrences),
            Err(kind) => problems.push(IcsProblem::new(event.line, kind)),
        }
        if found.len() > OCCURRENCES_LIMIT {
            let kind = IcsProblemKind::TooManyOccurrences { limit: OCCURRENCES_LIMIT };
            problems.push(IcsProblem::new(event.line, kind));
            break;
        }
    }
    IcsExpansion { occurrences: found.into_iter().collect(), problems }
}

/// The line of the event that would be one too many, before any work is done.
fn too_much_work(events: &[IcsEvent], from: Timestamp, to: Timestamp) -> Option<usize> {
    let mut steps = 0_u64;
    let over = events.iter().find(|event| {
        steps = steps.saturating_add(event.schedule.expansion_steps(from, to));
        steps > STEP_LIMIT
    });
    over.map(|event| event.line)
}

fn occurrences(
    event: &IcsEvent,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<IcsOccurrence>, IcsProblemKind> {
    let expanded = event.schedule.expand(from, to, Reading::Nominal, OCCURRENCES_LIMIT)?;
    let occurrence = |it: sluice_core::calendar::Occurrence| IcsOccurrence {
        start: it.start,
        end: it.end,
        uid: event.uid.clone(),
        summary: event.summary.clone(),
        all_day: event.schedule.all_day,
    };
    Ok(expanded.occurrences.into_iter().map(occurrence).collect())
}
