//! Every zone, every change of its clocks from 1970 to 2037: membership of instants against a
//! definition that knows only what offset was in force when.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use sluice_core::calendar::{Expanded, Reading, Schedule, ScheduleEnd};

const LAST: &str = "2038-01-01T00:00:00Z";

/// Windows around a change: start and end in minutes from the wall clock before the change.
const WINDOWS: [(i64, i64); 8] = [
    (-45, 20),   // ends in what is skipped or repeated
    (20, 300),   // starts in it
    (10, 50),    // lies within it
    (-300, 300), // lies around it
    (0, 60),     // begins with it
    (-60, 0),    // ends with it
    (-30, 45),
    (-90, -15), // lies in what is repeated
];

#[test]
fn membership_around_every_change_of_clocks_is_as_defined() {
    let mut count = 0;
    // Many names mean the same zone: each set of changes is looked at once.
    let mut seen = BTreeSet::new();
    for name in TimeZoneDatabase::bundled().available() {
        let zone = TimeZoneDatabase::bundled().get(name.as_str()).unwrap();
        let changes = changes_of(&zone);
        count += changes.len();
        let offsets: Vec<Offset> = changes.iter().map(|at| offset_at(&zone, *at)).collect();
        if !seen.insert((changes.clone(), offsets)) {
            continue;
        }
        for change in changes {
            for (start, end) in WINDOWS {
                check(name.as_str(), &zone, change, start, end);
            }
        }
    }
    assert!(count > 20_000, "only {count} changes of clocks were found");
}

pub(super) fn changes_of(zone: &TimeZone) -> Vec<Timestamp> {
    let last: Timestamp = LAST.parse().unwrap();
    let all = zone.following(Timestamp::UNIX_EPOCH).map(|it| it.timestamp());
    all.take_while(|at| *at < last).collect()
}

fn check(name: &str, zone: &TimeZone, change: Timestamp, start: i64, end: i64) {
    let before = offset_at(zone, change - SignedDuration::from_secs(1));
    let after = offset_at(zone, change);
    if before == after {
        return;
    }
    let wall = before.to_datetime(change);
    let local = |minutes| wall.checked_add(SignedDuration::from_mins(minutes)).unwrap();
    let (start, end) = (local(start), local(end));
    let schedule = Schedule {
        zone: name.to_owned(),
        start,
        end: ScheduleEnd::At(end),
        rrule: None,
        rdates: vec![],
        exdates: vec![],
        all_day: false,
    };
    let around = SignedDuration::from_hours(72);
    let expand = |reading| schedule.expand(change - around, change + around, reading, 10).unwrap();
    let (widest, narrowest) = (expand(Reading::Widest), expand(Reading::Narrowest));
    let starts = meanings(zone, start, before, after);
    let ends = meanings(zone, end, before, after);
    for near in starts.iter().chain(&ends).chain([&change]) {
        for offset in [-1, 0, 1] {
            let at = *near + SignedDuration::from_secs(offset);
            let say =
                || format!("{name}: {start} to {end}, clocks move at {change}, asked at {at}");
            let certainly = starts.iter().all(|it| *it <= at) && ends.iter().all(|it| at < *it);
            let possibly = starts.iter().any(|it| *it <= at) && ends.iter().any(|it| at < *it);
            assert_eq!(widest.contains(at), possibly, "widest, {}", say());
            assert_eq!(narrowest.contains(at), certainly, "narrowest, {}", say());
            check_wall(zone, (start, end), at, &widest, &narrowest, say);
        }
    }
}

/// The face of the clock at an instant: what it shows to be in a window is frozen, and what it
/// does not show to be in a window is not released.
fn check_wall(
    zone: &TimeZone,
    (start, end): (DateTime, DateTime),
    at: Timestamp,
    widest: &Expanded,
    narrowest: &Expanded,
    say: impl Fn() -> String,
) {
    let shown = offset_at(zone, at).to_datetime(at);
    let inside = (start..end).contains(&shown);
    assert!(!inside || widest.contains(at), "shown inside and not frozen, {}", say());
    assert!(inside || !narrowest.contains(at), "shown outside and released, {}", say());
}

/// The instants that a local time may mean: those at which clocks show it, or, where none do,
/// those of the offsets before and after the change.
fn meanings(zone: &TimeZone, local: DateTime, before: Offset, after: Offset) -> Vec<Timestamp> {
    let all = [before, after].map(|offset| (offset, offset.to_timestamp(local).unwrap()));
    let shown: Vec<Timestamp> = all
        .iter()
        .filter(|(offset, at)| offset_at(zone, *at) == *offset)
        .map(|(_, at)| *at)
        .collect();
    if shown.is_empty() { all.iter().map(|(_, at)| *at).collect() } else { shown }
}

fn offset_at(zone: &TimeZone, at: Timestamp) -> Offset {
    zone.to_offset(at)
}
