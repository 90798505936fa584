//! What each property of an event means, by example.

use sluice_organisation::ics::{IcsStatus, expand_ics, read_ics};

#[test]
fn a_time_has_the_zone_that_it_names() {
    for (start, expected) in [
        ("DTSTART:20260701T120000Z", "2026-07-01T12:00:00Z"),
        ("DTSTART;TZID=Europe/Berlin:20260701T120000", "2026-07-01T10:00:00Z"),
        ("DTSTART;TZID=\"Europe/Berlin\":20260701T120000", "2026-07-01T10:00:00Z"),
        ("DTSTART;TZID=europe/berlin:20260701T120000", "2026-07-01T10:00:00Z"),
        ("DTSTART;TZID=/example.org/2026_1/Europe/Berlin:20260701T120000", "2026-07-01T10:00:00Z"),
        ("DTSTART;TZID=W. Europe Standard Time:20260701T120000", "2026-07-01T10:00:00Z"),
        ("DTSTART;TZID=Eastern Standard Time:20260701T120000", "2026-07-01T16:00:00Z"),
        ("DTSTART;TZID=UTC+11:20260701T120000", "2026-07-01T01:00:00Z"),
        ("DTSTART;TZID=Europe/Berlin:20260701T120000Z", "2026-07-01T12:00:00Z"),
        ("DTSTART:20260701T120000", "2026-07-01T12:00:00Z"),
    ] {
        check(&[start], &[(expected, expected)]);
    }
}

#[test]
fn a_floating_time_is_of_the_readers_zone_else_of_the_calendars() {
    let text = calendar("X-WR-TIMEZONE:America/New_York\r\n", &["DTSTART:20260701T120000"]);
    let start = |zone| expand_ics(&text, zone, at(FROM), at(TO)).occurrences[0].start.to_string();
    assert_eq!(start(None), "2026-07-01T16:00:00Z");
    assert_eq!(start(Some("Asia/Tokyo")), "2026-07-01T03:00:00Z");
    assert!(read_ics(&text, None).events[0].floating);
}

#[test]
fn a_zone_of_the_files_own_is_known_by_its_behaviour() {
    let zone = "BEGIN:VTIMEZONE\r\nTZID:Head office\r\n\
        BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n\
        RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n\
        BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n\
        RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n";
    let text = calendar(zone, &["DTSTART;TZID=Head office:20260701T120000"]);
    let file = read_ics(&text, None);
    assert_eq!(file.problems, []);
    assert_eq!(file.events[0].schedule.zone, "Europe/Berlin");
}

#[test]
fn an_end_is_a_time_a_length_or_the_day_itself() {
    const START: &str = "DTSTART;TZID=Europe/Berlin:20260328T180000";
    let start = "2026-03-28T17:00:00Z";
    check(&[START, "DTEND;TZID=Europe/Berlin:20260329T180000"], &[(start, "2026-03-29T16:00:00Z")]);
    check(&[START, "DTEND:20260329T180000Z"], &[(start, "2026-03-29T18:00:00Z")]);
    check(&[START, "DURATION:P1D"], &[(start, "2026-03-29T16:00:00Z")]);
    check(&[START, "DURATION:PT24H"], &[(start, "2026-03-29T17:00:00Z")]);
    check(&[START], &[(start, start)]);
    let day = ("2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z");
    check(&["DTSTART;VALUE=DATE:20260328"], &[day]);
    check(&["DTSTART;VALUE=DATE:20260328", "DTEND;VALUE=DATE:20260328"], &[day]);
    check(
        &["DTSTART;VALUE=DATE:20260328", "DTEND;VALUE=DATE:20260330"],
        &[(day.0, "2026-03-30T00:00:00Z")],
    );
}

#[test]
fn a_repeated_event_keeps_its_local_time() {
    check(
        &[
            "DTSTART;TZID=Europe/Berlin:20260327T100000",
            "RRULE:FREQ=DAILY;COUNT=4",
            "DURATION:PT1H",
        ],
        &[
            ("2026-03-27T09:00:00Z", "2026-03-27T10:00:00Z"),
            ("2026-03-28T09:00:00Z", "2026-03-28T10:00:00Z"),
            ("2026-03-29T08:00:00Z", "2026-03-29T09:00:00Z"),
            ("2026-03-30T08:00:00Z", "2026-03-30T09:00:00Z"),
        ],
    );
}

