//! Which days a rule speaks of.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};

use super::{Frequency, NthWeekday, Rule};

/// The day filter of a rule, completed with what its start implies.
#[derive(Debug)]
pub(super) struct DayFilter {
    frequency: Frequency,
    week_start: Weekday,
    months: BTreeSet<i8>,
    week_nos: BTreeSet<i8>,
    year_days: BTreeSet<i16>,
    month_days: BTreeSet<i8>,
    days: Vec<NthWeekday>,
}

impl DayFilter {
    /// The filter of `rule` for a schedule that begins at `start`.
    ///
    /// A rule that names no day takes day, weekday or month from its start (RFC 5545, 3.3.10).
    pub(super) fn new(rule: &Rule, start: DateTime) -> DayFilter {
        let mut filter = DayFilter {
            frequency: rule.frequency,
            week_start: rule.week_start,
            months: rule.by_month.clone(),
            week_nos: rule.by_week_no.clone(),
            year_days: rule.by_year_day.clone(),
            month_days: rule.by_month_day.clone(),
            days: rule.by_day.clone(),
        };
        let names_days = !(rule.by_day.is_empty()
            && rule.by_month_day.is_empty()
            && rule.by_year_day.is_empty());
        let its_weekday = NthWeekday { nth: None, weekday: start.weekday() };
        match rule.frequency {
            Frequency::Yearly if names_days => {}
            Frequency::Yearly if !rule.by_week_no.is_empty() => filter.days.push(its_weekday),
            Frequency::Yearly => {
                if rule.by_month.is_empty() {
                    filter.months.insert(start.month());
                }
                filter.month_days.insert(start.day());
            }
            Frequency::Monthly if !names_days && rule.by_week_no.is_empty() => {
                filter.month_days.insert(start.day());
            }
            Frequency::Weekly if !names_days && rule.by_week_no.is_empty() => {
                filter.days.push(its_weekday);
            }
            Frequency::Monthly
            | Frequency::Weekly
            | Frequency::Daily
            | Frequency::Hourly
            | Frequency::Minutely
            | Frequency::Secondly => {}
        }
        filter
    }

    /// Whether the rule speaks of `date`.
    pub(super) fn admits(&self, date: Date) -> bool {
        (self.months.is_empty() || self.months.contains(&date.month()))
            && self.admits_month_day(date)
            && self.admits_weekday(date)
            && self.admits_year_day(date)
            && self.admits_week_no(date)
    }

    fn admits_month_day(&self, date: Date) -> bool {
        self.month_days.is_empty()
            || self.month_days.contains(&date.day())
            || self.month_days.contains(&(date.day() - date.days_in_month() - 1))
    }

    fn admits_year_day(&self, date: Date) -> bool {
        self.year_days.is_empty()
            || self.year_days.contains(&date.day_of_year())
            || self.year_days.contains(&(date.day_of_year() - date.days_in_year() - 1))
    }

    fn admits_weekday(&self, date: Date) -> bool {
        if self.days.is_empty() {
            return true;
        }
        let in_month = self.frequency == Frequency::Monthly || !self.months.is_empty();
        let (day, length) = match in_month {
            true => (i16::from(date.day()), i16::from(date.days_in_month())),
            false => (date.day_of_year(), date.days_in_year()),
        };
        let from_start = (day - 1) / 7 + 1;
        let from_end = -((length - day) / 7 + 1);
        let weekday = date.weekday();
        self.days.iter().any(|wanted| {
            wanted.weekday == weekday
                && wanted
                    .nth
                    .is_none_or(|nth| i16::from(nth) == from_start || i16::from(nth) == from_end)
        })
    }

    fn admits_week_no(&self, date: Date) -> bool {
        if self.week_nos.is_empty() {
            return true;
        }
        let Some((number, weeks)) = week_of_year(date, self.week_start) else { return false };
        self.week_nos.contains(&number) || self.week_nos.contains(&(number - weeks - 1))
    }
}

/// The first day of week 1 of `year`: the week that holds 4 January (ISO 8601), whatever day
/// weeks start on. None at the edge of the calendar.
pub(super) fn first_day_of_week_year(year: i16, week_start: Weekday) -> Option<Date> {
    start_of_week(Date::new(year, 1, 4).ok()?, week_start)
}

/// The week-based year that `date` belongs to.
pub(super) fn week_year(date: Date, week_start: Weekday) -> Option<i16> {
    let year = date.year();
    if let Some(next) = first_day_of_week_year(year + 1, week_start)
        && date >= next
    {
        return Some(year + 1);
    }
    let first = first_day_of_week_year(year, week_start)?;
    Some(if date < first { year - 1 } else { year })
}

/// The first day of the week that holds `date`.
pub(super) fn start_of_week(date: Date, week_start: Weekday) -> Option<Date> {
    let back = date.weekday().since(week_start);
    date.checked_sub(i32::from(back).days()).ok()
}

/// The number of the week that holds `date`, and how many weeks its year has.
fn week_of_year(date: Date, week_start: Weekday) -> Option<(i8, i8)> {
    let year = week_year(date, week_start)?;
    let first = first_day_of_week_year(year, week_start)?;
    let next = first_day_of_week_year(year + 1, week_start)?;
    let number = i8::try_from((day_number(date) - day_number(first)) / 7 + 1).ok()?;
    let total = i8::try_from((day_number(next) - day_number(first)) / 7).ok()?;
    Some((number, total))
}

/// Days since 1 January 1970.
pub(super) fn day_number(date: Date) -> i64 {
    const EPOCH: Date = jiff::civil::date(1970, 1, 1);
    date.duration_since(EPOCH).as_hours() / 24
}

/// The date of a day number, none beyond the calendar.
pub(super) fn date_of(day_number: i64) -> Option<Date> {
    const EPOCH: Date = jiff::civil::date(1970, 1, 1);
    EPOCH.checked_add(jiff::SignedDuration::from_secs(day_number.checked_mul(86_400)?)).ok()
}
