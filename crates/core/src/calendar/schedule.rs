//! A schedule: local times in a zone, perhaps repeated, and the instants they mean.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use super::local::{LocalProblem, ScheduleEnd, parse_local};
use super::reading::{self, Length, Reading};
use super::recurrence::{Frequency, Request, Rule, RuleProblem};

/// The most explicit dates a schedule may list.
pub const DATES_LIMIT: usize = 10_000;
/// The most occurrences that a schedule may have within [`HORIZON_DAYS`] days.
pub const OCCURRENCES_LIMIT: usize = 10_000;
/// How far ahead windows are expanded, in days of 24 hours.
pub const HORIZON_DAYS: i64 = 400;
/// No zone is further than 26 hours from any other: local spans are asked for with this margin.
const ZONE_MARGIN: SignedDuration = SignedDuration::from_hours(30);
/// The occurrences that may lie in that margin, on top of those that are asked for: one a minute.
const MARGIN_OCCURRENCES: usize = 2 * 30 * 60 + 1;

/// When something takes place, in local times of one zone.
///
/// Occurrences are the start, what `rrule` makes of it and `rdates`, without `exdates`; each is
/// half-open: its start belongs to it, its end does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// IANA name of the zone, or `UTC`.
    pub zone: String,
    /// Local start of the first occurrence; a bare date is its midnight.
    #[serde(deserialize_with = "local")]
    pub start: DateTime,
    /// Local end of the first occurrence, or the length of each.
    pub end: ScheduleEnd,
    /// Recurrence rule as in RFC 5545, such as `FREQ=WEEKLY;BYDAY=FR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rrule: Option<String>,
    /// Further local starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "locals")]
    pub rdates: Vec<DateTime>,
    /// Local starts that do not take place.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "locals")]
    pub exdates: Vec<DateTime>,
    /// Whether occurrences are whole days, from midnight to midnight of the zone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_day: bool,
}

/// One span of instants; its start belongs to it, its end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Occurrence {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

/// The occurrences of a schedule that reach into a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The first instant that was asked for.
    pub from: Timestamp,
    /// The first instant that was not asked for any more.
    pub to: Timestamp,
    /// Sorted by start, each once; they may overlap.
    pub occurrences: Vec<Occurrence>,
}

/// Why a schedule cannot be read or expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleProblem {
    /// No such zone.
    #[error("`{zone}` is not an IANA time zone")]
    UnknownZone {
        /// The name as written.
        zone: String,
    },
    /// The first occurrence ends before it starts.
    #[error("the end `{end}` is before the start `{start}`")]
    EndBeforeStart {
        /// The start.
        start: DateTime,
        /// The end, or the length.
        end: ScheduleEnd,
    },
    /// The recurrence rule is not read or not expanded.
    #[error("bad recurrence rule `{rrule}`: {problem}")]
    BadRule {
        /// The rule as written.
        rrule: String,
        /// What is wrong with it.
        problem: RuleProblem,
    },
    /// A whole-day schedule has a time of day.
    #[error("`{local}` is not a whole day")]
    NotAWholeDay {
        /// The local time or length that is not.
        local: String,
    },
    /// There are more occurrences than allowed.
    #[error("there are more than {limit} occurrences")]
    TooManyOccurrences {
        /// The most that is given.
        limit: usize,
    },
    /// A time lies at the edge of the calendar.
    #[error("`{local}` is too far away")]
    OutOfRange {
        /// The local time.
        local: DateTime,
    },
}

impl ScheduleProblem {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            ScheduleProblem::UnknownZone { .. } => "write a zone such as `Europe/Berlin` or `UTC`",
            ScheduleProblem::EndBeforeStart { .. } => {
                "the end is the first time that is not part of it any more: \
                 it must come after the start"
            }
            ScheduleProblem::BadRule { .. } => {
                "write a rule of RFC 5545 such as `FREQ=WEEKLY;BYDAY=FR;BYHOUR=18`"
            }
            ScheduleProblem::NotAWholeDay { .. } => {
                "with `all_day` write dates, or lengths of whole days such as `P2D`"
            }
            ScheduleProblem::TooManyOccurrences { .. } => {
                "one long occurrence says more than many short ones"
            }
            ScheduleProblem::OutOfRange { .. } => "write a year between 1900 and 2200",
        }
    }
}