#[test]
fn dates_are_added_and_left_out() {
    const REPEATED: [&str; 2] = ["DTSTART:20260101T100000Z", "RRULE:FREQ=DAILY;COUNT=3"];
    let [first, rule] = REPEATED;
    let starts = |more: &str| starts(&[first, rule, more]);
    assert_eq!(starts("EXDATE:20260102T100000Z"), ["2026-01-01T10:00:00Z", "2026-01-03T10:00:00Z"]);
    assert_eq!(
        starts("EXDATE;TZID=Europe/Berlin:20260102T110000,20260103T110000"),
        ["2026-01-01T10:00:00Z"]
    );
    assert_eq!(
        starts("EXDATE;VALUE=DATE:20260102"),
        ["2026-01-01T10:00:00Z", "2026-01-03T10:00:00Z"]
    );
    assert_eq!(starts("RDATE:20260102T100000Z,20260109T090000Z").len(), 4);
    check(
        &[first, "RDATE;VALUE=PERIOD:20260105T080000Z/PT2H,20260106T080000Z/20260106T090000Z"],
        &[
            ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"),
            ("2026-01-05T08:00:00Z", "2026-01-05T10:00:00Z"),
            ("2026-01-06T08:00:00Z", "2026-01-06T09:00:00Z"),
        ],
    );
}

#[test]
fn several_rules_are_the_union_of_their_dates() {
    let found = starts(&[
        "DTSTART:20260101T100000Z",
        "RRULE:FREQ=DAILY;COUNT=2",
        "RRULE:FREQ=WEEKLY;COUNT=2",
    ]);
    assert_eq!(found, ["2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z", "2026-01-08T10:00:00Z"]);
}

#[test]
fn an_occurrence_is_moved_or_cancelled_by_its_recurrence_id() {
    let series =
        ["UID:series", "DTSTART;TZID=Europe/Berlin:20260701T100000", "RRULE:FREQ=DAILY;COUNT=3"];
    let moved = [
        "UID:series",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260702T100000",
        "DTSTART;TZID=Europe/Berlin:20260702T150000",
    ];
    let cancelled = [
        "UID:series",
        "RECURRENCE-ID:20260703T080000Z",
        "DTSTART;TZID=Europe/Berlin:20260703T100000",
        "STATUS:CANCELLED",
    ];
    let text = calendar_of("", &[&series[..], &moved[..], &cancelled[..]]);
    let found = expand_ics(&text, None, at(FROM), at(TO));
    let starts: Vec<String> = found.occurrences.iter().map(|it| it.start.to_string()).collect();
    assert_eq!(starts, ["2026-07-01T08:00:00Z", "2026-07-02T13:00:00Z"]);
    assert_eq!(found.problems, []);
}

