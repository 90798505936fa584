//! `sluice calendar expand` prints occurrences as JSON.

use crate::support::{files, finish, run, shared, sluice};

const FREEZE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n\
    UID:freeze\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Weekly freeze\r\n\
    DTSTART;TZID=Europe/Berlin:20260320T180000\r\nDTEND;TZID=Europe/Berlin:20260320T200000\r\n\
    RRULE:FREQ=WEEKLY;COUNT=3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn a_rule_keeps_its_local_time_over_the_change_of_the_clocks() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("freeze.ics");
    std::fs::write(&file, FREEZE).unwrap();
    let ran = run([
        "calendar",
        "expand",
        file.to_str().unwrap(),
        "--from",
        "2026-03-01T00:00:00Z",
        "--to",
        "2026-05-01T00:00:00Z",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let found = ran.json();
    let starts: Vec<&str> =
        found.as_array().unwrap().iter().map(|it| it["start"].as_str().unwrap()).collect();
    assert_eq!(
        starts,
        ["2026-03-20T17:00:00Z", "2026-03-27T17:00:00Z", "2026-04-03T16:00:00Z"],
        "{}",
        ran.all()
    );
    assert_eq!(found[0]["summary"], "Weekly freeze");
}

#[test]
fn a_line_that_is_not_understood_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.ics");
    std::fs::write(&file, FREEZE.replace("FREQ=WEEKLY", "FREQ=OFTEN")).unwrap();
    let ran = run([
        "calendar",
        "expand",
        file.to_str().unwrap(),
        "--from",
        "2026-03-01",
        "--to",
        "2026-05-01",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stderr.contains("bad.ics:"), "{}", ran.all());
}

#[test]
fn no_calendar_of_others_makes_the_program_fail_without_a_word() {
    let Some(folder) = shared("icalendar") else { return };
    let files = files(&folder, "ics");
    assert!(!files.is_empty());
    for file in files.iter().take(60) {
        let ran = finish(sluice().arg("calendar").arg("expand").arg(file).args([
            "--from",
            "2020-01-01",
            "--to",
            "2020-03-01",
        ]));
        assert!(matches!(ran.code, 0 | 1), "{}: {}", file.display(), ran.all());
        assert!(ran.code == 0 || !ran.stderr.is_empty(), "{}", file.display());
    }
}
