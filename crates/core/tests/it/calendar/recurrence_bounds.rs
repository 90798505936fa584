//! Rules that were written to keep a machine busy end soon, with an answer or a named problem.

use sluice_core::calendar::{Reading, Schedule, ScheduleProblem};

/// What is expected of a rule over 2026.
enum Expected {
    Occurrences(usize),
    TooMany,
    Refused,
}
use Expected::{Occurrences, Refused, TooMany};

#[test]
fn hostile_rules_end() {
    check("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", Occurrences(0));
    check("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", Occurrences(0));
    check("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1000000", Occurrences(0));
    check("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", Occurrences(0));
    check("FREQ=MINUTELY;BYHOUR=23;BYMINUTE=59;BYMONTH=12;BYMONTHDAY=31", Occurrences(1));
    check("FREQ=MINUTELY;INTERVAL=1000000", Occurrences(1));
    check("FREQ=MINUTELY", TooMany);
    check("FREQ=MINUTELY;COUNT=1000000", Refused);
    check("FREQ=MINUTELY;BYMINUTE=59;BYHOUR=3;COUNT=100000", Refused);
    check("FREQ=HOURLY", Occurrences(8760));
    check("FREQ=HOURLY;BYSETPOS=2", Occurrences(0));
    check(
        &format!("FREQ=YEARLY;BYHOUR={};BYMINUTE={};BYSECOND={}", to(23), to(59), to(59)),
        TooMany,
    );
    check(&format!("FREQ=DAILY;BYSECOND={};BYSETPOS=-1", to(59)), Occurrences(365));
    check("FREQ=DAILY;INTERVAL=0", Refused);
    check("FREQ=DAILY;COUNT=0", Refused);
    check("FREQ=DAILY;COUNT=99999999999999999999", Refused);
    check("FREQ=SECONDLY", TooMany);
    check("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", Occurrences(0));
    check("FREQ=SECONDLY;BYHOUR=1;BYMINUTE=2;BYSECOND=3", TooMany);
    check("FREQ=DAILY;UNTIL=20269999", Refused);
    check("FREQ=DAILY;UNTIL=00010101", Occurrences(0));
    check("FREQ=DAILY;COUNT=2;UNTIL=20270101", Refused);
    check("FREQ=DAILY;FREQ=DAILY", Refused);
    check("FREQ=DAILY;BYDAY=1MO", Refused);
    check("FREQ=DAILY;BYDAY=É", Refused);
    check("FREQ=MONTHLY;BYDAY=0MO", Refused);
    check("FREQ=MONTHLY;BYDAY=99999999999MO", Refused);
    check("FREQ=YEARLY;BYMONTHDAY=-32768", Refused);
    check("RSCALE=HEBREW;FREQ=YEARLY", Refused);
    check("", Refused);
    check(&"FREQ=DAILY;".repeat(10_000), Refused);
}

/// `0,1,2,...,last`.
fn to(last: u8) -> String {
    (0..=last).map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

/// Expands an occurrence of 30 seconds over 2026; the schedule began in 1990.
fn check(rule: &str, expected: Expected) {
    let json = serde_json::json!(
        { "zone": "UTC", "start": "1990-01-01T00:00:00", "end": "PT30S", "rrule": rule }
    );
    let schedule: Schedule = serde_json::from_value(json).unwrap();
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    let to = "2027-01-01T00:00:00Z".parse().unwrap();
    let found = schedule.expand(from, to, Reading::Narrowest, 10_000);
    let as_expected = match (&found, &expected) {
        (Ok(expanded), Occurrences(count)) => expanded.occurrences.len() == *count,
        (Err(ScheduleProblem::TooManyOccurrences { .. }), TooMany) => true,
        (Err(ScheduleProblem::BadRule { problem, .. }), TooMany) => {
            problem.to_string().starts_with("the rule has more than")
                || problem.to_string().starts_with("the rule needs more than")
        }
        (Err(ScheduleProblem::BadRule { .. }), Refused) => true,
        _ => false,
    };
    let told = found.map(|expanded| expanded.occurrences.len());
    assert!(as_expected, "{}: {told:?}", rule.get(..80).unwrap_or(rule));
}
