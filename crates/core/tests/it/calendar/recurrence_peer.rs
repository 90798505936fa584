//! Random rules beside another implementation, in UTC, where both should agree.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use sluice_core::calendar::recurrence::{Request, Rule};

const COMPARED: u16 = 60;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_rules_expand_as_the_peer_has_it(rule in rule(), start in start()) {
        let theirs = peer(&rule, start);
        let ours = ours(&rule, start, theirs.last().copied());
        prop_assert_eq!(ours, theirs, "{} from {}", rule, start);
    }

    #[test]
    fn jumping_ahead_finds_what_walking_finds(rule in rule(), start in start(), days in 0_i64..2_000) {
        let rule: Rule = rule.parse().unwrap();
        let from = start + jiff::SignedDuration::from_hours(days * 24 + 7);
        let to = from + jiff::SignedDuration::from_hours(24 * 90);
        let expand = |span| rule.expand(&Request {
            start, all_day: false, last: None, span, limit: 100_000,
        });
        if let (Ok(walked), Ok(jumped)) = (expand(start..to), expand(from..to)) {
            let walked: Vec<DateTime> = walked.into_iter().filter(|it| *it >= from).collect();
            prop_assert_eq!(walked, jumped);
        }
    }
}

fn ours(rule: &str, start: DateTime, last: Option<DateTime>) -> Vec<DateTime> {
    let end = match last {
        Some(last) => last + jiff::SignedDuration::from_secs(1),
        None => start + jiff::SignedDuration::from_hours(24 * 366 * 20),
    };
    let request = Request { start, all_day: false, last: None, span: start..end, limit: 1_000_000 };
    rule.parse::<Rule>().unwrap().expand(&request).unwrap()
}

fn peer(rule: &str, start: DateTime) -> Vec<DateTime> {
    let text = format!("DTSTART:{}Z\nRRULE:{rule}", start.strftime("%Y%m%dT%H%M%S"));
    let set: rrule::RRuleSet = text.parse().unwrap();
    let dates = set.all(COMPARED).dates;
    let civil = |seconds| TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(seconds).unwrap());
    dates.iter().map(|date| civil(date.timestamp())).collect()
}

fn start() -> impl Strategy<Value = DateTime> {
    (1998_i16..2030, 1_i8..=12, 1_i8..=28, 0_i8..24, 0_i8..60).prop_map(
        |(year, month, day, hour, minute)| {
            jiff::civil::date(year, month, day).at(hour, minute, 0, 0)
        },
    )
}

/// Rules that do match now and then; no week numbers, where the peer differs from the RFC.
fn rule() -> impl Strategy<Value = String> {
    let frequency = prop::sample::select(vec!["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]);
    let weekdays = list(prop::sample::select(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), 4);
    (
        frequency,
        1_u32..5,
        prop::option::weighted(0.4, weekdays),
        prop::option::weighted(0.3, list(1_i8..=12, 5)),
        prop::option::weighted(0.3, list(prop_oneof![1_i8..=28, -28_i8..=-1], 5)),
        prop::option::weighted(0.3, list(0_i8..24, 4)),
        prop::option::weighted(0.2, list(prop_oneof![1_i8..=3, -3_i8..=-1], 2)),
        prop::sample::select(vec!["MO", "SU", "TH"]),
    )
        .prop_map(|(frequency, interval, days, months, month_days, hours, positions, week)| {
            let mut rule = format!("FREQ={frequency};INTERVAL={interval};WKST={week}");
            let month_days = month_days.filter(|_| frequency != "WEEKLY");
            let selects = days.is_some() || month_days.is_some() || hours.is_some();
            let parts = [
                ("BYDAY", days),
                ("BYMONTH", months),
                ("BYMONTHDAY", month_days),
                ("BYHOUR", hours),
                // The peer takes positions of a first week from the start on, not of all of it.
                (
                    "BYSETPOS",
                    positions.filter(|_| selects && !["HOURLY", "WEEKLY"].contains(&frequency)),
                ),
            ];
            for (name, values) in parts {
                if let Some(values) = values {
                    rule.push_str(&format!(";{name}={values}"));
                }
            }
            rule
        })
}

fn list<T: std::fmt::Display + Ord + 'static>(
    item: impl Strategy<Value = T> + 'static,
    most: usize,
) -> impl Strategy<Value = String> {
    prop::collection::btree_set(item, 1..=most)
        .prop_map(|items| items.iter().map(T::to_string).collect::<Vec<_>>().join(","))
}
