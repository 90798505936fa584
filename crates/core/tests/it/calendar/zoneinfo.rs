//! Every zone, every change of its clocks from 1970 to 2037, beside Python's `zoneinfo`.
//!
//! Where the two machines' time zone data disagree about a change itself, nothing is compared;
//! that must stay rare.

use std::io::Write;
use std::process::{Command, Stdio};

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use sluice_core::calendar::{Reading, Schedule, ScheduleEnd};

use super::clocks::changes_of;

/// Start and end in minutes from the wall clock before the change.
const WINDOWS: [(i64, i64); 3] = [(-45, 20), (20, 300), (-30, -10)];

struct Question {
    zone: String,
    change: Timestamp,
    offsets: [i64; 2],
    schedule: Schedule,
}

#[test]
fn windows_around_every_change_are_what_python_makes_of_them() {
    let questions: Vec<Question> =
        TimeZoneDatabase::bundled().available().flat_map(|name| questions(name.as_str())).collect();
    let Some(answers) = ask(&questions) else { return };
    assert_eq!(answers.len(), questions.len());
    let differing = questions
        .iter()
        .zip(&answers)
        .filter(|(question, answer)| answer.get(..2) != Some(&question.offsets[..]));
    let other_data = differing.count();
    assert!(other_data * 20 < questions.len(), "{other_data} of {} differ", questions.len());
    for (question, answer) in questions.iter().zip(&answers) {
        if answer.get(..2) == Some(&question.offsets[..]) {
            check(question, answer);
        }
    }
}

fn check(question: &Question, answer: &[i64]) {
    let around = SignedDuration::from_hours(72);
    let expand = |reading| {
        let (from, to) = (question.change - around, question.change + around);
        let expanded = question.schedule.expand(from, to, reading, 10).unwrap();
        let spans = expanded.occurrences.iter();
        spans.map(|it| (it.start.as_second(), it.end.as_second())).collect::<Vec<_>>()
    };
    let &[_, _, first_start, last_start, first_end, last_end] = answer else {
        panic!("six numbers are due, not {answer:?}");
    };
    let spans = |start, end| if start < end { vec![(start, end)] } else { vec![] };
    let say = format!("{} at {}: {:?}", question.zone, question.change, question.schedule);
    assert_eq!(expand(Reading::Widest), spans(first_start, last_end), "widest, {say}");
    assert_eq!(expand(Reading::Narrowest), spans(last_start, first_end), "narrowest, {say}");
}

fn questions(name: &str) -> Vec<Question> {
    let zone = TimeZoneDatabase::bundled().get(name).unwrap();
    let offset = |at: Timestamp| i64::from(zone.to_offset(at).seconds());
    let mut questions = Vec::new();
    for change in changes_of(&zone) {
        let just_before = change - SignedDuration::from_secs(1);
        let offsets = [offset(just_before), offset(change)];
        let wall = TimeZone::UTC.to_datetime(change + SignedDuration::from_secs(offsets[0]));
        let local = |minutes| wall + SignedDuration::from_mins(minutes);
        questions.extend(WINDOWS.map(|(start, end)| Question {
            zone: name.to_owned(),
            change,
            offsets,
            schedule: Schedule {
                zone: name.to_owned(),
                start: local(start),
                end: ScheduleEnd::At(local(end)),
                rrule: None,
                rdates: vec![],
                exdates: vec![],
                all_day: false,
            },
        }));
    }
    questions
}

/// Asks Python; none (said loudly) where there is none.
fn ask(questions: &[Question]) -> Option<Vec<Vec<i64>>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle_zoneinfo.py");
    let spawned =
        Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = spawned else {
        eprintln!("SKIPPED: python3 absent");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let lines: Vec<String> = questions
        .iter()
        .map(|it| {
            let ScheduleEnd::At(end) = it.schedule.end else { unreachable!("all end at a time") };
            format!("{} {} {} {end}\n", it.zone, it.change.as_second(), it.schedule.start)
        })
        .collect();
    let writer = std::thread::spawn(move || {
        lines.iter().try_for_each(|line| stdin.write_all(line.as_bytes()))
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = |line: &str| line.split(' ').filter_map(|number| number.parse().ok()).collect();
    Some(text.lines().map(numbers).collect())
}
