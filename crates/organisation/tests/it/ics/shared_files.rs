//! Calendars of many programs, good and broken: each event is understood, cancelled, or there is
//! a problem.

use std::fs;
use std::path::{Path, PathBuf};

use sluice_organisation::ics::{IcsProblemKind, expand_ics, read_ics_bytes};

/// Files of well-formed calendars that are not understood whole, and why.
const NOT_UNDERSTOOD: &[(&str, &str)] = &[("1106817412.ics", "this is not UTF-8")];

#[test]
fn valid_calendars_are_understood_but_for_the_named_ones() {
    let Some(root) = shared() else { return };
    for path in files(&root.join("ical4j/valid")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let file = read_ics_bytes(&fs::read(&path).unwrap(), None);
        let told: Vec<String> = file.problems.iter().map(|it| it.kind.to_string()).collect();
        let expected: Vec<&str> =
            NOT_UNDERSTOOD.iter().filter(|(own, _)| *own == name).map(|(_, why)| *why).collect();
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn every_file_ends_in_events_or_in_problems() {
    let Some(root) = shared() else { return };
    let files = files(&root);
    assert!(files.len() > 150, "only {} files", files.len());
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let file = read_ics_bytes(&bytes, None);
        let unread = file.problems.iter().any(|it| it.kind == IcsProblemKind::NotUtf8);
        let events = text.lines().filter(|line| line.trim_end() == "BEGIN:VEVENT").count();
        let cancelled = text.matches(":CANCELLED").count();
        let told = file.events.len() + cancelled + file.problems.len();
        assert!(
            unread || told >= events,
            "{}: {} of {events} events",
            path.display(),
            file.events.len()
        );
        let from = "1990-01-01T00:00:00Z".parse().unwrap();
        let to = "2030-01-01T00:00:00Z".parse().unwrap();
        let expanded = expand_ics(&text, None, from, to);
        assert!(expanded.occurrences.is_sorted(), "{}", path.display());
    }
}

#[test]
fn finite_repetitions_of_a_real_calendar_come_out() {
    let Some(root) = shared() else { return };
    let text = fs::read_to_string(root.join("ical.js/samples-multiple_rrules.ics")).unwrap();
    let from = "2012-01-01T00:00:00Z".parse().unwrap();
    let found = expand_ics(&text, None, from, "2013-01-01T00:00:00Z".parse().unwrap());
    // 18 Mondays from 26 March to 23 July (the rule ends on 30 July, 06:59 UTC), and 18 Sundays
    // from 1 April to 29 July.
    assert_eq!(found.occurrences.len(), 36);
    assert_eq!(found.occurrences[0].start.to_string(), "2012-03-26T18:00:00Z");
}

fn shared() -> Option<PathBuf> {
    let root =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/icalendar"));
    if root.is_dir() {
        return Some(root);
    }
    assert!(
        std::env::var_os("SLUICE_REQUIRE_SHARED").is_none(),
        "shared data is required, and absent"
    );
    eprintln!("SKIPPED: shared data absent");
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|it| it == "ics") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}
