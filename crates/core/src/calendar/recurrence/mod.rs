//! Recurrence rules of RFC 5545 (`RRULE`), expanded over local times.
//!
//! A rule knows nothing of zones: it turns one local time into many. What instant a local time
//! is, and which of two when clocks go back, is decided by [`super::Reading`]. Expansion jumps
//! straight to the asked span unless the rule counts, and its work is bounded in any case.
//!
//! Where calendar programs disagree, this reads the RFC as follows:
//! - a yearly rule with `BYWEEKNO` counts week-based years, and takes the weekday of the start
//!   when no day is given (libical; dateutil takes the whole week);
//! - a yearly rule with `BYMONTHDAY` alone speaks of every month (dateutil; libical only of the
//!   month of the start);
//! - `BYDAY=1MO` needs a monthly or yearly rule, and is refused elsewhere;
//! - calendars other than the Gregorian one, and `BYEASTER`, are refused.

mod days;
mod expand;
mod parse;

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

pub use expand::Request;

use super::Reading;

/// How often the period of a rule begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frequency {
    /// Every year, or every week-based year together with `BYWEEKNO`.
    Yearly,
    /// Every calendar month.
    Monthly,
    /// Every week, beginning on the rule's week start.
    Weekly,
    /// Every day.
    Daily,
    /// Every hour of the wall clock.
    Hourly,
    /// Every minute of the wall clock.
    Minutely,
    /// Every second of the wall clock; no window may be so busy.
    Secondly,
}

/// A weekday, perhaps only the n-th of its month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NthWeekday {
    /// Which one, counted from the end when negative; none means each of them.
    pub nth: Option<i8>,
    /// The day of the week.
    pub weekday: Weekday,
}

/// When a rule stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It does not.
    Never,
    /// After this many occurrences.
    Count(u32),
    /// With the last occurrence at or before this time of the schedule's own zone.
    Local(DateTime),
    /// With the last occurrence at or before this time in UTC.
    Utc(DateTime),
    /// With the last occurrence on or before this date.
    On(Date),
}

/// One parsed recurrence rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The length of a period.
    pub frequency: Frequency,
    /// Every how many periods, at least 1.
    pub interval: u32,
    /// When it stops.
    pub ending: Ending,
    /// The first day of a week.
    pub week_start: Weekday,
    pub(super) by_month: BTreeSet<i8>,
    pub(super) by_week_no: BTreeSet<i8>,
    pub(super) by_year_day: BTreeSet<i16>,
    pub(super) by_month_day: BTreeSet<i8>,
    pub(super) by_day: Vec<NthWeekday>,
    pub(super) by_hour: BTreeSet<i8>,
    pub(super) by_minute: BTreeSet<i8>,
    pub(super) by_second: BTreeSet<i8>,
    pub(super) by_set_position: BTreeSet<i16>,
}

/// Why a rule cannot be read or expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// The text is longer than any honest rule.
    #[error("the rule is longer than {limit} bytes")]
    TooLong {
        /// The most that is read.
        limit: usize,
    },
    /// A part is not `NAME=VALUE`.
    #[error("`{part}` is not of the form `NAME=VALUE`")]
    NotAPart {
        /// The part as written.
        part: String,
    },
    /// A part has a name that RFC 5545 does not know.
    #[error("`{name}` is not a part of a recurrence rule")]
    UnknownPart {
        /// The name as written.
        name: String,
    },
    /// A part is given twice.
    #[error("`{name}` is given more than once")]
    DuplicatePart {
        /// The name of the part.
        name: String,
    },
    /// A part has a value outside of what it may have.
    #[error("`{name}={value}` is not understood: {expected}")]
    BadValue {
        /// The name of the part.
        name: String,
        /// The value as written.
        value: String,
        /// What would have been understood.
        expected: &'static str,
    },
    /// `FREQ` is missing.
    #[error("`FREQ` is missing")]
    NoFrequency,
    /// `COUNT` and `UNTIL` exclude one another.
    #[error("`COUNT` and `UNTIL` are both given")]
    CountAndUntil,
    /// A valid rule that Sluice does not expand.
    #[error("`{what}` is not supported")]
    Unsupported {
        /// The part with its value.
        what: String,
    },
    /// The rule has more occurrences in the asked span than allowed.
    #[error("the rule has more than {limit} occurrences")]
    TooManyOccurrences {
        /// The most that is given.
        limit: usize,
    },
    /// Expanding the rule needs more steps than allowed.
    #[error("the rule needs more than {limit} steps to expand")]
    TooMuchWork {
        /// The most that is done.
        limit: u64,
    },
}

impl Rule {
    /// The last local time at which the rule may still match, or none when it has no such end.
    ///
    /// A bare date as `UNTIL` includes that whole day, except in the narrowest reading.
    pub fn last_local(&self, zone: &TimeZone, reading: Reading) -> Option<DateTime> {
        match self.ending {
            Ending::Never | Ending::Count(_) => None,
            Ending::Local(last) => Some(last),
            Ending::Utc(last) => {
                let instant = TimeZone::UTC.to_ambiguous_timestamp(last).compatible().ok()?;
                Some(zone.to_datetime(instant))
            }
            Ending::On(date) => Some(match reading {
                Reading::Widest | Reading::Nominal => date.at(23, 59, 59, 999_999_999),
                Reading::Narrowest => date.at(0, 0, 0, 0),
            }),
        }
    }
}
