//! Cron expressions as recurrence rules.
//!
//! Calendars know rules of RFC 5545 only. A cron expression with a time and either days of the
//! month or days of the week says the same; what has no such rule is refused by name.

use croner::Cron;
use jiff::civil::{DateTime, date};

/// A cron expression in words of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CronRule {
    /// The first local time at which it fires.
    pub(crate) start: DateTime,
    /// When it fires from then on.
    pub(crate) rrule: String,
}

/// Why there is no rule for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CronProblem {
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

/// The longest expression that is read, in bytes.
const TEXT_LIMIT_BYTES: usize = 256;
/// The most times on one day.
const TIMES_LIMIT: usize = 96;
/// Days within which every date comes round, 29 February of a week included.
const SEARCH_DAYS: usize = 366 * 9;
const FORM_HELP: &str =
    "write minute, hour, day of the month, month and day of the week, such as `0 18 * * FRI`";
const RULE_HELP: &str = "write it as `rrule`, such as `FREQ=MONTHLY;BYDAY=-1FR`, with a `start`";
const WEEKDAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/// The rule that fires when the expression does, from its first time on or after `from` (when not
/// given: the beginning of 2025).
pub(crate) fn to_rule(text: &str, from: Option<DateTime>) -> Result<CronRule, CronProblem> {
    let problem = |message: String, help| Err(CronProblem { message, help });
    let fields = text.split_whitespace().count();
    if text.len() > TEXT_LIMIT_BYTES || (fields != 5 && !text.trim_start().starts_with('@')) {
        let message = "a cron expression has five fields".to_owned();
        return problem(message, FORM_HELP);
    }
    let cron: Cron = match text.parse() {
        Ok(cron) => cron,
        Err(error) => return problem(lower_first(&error.to_string()), FORM_HELP),
    };
    let pattern = &cron.pattern;
    if pattern.days.has_modifiers() || pattern.days_of_week.has_modifiers() {
        let message = "`L`, `W` and `#` are not read here".to_owned();
        return problem(message, RULE_HELP);
    }
    let times = Fields {
        minutes: pattern.minutes.values(),
        hours: pattern.hours.values(),
        days: (!pattern.is_dom_wildcard()).then(|| pattern.days.values()),
        months: pattern.months.values(),
        weekdays: (!pattern.is_dow_wildcard()).then(|| weekdays(&pattern.days_of_week.values())),
    };
    if times.days.is_some() && times.weekdays.is_some() {
        let message = "a day of the month *or* of the week is no single rule".to_owned();
        return problem(message, RULE_HELP);
    }
    if times.minutes.len() * times.hours.len() > TIMES_LIMIT {
        let message = format!("it fires more than {TIMES_LIMIT} times a day");
        return problem(message, "give the window a `duration` and let it begin less often");
    }
    let from = from.unwrap_or_else(|| date(2025, 1, 1).at(0, 0, 0, 0));
    match times.first(from) {
        Some(start) => Ok(CronRule { start, rrule: times.rule() }),
        None => problem("it never fires".to_owned(), FORM_HELP),
    }
}

/// The values of each field; none for days where every day is meant.
struct Fields {
    minutes: Vec<u16>,
    hours: Vec<u16>,
    days: Option<Vec<u16>>,
    months: Vec<u16>,
    /// 0 is Sunday.
    weekdays: Option<Vec<u16>>,
}

impl Fields {
    fn rule(&self) -> String {
        let mut rule = match (&self.days, &self.weekdays) {
            (Some(days), _) => format!("FREQ=MONTHLY;BYMONTHDAY={}", list(days)),
            (None, Some(days)) => {
                let names: Vec<&str> = days
                    .iter()
                    .filter_map(|day| WEEKDAYS.get(usize::from(*day)).copied())
                    .collect();
                format!("FREQ=WEEKLY;BYDAY={}", names.join(","))
            }
            (None, None) => "FREQ=DAILY".to_owned(),
        };
        if self.months.len() < 12 {
            rule.push_str(&format!(";BYMONTH={}", list(&self.months)));
        }
        rule.push_str(&format!(";BYHOUR={}", list(&self.hours)));
        rule.push_str(&format!(";BYMINUTE={};BYSECOND=0", list(&self.minutes)));
        rule
    }

    /// The first time at or after `from`.
    fn first(&self, from: DateTime) -> Option<DateTime> {
        let mut day = from.date();
        for _ in 0..SEARCH_DAYS {
            if self.has_day(day) {
                let times = self.hours.iter().flat_map(|hour| {
                    let minutes = self.minutes.iter();
                    minutes.filter_map(|minute| at(day, *hour, *minute))
                });
                if let Some(found) = times.filter(|time| *time >= from).min() {
                    return Some(found);
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn has_day(&self, day: jiff::civil::Date) -> bool {
        let number = |value: i8| u16::from(value.unsigned_abs());
        let weekday = number(day.weekday().to_sunday_zero_offset());
        self.months.contains(&number(day.month()))
            && self.days.as_ref().is_none_or(|days| days.contains(&number(day.day())))
            && self.weekdays.as_ref().is_none_or(|days| days.contains(&weekday))
    }
}

fn at(day: jiff::civil::Date, hour: u16, minute: u16) -> Option<DateTime> {
    Some(day.at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0))
}

/// 7 is Sunday too.
fn weekdays(values: &[u16]) -> Vec<u16> {
    let mut days: Vec<u16> = values.iter().map(|day| day % 7).collect();
    days.sort_unstable();
    days.dedup();
    days
}

fn list(values: &[u16]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(",")
}

fn lower_first(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_become_rules_with_their_first_time() {
        for (text, start, rrule) in [
            (
                "0 18 * * FRI",
                "2025-01-03T18:00:00",
                "FREQ=WEEKLY;BYDAY=FR;BYHOUR=18;BYMINUTE=0;BYSECOND=0",
            ),
            (
                "0 18 * * 5",
                "2025-01-03T18:00:00",
                "FREQ=WEEKLY;BYDAY=FR;BYHOUR=18;BYMINUTE=0;BYSECOND=0",
            ),
            ("30 2 * * *", "2025-01-01T02:30:00", "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0"),
            (
                "0 9 * * SUN,7",
                "2025-01-05T09:00:00",
                "FREQ=WEEKLY;BYDAY=SU;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
            ),
            (
                "0 0 1 */3 *",
                "2025-01-01T00:00:00",
                "FREQ=MONTHLY;BYMONTHDAY=1;BYMONTH=1,4,7,10;BYHOUR=0;BYMINUTE=0;BYSECOND=0",
            ),
            (
                "@weekly",
                "2025-01-05T00:00:00",
                "FREQ=WEEKLY;BYDAY=SU;BYHOUR=0;BYMINUTE=0;BYSECOND=0",
            ),
        ] {
            let expected = CronRule { start: start.parse().expect("a time"), rrule: rrule.into() };
            assert_eq!(to_rule(text, None), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_rule_is_refused() {
        for (text, message) in [
            ("0 18 * *", "a cron expression has five fields"),
            ("", "a cron expression has five fields"),
            ("0 0 13 * FRI", "a day of the month *or* of the week is no single rule"),
            ("0 0 L * *", "`L`, `W` and `#` are not read here"),
            ("0 0 * * FRI#2", "`L`, `W` and `#` are not read here"),
            ("* * * * *", "it fires more than 96 times a day"),
            ("0 0 31 2 *", "it never fires"),
        ] {
            assert_eq!(to_rule(text, None).map_err(|it| it.message), Err(message.into()), "{text}");
        }
        assert!(to_rule("61 25 * * *", None).is_err());
    }
}
