//! What the calendar answers where the oracle of overlapping windows does not look.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sluice_core::calendar::{Calendar, ReleaseState, Window, WindowProblem};
use sluice_core::scope::Target;

const NOW: &str = "2026-11-20T12:00:00Z";

#[test]
fn a_start_belongs_to_its_window_and_an_end_does_not() {
    let calendar = calendar(&[freeze("year-end", "2026-12-20T18:00:00", "2026-12-21T08:00:00")]);
    for (at, frozen) in [
        ("2026-12-20T16:59:59.999999Z", false),
        ("2026-12-20T17:00:00Z", true),
        ("2026-12-21T06:59:59.999999Z", true),
        ("2026-12-21T07:00:00Z", false),
    ] {
        assert_eq!(!evaluate(&calendar, at).freezes.is_empty(), frozen, "at {at}");
    }
}

#[test]
fn a_question_beyond_the_horizon_is_answered_all_the_same() {
    let calendar = calendar(&[freeze("far", "2031-06-01T00:00:00", "P1D")]);
    let facts = evaluate(&calendar, "2031-06-01T12:00:00Z");
    assert_eq!(facts.freezes[0].name, "far");
    let facts = evaluate(&calendar, "2031-05-01T00:00:00Z");
    assert_eq!(facts.next_freeze, Some("2031-05-31T22:00:00Z".parse().unwrap()));
    assert_eq!(evaluate(&calendar, NOW).next_freeze, None);
}

#[test]
fn a_freeze_that_cannot_be_read_is_in_force_and_a_release_window_is_not() {
    let mut frozen = freeze("lost", "2026-01-01T00:00:00", "P1D");
    frozen.schedule.zone = "Europe/Atlantis".to_owned();
    let unreadable = calendar(std::slice::from_ref(&frozen));
    let facts = evaluate(&unreadable, NOW);
    assert_eq!((facts.freezes.len(), facts.freezes[0].until, facts.frozen_until), (1, None, None));
    assert_eq!(unreadable.problems().count(), 1);

    frozen.kind = sluice_core::calendar::WindowKind::Release;
    let facts = evaluate(&calendar(&[frozen]), NOW);
    assert_eq!(facts.release, ReleaseState::Outside { next: None });
    assert!(facts.freezes.is_empty());
}

#[test]
fn a_permission_ends_with_its_release_window_or_the_next_freeze() {
    let mut release = freeze("office-hours", "2026-11-02T09:00:00", "PT8H");
    release.kind = sluice_core::calendar::WindowKind::Release;
    release.schedule.rrule = Some("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR".to_owned());
    let soon = freeze("audit", "2026-11-20T15:00:00", "PT1H");
    let ends = |windows: &[Window]| evaluate(&calendar(windows), NOW).permits_until();
    assert_eq!(ends(std::slice::from_ref(&release)), Some("2026-11-20T16:00:00Z".parse().unwrap()));
    assert_eq!(ends(&[release, soon]), Some("2026-11-20T14:00:00Z".parse().unwrap()));
    assert_eq!(ends(&[]), None);
}

#[test]
fn a_start_that_its_rule_does_not_match_counts_for_a_freeze_only() {
    // 1 January 2027 is a Friday.
    let mut window = freeze("tuesdays", "2027-01-01T09:00:00", "PT1H");
    window.schedule.rrule = Some("FREQ=WEEKLY;BYDAY=TU".to_owned());
    let first = |window: &Window| {
        let next = calendar(std::slice::from_ref(window)).next_windows(&target(), at(NOW), None, 1);
        next[0].start.to_string()
    };
    assert_eq!(first(&window), "2027-01-01T08:00:00Z");
    window.kind = sluice_core::calendar::WindowKind::Release;
    assert_eq!(first(&window), "2027-01-05T08:00:00Z");
}

#[test]
fn the_next_windows_come_in_order() {
    let mut weekly = freeze("weekend", "2026-11-20T18:00:00", "2026-11-23T06:00:00");
    weekly.schedule.rrule = Some("FREQ=WEEKLY".to_owned());
    let calendar = calendar(&[freeze("year-end", "2026-12-01T00:00:00", "P30D"), weekly]);
    let next = calendar.next_windows(&target(), at("2026-11-21T00:00:00Z"), None, 3);
    let told: Vec<(&str, String)> =
        next.iter().map(|it| (it.name.as_str(), it.start.to_string())).collect();
    let expected = [
        ("weekend", "2026-11-20T17:00:00Z"),
        ("weekend", "2026-11-27T17:00:00Z"),
        ("year-end", "2026-11-30T23:00:00Z"),
    ];
    assert_eq!(told, expected.map(|(name, start)| (name, start.to_owned())));
}

#[test]
fn a_window_says_what_is_wrong_with_it() {
    let problem = |change: &dyn Fn(&mut Window)| {
        let mut window = freeze("w", "2026-12-20T18:00:00", "2026-12-21T08:00:00");
        change(&mut window);
        window.validate().map_err(|problem: WindowProblem| problem.to_string())
    };
    let said = |text: &str| Err(text.to_owned());
    assert_eq!(problem(&|_| {}), Ok(()));
    assert_eq!(
        problem(&|it| it.schedule.zone = "Mars/Olympus".to_owned()),
        said("`Mars/Olympus` is not an IANA time zone")
    );
    assert_eq!(
        problem(&|it| it.schedule.end = "2026-12-20T17:00:00".parse().unwrap()),
        said("the end `2026-12-20T17:00:00` is before the start `2026-12-20T18:00:00`")
    );
    assert_eq!(
        problem(&|it| it.schedule.end = "PT0S".parse().unwrap()),
        said("the window has no length")
    );
    assert_eq!(
        problem(&|it| it.schedule.rrule = Some("FREQ=SECONDLY;COUNT=2".to_owned())),
        said("a window cannot begin every few seconds")
    );
    assert_eq!(
        problem(&|it| it.schedule.all_day = true),
        said("`2026-12-20T18:00:00` is not a whole day")
    );
    assert_eq!(
        problem(&|it| it.schedule.rrule = Some("FREQ=FORTNIGHTLY".to_owned())),
        said(
            "bad recurrence rule `FREQ=FORTNIGHTLY`: `FREQ=FORTNIGHTLY` is not understood: \
             one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY"
        )
    );
    assert_eq!(
        problem(&|it| {
            it.kind = sluice_core::calendar::WindowKind::Release;
            it.in_flight = sluice_core::calendar::InFlight::Abort;
        }),
        said("`in_flight` is for freezes only")
    );
}

#[test]
fn a_window_is_written_as_it_was_read() {
    let window = freeze("year-end", "2026-12-20T18:00:00", "P1DT8H30M");
    let json = serde_json::to_value(&window).unwrap();
    assert_eq!(json["schedule"]["end"], "P1DT8H30M");
    assert_eq!(serde_json::from_value::<Window>(json).unwrap(), window);
}

fn freeze(name: &str, start: &str, end: &str) -> Window {
    let json = serde_json::json!({
        "name": name, "title": name, "kind": "freeze",
        "schedule": { "zone": "Europe/Berlin", "start": start, "end": end },
    });
    serde_json::from_value(json).unwrap()
}

fn calendar(windows: &[Window]) -> Calendar {
    Calendar::around(windows.to_vec(), at(NOW))
}

fn evaluate(calendar: &Calendar, moment: &str) -> sluice_core::calendar::CalendarFacts {
    calendar.evaluate(&target(), at(moment), &BTreeSet::new())
}

fn target() -> Target {
    Target { service: "checkout".to_owned(), ..Target::default() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