/// From the beginning of one date to the end of another, on the clock of UTC.
fn span_of(first: Date, last: Date) -> Result<(Timestamp, Timestamp), ScheduleProblem> {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).map(|it| it.timestamp()).ok();
    let out_of_range = |date: Date| ScheduleProblem::OutOfRange { local: date.into() };
    let from = midnight(first).ok_or_else(|| out_of_range(first))?;
    let after = last.tomorrow().ok().and_then(midnight);
    Ok((from, after.ok_or_else(|| out_of_range(last))?))
}

impl Schedule {
    /// Names the first thing that is wrong with this schedule.
    pub fn validate(&self) -> Result<(), ScheduleProblem> {
        let zone = reading::zone(&self.zone)?;
        if let ScheduleEnd::At(end) = self.end
            && end < self.start
        {
            return Err(ScheduleProblem::EndBeforeStart { start: self.start, end: self.end });
        }
        self.check_range()?;
        self.check_whole_days()?;
        if self.rdates.len() > DATES_LIMIT || self.exdates.len() > DATES_LIMIT {
            return Err(ScheduleProblem::TooManyOccurrences { limit: DATES_LIMIT });
        }
        let out_of_range = || ScheduleProblem::OutOfRange { local: self.start };
        let (from, _) = reading::instants(&zone, self.start).ok_or_else(out_of_range)?;
        let horizon = SignedDuration::from_hours(HORIZON_DAYS * 24);
        let to = from.checked_add(horizon).map_err(|_| out_of_range())?;
        self.expand(from, to, Reading::Widest, OCCURRENCES_LIMIT).map(|_| ())
    }

    /// Whether nothing can lie within an occurrence, because it has no length.
    pub fn is_instantaneous(&self) -> bool {
        Length::between(self.start, self.end).usual().is_zero()
    }

    /// Whether its rule goes by seconds.
    pub(super) fn is_secondly(&self) -> bool {
        let rule = self.rrule.as_ref().and_then(|text| text.parse::<Rule>().ok());
        rule.is_some_and(|rule| rule.frequency == Frequency::Secondly)
    }

    /// The occurrences that reach into `[from, to)`, at most `limit` of them.
    ///
    /// One without length (a calendar entry that only marks a time) reaches into the span when
    /// it lies in it. A start that its own rule does not match means nothing (RFC 5545, 3.8.5.3,
    /// leaves it open), except in the widest reading, where it is an occurrence too.
    pub fn expand(
        &self,
        from: Timestamp,
        to: Timestamp,
        reading: Reading,
        limit: usize,
    ) -> Result<Expanded, ScheduleProblem> {
        let zone = reading::zone(&self.zone)?;
        let length = Length::between(self.start, self.end);
        let starts = self.local_starts(&zone, from, to, reading, limit)?;
        let reaches = |it: &Occurrence| {
            it.start < to && (it.end > from || (it.start == it.end && it.start >= from))
        };
        let mut occurrences: Vec<Occurrence> = starts
            .into_iter()
            .filter_map(|start| reading.occurrence(&zone, start, &length))
            .filter(reaches)
            .collect();
        occurrences.sort_unstable();
        occurrences.dedup();
        if occurrences.len() > limit {
            return Err(ScheduleProblem::TooManyOccurrences { limit });
        }
        Ok(Expanded { from, to, occurrences })
    }

    /// The local starts from one date to another, both included, `exdates` or not.
    ///
    /// # Errors
    ///
    /// As [`Schedule::expand`], with at most [`OCCURRENCES_LIMIT`] starts.
    pub fn starts_between(
        &self,
        first: Date,
        last: Date,
    ) -> Result<BTreeSet<DateTime>, ScheduleProblem> {
        let zone = reading::zone(&self.zone)?;
        let (from, to) = span_of(first, last)?;
        let every = Self { exdates: Vec::new(), ..self.clone() };
        let starts = every.local_starts(&zone, from, to, Reading::Widest, OCCURRENCES_LIMIT)?;
        Ok(starts.into_iter().filter(|at| (first..=last).contains(&at.date())).collect())
    }

    /// About how many steps [`Schedule::starts_between`] may take.
    pub fn steps_between(&self, first: Date, last: Date) -> u64 {
        span_of(first, last).map_or(1, |(from, to)| self.expansion_steps(from, to))
    }

