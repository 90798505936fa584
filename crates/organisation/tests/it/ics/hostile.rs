//! Files that were made to crash or to keep busy: all end soon, in a named problem.

use proptest::prelude::*;
use sluice_organisation::ics::{
    EVENTS_LIMIT, IcsProblemKind, PROBLEMS_LIMIT, SIZE_LIMIT_BYTES, expand_ics, read_ics,
    read_ics_bytes,
};

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let problems = read_ics(&" ".repeat(SIZE_LIMIT_BYTES + 1), None).problems;
    assert_eq!(problems[0].kind, IcsProblemKind::FileTooLong);
}

#[test]
fn deep_nesting_is_a_problem_and_no_stack_is_lost() {
    let problems = read_ics(&"BEGIN:VCALENDAR\n".repeat(60_000), None).problems;
    assert!(problems.iter().any(|it| it.kind == IcsProblemKind::TooDeep));
    assert_eq!(problems.len(), PROBLEMS_LIMIT + 1);
}

#[test]
fn more_events_than_allowed_are_a_problem() {
    let event = "BEGIN:VEVENT\nDTSTART:20260101T100000Z\nEND:VEVENT\n";
    let file = read_ics(&calendar(&event.repeat(EVENTS_LIMIT + 1)), None);
    assert_eq!(file.events.len(), EVENTS_LIMIT);
    assert_eq!(file.problems[0].kind, IcsProblemKind::TooManyEvents);
}

#[test]
fn many_busy_rules_are_stopped() {
    let event = "BEGIN:VEVENT\nDTSTART:20260101T100000Z\n\
        RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n";
    let file = read_ics(&calendar(&event.repeat(5_000)), None);
    assert!(file.problems.iter().any(|it| it.kind == IcsProblemKind::TooMuchWork));

    let event = "BEGIN:VEVENT\nDTSTART:00010101T100000Z\n\
        RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=9\nEND:VEVENT\n";
    let text = calendar(&event.repeat(5_000));
    let (from, to) =
        ("2026-01-01T00:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
    let found = expand_ics(&text, None, from, to);
    assert!(found.problems.iter().any(|it| it.kind == IcsProblemKind::TooMuchWork));
}

#[test]
fn one_event_with_many_of_everything_is_stopped() {
    for (line, count) in [
        ("RRULE:FREQ=DAILY\n", 40_000),
        ("RDATE;VALUE=PERIOD:20260101T100000Z/PT1H\n", 20_000),
        ("RDATE:20260101T100000Z\n", 40_000),
        ("EXDATE:20260101T100000Z\n", 40_000),
    ] {
        let text =
            format!("BEGIN:VEVENT\nDTSTART:20260101T100000Z\n{}END:VEVENT\n", line.repeat(count));
        let file = read_ics(&calendar(&text), None);
        assert!(!file.problems.is_empty(), "{line}");
    }
}

#[test]
fn what_stands_in_the_wrong_place_is_not_lost_in_silence() {
    for text in [
        "BEGIN:VEVENT\nDTSTART:20260101T100000Z\nEND:VEVENT\n",
        "BEGIN:VCALENDAR\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:X-BOX\nBEGIN:VEVENT\nEND:VEVENT\nEND:X-BOX\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101T100000Z\n",
        "BEGIN:VCALENDAR\nEND:VEVENT\nEND:VCALENDAR\n",
        "hello",
        "",
    ] {
        assert!(!read_ics(text, None).problems.is_empty(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((0..SAMPLE.len(), any::<u8>()), 1..12)) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = read_ics_bytes(&bytes, None);
        let text = String::from_utf8_lossy(&bytes);
        let from = "2026-01-01T00:00:00Z".parse().unwrap();
        let _ = expand_ics(&text, None, from, "2026-12-01T00:00:00Z".parse().unwrap());
    }
}

const SAMPLE: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-TIMEZONE:Europe/Berlin\n\
BEGIN:VTIMEZONE\nTZID:Here\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\n\
TZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nEND:VTIMEZONE\n\
BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Here:20260701T100000\nDURATION:PT8H\n\
RRULE:FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20261231T000000Z\nEXDATE;TZID=Here:20260703T100000\n\
RDATE;VALUE=PERIOD:20260705T080000Z/PT2H\nSUMMARY:One\\, two\nCATEGORIES:a,b\nEND:VEVENT\n\
BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID=Here:20260706T100000\n\
DTSTART;TZID=\"Europe/Berlin\":20260706T120000\nDTEND:20260706T160000Z\nEND:VEVENT\n\
BEGIN:VEVENT\nUID:2\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nEND:VEVENT\n\
END:VCALENDAR\n";

fn calendar(events: &str) -> String {
    format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n")
}
