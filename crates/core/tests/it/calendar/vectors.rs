//! Published recurrence vectors of libical and dateutil, played through a whole schedule.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sluice_core::calendar::{Reading, Schedule, ScheduleEnd, parse_local};

use super::shared;

/// Vectors of libical that come out differently, and why.
const LIBICAL_DEVIATIONS: &[(&str, &str)] = &[
    (
        "RRULE:FREQ=YEARLY;BYMONTHDAY=29;COUNT=3",
        "`BYMONTHDAY` alone expands in every month (RFC 5545, 3.3.10); libical keeps the month",
    ),
    (
        "RRULE:FREQ=YEARLY;BYWEEKNO=53;INTERVAL=6;BYDAY=TH;COUNT=1",
        "3 January 2027 lies in the week-based year 2026, so years are counted from there, as in \
         libical's own vectors for other starts; here libical counts from 2027",
    ),
];

/// Vectors of dateutil that come out differently, and why. Those with `BYEASTER` (an
/// extension of dateutil) are refused and named by that word.
const DATEUTIL_DEVIATIONS: &[(&str, &str)] = &[(
    "testYearlyByWeekNo",
    "a week without a day means the weekday of the start (libical); dateutil takes all seven",
)];

struct Vector {
    name: String,
    lines: Vec<String>,
    expected: BTreeSet<DateTime>,
}

#[test]
fn libical_vectors_come_out_but_for_the_named_ones() {
    let Some(path) = shared("icalendar/libical-rrule-vectors.txt") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vec<Vector> = text.split("\n\n").filter_map(libical_vector).collect();
    assert_eq!(vectors.len(), 84);
    check_all(&vectors, |vector| LIBICAL_DEVIATIONS.iter().any(|(name, _)| *name == vector.name));
}

#[test]
fn dateutil_vectors_come_out_but_for_the_named_ones() {
    let Some(path) = shared("icalendar/dateutil-rrule-vectors.jsonl") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vec<Vector> = text.lines().map(dateutil_vector).collect();
    assert_eq!(vectors.len(), 133);
    check_all(&vectors, |vector| {
        let refused = |line: &String| line.contains("BYEASTER");
        vector.lines.iter().any(refused)
            || DATEUTIL_DEVIATIONS.iter().any(|(name, _)| *name == vector.name)
    });
}

fn check_all(vectors: &[Vector], deviates: impl Fn(&Vector) -> bool) {
    let wrong: Vec<String> = vectors
        .iter()
        .filter_map(|vector| {
            let found = play(vector);
            let as_expected = found.as_ref() == Ok(&vector.expected);
            (as_expected == deviates(vector)).then(|| {
                format!(
                    "{} {:?}\n  {:?}\n  {:?}",
                    vector.name, vector.lines, vector.expected, found
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{} differ from what is named:\n{}", wrong.len(), wrong.join("\n"));
}

/// Plays a vector in UTC and in the narrowest reading, which does not add the start by itself.
fn play(vector: &Vector) -> Result<BTreeSet<DateTime>, String> {
    let schedule = schedule(&vector.lines);
    let from = TimeZone::UTC.to_timestamp(schedule.start).unwrap();
    let endless = !vector.lines.iter().any(|it| it.contains("COUNT") || it.contains("UNTIL"));
    let to = match vector.expected.last() {
        Some(last) if endless => TimeZone::UTC.to_timestamp(*last).unwrap(),
        _ => "2400-01-01T00:00:00Z".parse().unwrap(),
    };
    let expanded = schedule
        .expand(from, to.checked_add(jiff::SignedDuration::from_secs(1)).unwrap(), READING, 5_000)
        .map_err(|problem| problem.to_string())?;
    Ok(expanded.occurrences.iter().map(|it| TimeZone::UTC.to_datetime(it.start)).collect())
}

const READING: Reading = Reading::Narrowest;

fn schedule(lines: &[String]) -> Schedule {
    let values = |name: &str| -> Vec<&str> {
        lines.iter().filter_map(|line| line.strip_prefix(name)).collect()
    };
    let start = values("DTSTART:")[0];
    let dates = |name: &str| values(name).into_iter().map(compact).collect();
    Schedule {
        zone: "UTC".to_owned(),
        start: compact(start),
        end: match start.contains('T') {
            true => "PT1S".parse::<ScheduleEnd>().unwrap(),
            false => "P1D".parse().unwrap(),
        },
        rrule: values("RRULE:").first().map(|rule| (*rule).to_owned()),
        rdates: dates("RDATE:"),
        exdates: dates("EXDATE:"),
        all_day: !start.contains('T'),
    }
}

fn libical_vector(block: &str) -> Option<Vector> {
    let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with('#')).collect();
    let rule = lines.iter().find(|line| line.starts_with("RRULE:"))?;
    let instances = lines.iter().find_map(|line| line.strip_prefix("INSTANCES:"))?;
    let lines: Vec<String> =
        lines.iter().filter(|it| !it.starts_with("INSTANCES")).map(|it| (*it).to_owned()).collect();
    let expected = if instances.contains("UNIMPLEMENTED") {
        // libical gives none; these are the 30th of December in a week 1.
        ["20241230", "20251230", "20301230", "20311230"].map(compact).into()
    } else {
        instances.split(',').map(compact).collect()
    };
    Some(Vector { name: (*rule).to_owned(), lines, expected })
}

fn dateutil_vector(line: &str) -> Vector {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    let expected = value["expected"].as_array().unwrap().iter();
    Vector {
        name: value["name"].as_str().unwrap().to_owned(),
        lines: value["rrule"].as_str().unwrap().split_whitespace().map(str::to_owned).collect(),
        expected: expected.map(|it| parse_local(it.as_str().unwrap()).unwrap()).collect(),
    }
}

/// Reads `20261231`, `20261231T180000` and `20261231T180000Z`.
fn compact(text: &str) -> DateTime {
    let digits = text.trim_end_matches('Z');
    let date = format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..8]);
    match digits.get(9..) {
        Some(time) => {
            parse_local(&format!("{date}T{}:{}:{}", &time[..2], &time[2..4], &time[4..6])).unwrap()
        }
        None => parse_local(&date).unwrap(),
    }
}
