//! Events with the same `UID`: later versions, moved and cancelled occurrences.
//!
//! An occurrence that is replaced (`RECURRENCE-ID`) is left out of its event and takes place as
//! an event of its own; one that is cancelled is only left out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::IcsEvent;
use super::event::Draft;

/// The events that take place.
pub(super) fn settle(drafts: Vec<Draft>) -> Vec<IcsEvent> {
    let mut newest: BTreeMap<(String, Option<DateTime>), u32> = BTreeMap::new();
    for draft in &drafts {
        let sequence = newest.entry(key(draft)).or_insert(draft.sequence);
        *sequence = (*sequence).max(draft.sequence);
    }
    let mut current: Vec<Draft> = drafts
        .into_iter()
        .filter(|draft| newest.get(&key(draft)) == Some(&draft.sequence))
        .collect();
    let mut replaced: BTreeMap<String, Vec<DateTime>> = BTreeMap::new();
    for draft in &current {
        if let Some(at) = draft.event.replaces {
            replaced.entry(draft.event.uid.clone()).or_default().push(at);
        }
    }
    let cancelled: BTreeSet<String> = current
        .iter()
        .filter(|draft| draft.cancelled && draft.event.replaces.is_none())
        .map(|draft| draft.event.uid.clone())
        .collect();
    for draft in current.iter_mut().filter(|draft| draft.event.replaces.is_none()) {
        if let Some(left_out) = replaced.get(&draft.event.uid) {
            let zone = zone_of(&draft.event);
            let all_day = draft.event.schedule.all_day;
            let local = left_out.iter().map(|at| local_of(all_day, &zone, *at));
            draft.event.schedule.exdates.extend(local);
        }
    }
    current
        .into_iter()
        .filter(|draft| !draft.cancelled && !cancelled.contains(&draft.event.uid))
        .map(|draft| draft.event)
        .collect()
}

fn key(draft: &Draft) -> (String, Option<DateTime>) {
    (draft.event.uid.clone(), draft.event.replaces)
}

fn zone_of(event: &IcsEvent) -> TimeZone {
    TimeZoneDatabase::bundled().get(&event.schedule.zone).unwrap_or(TimeZone::UTC)
}

/// The local start that a `RECURRENCE-ID` names; it is kept in UTC for events with times, and
/// as a date for those of whole days.
fn local_of(all_day: bool, zone: &TimeZone, at: DateTime) -> DateTime {
    if all_day {
        return at;
    }
    Offset::UTC.to_timestamp(at).map_or(at, |instant| zone.to_datetime(instant))
}