#[test]
fn a_cancelled_event_and_an_older_version_are_left_out() {
    let event = |more: &[&'static str]| [&["UID:one", "DTSTART:20260101T100000Z"], more].concat();
    let text = calendar_of("", &[&event(&[]), &event(&["SEQUENCE:1", "STATUS:CANCELLED"])]);
    assert_eq!(read_ics(&text, None).events, []);
    let text = calendar_of("", &[&event(&["SUMMARY:new", "SEQUENCE:2"]), &event(&["SEQUENCE:1"])]);
    let events = read_ics(&text, None).events;
    assert_eq!(events.iter().map(|it| it.summary.as_str()).collect::<Vec<_>>(), ["new"]);
}

#[test]
fn texts_are_unfolded_and_unescaped() {
    let text = calendar(
        "X-WR-CALNAME:Freezes\r\n",
        &[
            "DTSTART:20260101T100000Z",
            "SUMMARY:Year\\, end\\nfre\r\n eze",
            "CATEGORIES:payments\\, cards,billing",
            "CATEGORIES:audit",
            "STATUS:TENTATIVE",
            "TRANSP:TRANSPARENT",
            "URL:https://example.org/freeze",
        ],
    );
    let file = read_ics(&text, None);
    assert_eq!(file.name.as_deref(), Some("Freezes"));
    let event = &file.events[0];
    assert_eq!(event.summary, "Year, end\nfreeze");
    assert_eq!(event.categories, ["payments, cards", "billing", "audit"]);
    assert_eq!((event.status, event.transparent), (IcsStatus::Tentative, true));
    assert_eq!(event.url.as_deref(), Some("https://example.org/freeze"));
    assert_eq!(event.uid, "line-5");
}

#[test]
fn a_problem_names_its_line_and_what_would_help() {
    for (lines, expected) in [
        (&["SUMMARY:x"][..], "line 4: the event has no `DTSTART`"),
        (
            &["DTSTART:soon"],
            "line 5: `DTSTART` has the value `soon`, which is not a date or a time",
        ),
        (
            &["DTSTART;TZID=Atlantis:20260101T100000"],
            "line 5: the time zone `Atlantis` is not known",
        ),
        (
            &["SUMMARY:fol\r\n ded", "DTSTART:20260101T100000Z", "DTEND:20260101T090000Z"],
            "line 8: `DTEND` has the value `20260101T090000Z`, which is not at or after `DTSTART`",
        ),
        (
            &["DTSTART:20260101T100000Z", "DTEND;VALUE=DATE:20260102"],
            "line 6: `DTEND` is a date and `DTSTART` is not, or the other way round",
        ),
        (
            &["DTSTART:20260101T100000Z", "DTEND:20260101T110000Z", "DURATION:PT1H"],
            "line 7: `DTEND` and `DURATION` are both given",
        ),
        (
            &["DTSTART:20260101T100000Z", "RRULE:FREQ=DAILY;BYDAY=XX"],
            "line 6: bad recurrence rule `FREQ=DAILY;BYDAY=XX`: `BYDAY=XX` is not understood: \
             days named MO, TU, WE, TH, FR, SA, SU",
        ),
        (&["DTSTART:20260101T100000Z", "EXRULE:FREQ=DAILY"], "line 6: `EXRULE` is not supported"),
        (
            &["DTSTART:20260101T100000Z", "no colon here"],
            "line 6: this is not a line of the form `NAME:VALUE`",
        ),
        (
            &["DTSTART:20260101T100000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260101T100000Z"],
            "line 6: `RECURRENCE-ID with RANGE` is not supported",
        ),
    ] {
        let file = read_ics(&calendar("", lines), None);
        let told: Vec<String> = file.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, [expected]);
        assert!(!file.problems[0].help().is_empty());
    }
}

#[test]
fn occurrences_are_written_with_their_instants() {
    let text = calendar("", &["UID:u", "DTSTART;VALUE=DATE:20260101", "SUMMARY:New Year"]);
    let found = expand_ics(&text, None, at(FROM), at(TO)).occurrences;
    let expected = r#"[{"start":"2026-01-01T00:00:00Z","end":"2026-01-02T00:00:00Z","uid":"u","summary":"New Year","all_day":true}]"#;
    assert_eq!(serde_json::to_string(&found).unwrap(), expected);
}

const FROM: &str = "2026-01-01T00:00:00Z";
const TO: &str = "2027-01-01T00:00:00Z";

fn check(lines: &[&str], expected: &[(&str, &str)]) {
    let found = expand_ics(&calendar("", lines), None, at(FROM), at(TO));
    let spans: Vec<(String, String)> =
        found.occurrences.iter().map(|it| (it.start.to_string(), it.end.to_string())).collect();
    let expected: Vec<(String, String)> =
        expected.iter().map(|(start, end)| ((*start).to_owned(), (*end).to_owned())).collect();
    assert_eq!(spans, expected, "{lines:?}");
    assert_eq!(found.problems, [], "{lines:?}");
}

fn starts(lines: &[&str]) -> Vec<String> {
    let found = expand_ics(&calendar("", lines), None, at(FROM), at(TO));
    assert_eq!(found.problems, [], "{lines:?}");
    found.occurrences.iter().map(|it| it.start.to_string()).collect()
}

fn calendar(head: &str, lines: &[&str]) -> String {
    calendar_of(head, &[lines])
}

/// A calendar whose first event begins on line 4, plus the lines of `head`.
fn calendar_of(head: &str, events: &[&[&str]]) -> String {
    let mut text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n{head}");
    for event in events {
        text.push_str("BEGIN:VEVENT\r\n");
        for line in *event {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str("END:VEVENT\r\n");
    }
    text + "END:VCALENDAR\r\n"
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}