    /// About how many steps [`Schedule::expand`] may take over `[from, to)`, for callers that
    /// expand many schedules and want a bound on them all.
    pub fn expansion_steps(&self, from: Timestamp, to: Timestamp) -> u64 {
        let dates = (self.rdates.len() + self.exdates.len() + 1) as u64;
        let rule = self.rrule.as_ref().and_then(|text| text.parse::<Rule>().ok());
        let Some(rule) = rule else { return dates };
        let length = Length::between(self.start, self.end).usual();
        let earliest = TimeZone::UTC.to_datetime(from).saturating_sub(length + ZONE_MARGIN);
        let latest = TimeZone::UTC.to_datetime(to).saturating_add(ZONE_MARGIN);
        dates.saturating_add(rule.steps(self.start, earliest..latest))
    }

    /// All local starts whose occurrences might reach into `[from, to)`, and a few more.
    fn local_starts(
        &self,
        zone: &TimeZone,
        from: Timestamp,
        to: Timestamp,
        reading: Reading,
        limit: usize,
    ) -> Result<BTreeSet<DateTime>, ScheduleProblem> {
        let length = Length::between(self.start, self.end).usual();
        let earliest = TimeZone::UTC.to_datetime(from).saturating_sub(length + ZONE_MARGIN);
        let latest = TimeZone::UTC.to_datetime(to).saturating_add(ZONE_MARGIN);
        let mut starts: BTreeSet<DateTime> =
            self.rdates.iter().copied().filter(|at| (earliest..latest).contains(at)).collect();
        let Some(text) = &self.rrule else {
            starts.insert(self.start);
            self.remove_exdates(&mut starts);
            return Ok(starts);
        };
        let bad = |problem| ScheduleProblem::BadRule { rrule: text.clone(), problem };
        let rule: Rule = text.parse().map_err(bad)?;
        let last = rule.last_local(zone, reading);
        let request = Request {
            start: self.start,
            all_day: self.all_day,
            last,
            span: earliest..latest,
            limit: limit.saturating_add(self.exdates.len()).saturating_add(MARGIN_OCCURRENCES),
        };
        starts.extend(rule.expand(&request).map_err(bad)?);
        if reading == Reading::Widest {
            starts.insert(self.start);
        }
        self.remove_exdates(&mut starts);
        Ok(starts)
    }

    fn remove_exdates(&self, starts: &mut BTreeSet<DateTime>) {
        for excluded in &self.exdates {
            starts.remove(excluded);
        }
    }

    fn check_range(&self) -> Result<(), ScheduleProblem> {
        let mut all = self.rdates.iter().chain(&self.exdates).chain([&self.start]);
        match all.find(|local| !(1..=9_000).contains(&local.year())) {
            Some(local) => Err(ScheduleProblem::OutOfRange { local: *local }),
            None => Ok(()),
        }
    }

    fn check_whole_days(&self) -> Result<(), ScheduleProblem> {
        if !self.all_day {
            return Ok(());
        }
        let ends_at = match self.end {
            ScheduleEnd::At(end) => Some(end),
            ScheduleEnd::After(lasting) if lasting.seconds > 0 => {
                return Err(ScheduleProblem::NotAWholeDay { local: lasting.to_string() });
            }
            ScheduleEnd::After(_) => None,
        };
        let mut all = self.rdates.iter().chain(&self.exdates).chain([&self.start]).chain(&ends_at);
        match all.find(|local| local.time() != Time::midnight()) {
            Some(local) => Err(ScheduleProblem::NotAWholeDay { local: local.to_string() }),
            None => Ok(()),
        }
    }
}

impl Expanded {
    /// Whether any occurrence holds `instant`.
    ///
    /// A binary search; occurrences that overlap are looked at one by one.
    pub fn contains(&self, instant: Timestamp) -> bool {
        let begun = self.occurrences.partition_point(|it| it.start <= instant);
        self.occurrences.iter().take(begun).rev().any(|it| instant < it.end)
    }

    /// The same span of instants as the fewest spans that neither overlap nor touch.
    pub fn merged(&self) -> Vec<Occurrence> {
        let mut merged: Vec<Occurrence> = Vec::new();
        for it in &self.occurrences {
            match merged.last_mut() {
                Some(last) if it.start <= last.end => last.end = last.end.max(it.end),
                Some(_) | None => merged.push(*it),
            }
        }
        merged
    }
}

fn local<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_local(&text).map_err(serde::de::Error::custom)
}

fn locals<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DateTime>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let read: Result<Vec<DateTime>, LocalProblem> =
        texts.iter().map(|text| parse_local(text)).collect();
    read.map_err(serde::de::Error::custom)
}
