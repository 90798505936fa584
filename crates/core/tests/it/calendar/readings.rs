//! Clocks that are moved, by example. The instants are worked out by hand.

use sluice_core::calendar::{Reading, Schedule, WindowKind};

#[test]
fn a_freeze_starting_in_a_gap_starts_at_the_earlier_instant() {
    // Berlin, 29 March 2026: 02:00 to 03:00 do not exist.
    check(
        "Europe/Berlin",
        "2026-03-29T02:30:00",
        "2026-03-29T12:00:00",
        [
            ("widest", "2026-03-29T00:30:00Z", "2026-03-29T10:00:00Z"),
            ("narrowest", "2026-03-29T01:30:00Z", "2026-03-29T10:00:00Z"),
            ("nominal", "2026-03-29T01:30:00Z", "2026-03-29T10:00:00Z"),
        ],
    );
}

#[test]
fn a_freeze_ending_in_a_gap_ends_at_the_later_instant() {
    check(
        "Europe/Berlin",
        "2026-03-28T18:00:00",
        "2026-03-29T02:30:00",
        [
            ("widest", "2026-03-28T17:00:00Z", "2026-03-29T01:30:00Z"),
            ("narrowest", "2026-03-28T17:00:00Z", "2026-03-29T00:30:00Z"),
            ("nominal", "2026-03-28T17:00:00Z", "2026-03-29T01:30:00Z"),
        ],
    );
}

#[test]
fn a_freeze_starting_in_a_fold_starts_the_first_time() {
    // Berlin, 25 October 2026: 02:00 to 03:00 exist twice.
    check(
        "Europe/Berlin",
        "2026-10-25T02:30:00",
        "2026-10-25T12:00:00",
        [
            ("widest", "2026-10-25T00:30:00Z", "2026-10-25T11:00:00Z"),
            ("narrowest", "2026-10-25T01:30:00Z", "2026-10-25T11:00:00Z"),
            ("nominal", "2026-10-25T00:30:00Z", "2026-10-25T11:00:00Z"),
        ],
    );
}

#[test]
fn a_freeze_ending_in_a_fold_ends_the_second_time() {
    check(
        "Europe/Berlin",
        "2026-10-24T18:00:00",
        "2026-10-25T02:30:00",
        [
            ("widest", "2026-10-24T16:00:00Z", "2026-10-25T01:30:00Z"),
            ("narrowest", "2026-10-24T16:00:00Z", "2026-10-25T00:30:00Z"),
            ("nominal", "2026-10-24T16:00:00Z", "2026-10-25T00:30:00Z"),
        ],
    );
}

#[test]
fn a_release_window_within_a_fold_has_no_certain_instant() {
    check(
        "Europe/Berlin",
        "2026-10-25T02:10:00",
        "2026-10-25T02:50:00",
        [
            ("widest", "2026-10-25T00:10:00Z", "2026-10-25T01:50:00Z"),
            ("narrowest", "", ""),
            ("nominal", "2026-10-25T00:10:00Z", "2026-10-25T00:50:00Z"),
        ],
    );
}

#[test]
fn half_an_hour_is_moved_on_lord_howe() {
    check(
        "Australia/Lord_Howe",
        "2026-04-05T01:45:00",
        "2026-04-05T06:00:00",
        [
            ("widest", "2026-04-04T14:45:00Z", "2026-04-04T19:30:00Z"),
            ("narrowest", "2026-04-04T15:15:00Z", "2026-04-04T19:30:00Z"),
            ("nominal", "2026-04-04T14:45:00Z", "2026-04-04T19:30:00Z"),
        ],
    );
}

#[test]
fn a_duration_is_elapsed_time_and_its_days_are_wall_clock() {
    check(
        "Europe/Berlin",
        "2026-03-28T18:00:00",
        "PT24H",
        [
            ("widest", "2026-03-28T17:00:00Z", "2026-03-29T17:00:00Z"),
            ("narrowest", "2026-03-28T17:00:00Z", "2026-03-29T17:00:00Z"),
            ("nominal", "2026-03-28T17:00:00Z", "2026-03-29T17:00:00Z"),
        ],
    );
    check(
        "Europe/Berlin",
        "2026-03-28T18:00:00",
        "P1D",
        [
            ("widest", "2026-03-28T17:00:00Z", "2026-03-29T16:00:00Z"),
            ("narrowest", "2026-03-28T17:00:00Z", "2026-03-29T16:00:00Z"),
            ("nominal", "2026-03-28T17:00:00Z", "2026-03-29T16:00:00Z"),
        ],
    );
}

#[test]
fn a_whole_day_has_23_or_25_hours_when_clocks_are_moved() {
    check(
        "Europe/Berlin",
        "2026-03-29",
        "P1D",
        [
            ("widest", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("narrowest", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("nominal", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ],
    );
    check(
        "Europe/Berlin",
        "2026-10-25",
        "2026-10-26",
        [
            ("widest", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            ("narrowest", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            ("nominal", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ],
    );
}

#[test]
fn a_day_without_midnight_starts_at_the_side_that_is_safe() {
    // São Paulo, 4 November 2018: the day began at 01:00.
    check(
        "America/Sao_Paulo",
        "2018-11-04",
        "P1D",
        [
            ("widest", "2018-11-04T02:00:00Z", "2018-11-05T02:00:00Z"),
            ("narrowest", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
            ("nominal", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        ],
    );
}

#[test]
fn a_day_that_was_skipped_is_no_time_to_release() {
    // Apia went from 29 to 31 December 2011.
    check(
        "Pacific/Apia",
        "2011-12-30",
        "P1D",
        [
            ("widest", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
            ("narrowest", "", ""),
            ("nominal", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        ],
    );
}

#[test]
fn what_denies_is_read_wide_and_what_allows_is_read_narrow() {
    assert_eq!(WindowKind::Freeze.reading(), Reading::Widest);
    assert_eq!(WindowKind::Release.reading(), Reading::Narrowest);
    assert_eq!(WindowKind::Maintenance.reading(), Reading::Narrowest);
}

fn check(zone: &str, start: &str, end: &str, expected: [(&str, &str, &str); 3]) {
    let json = serde_json::json!({ "zone": zone, "start": start, "end": end });
    let schedule: Schedule = serde_json::from_value(json).unwrap();
    schedule.validate().unwrap();
    let readings = [Reading::Widest, Reading::Narrowest, Reading::Nominal];
    for (reading, (name, begins, ends)) in readings.into_iter().zip(expected) {
        let from = "1990-01-01T00:00:00Z".parse().unwrap();
        let to = "2037-01-01T00:00:00Z".parse().unwrap();
        let expanded = schedule.expand(from, to, reading, 10).unwrap();
        let found: Vec<(String, String)> = expanded
            .occurrences
            .iter()
            .map(|it| (it.start.to_string(), it.end.to_string()))
            .collect();
        let wanted = match begins {
            "" => vec![],
            _ => vec![(begins.to_owned(), ends.to_owned())],
        };
        assert_eq!(found, wanted, "{name} reading of {start} to {end} in {zone}");
    }
}
