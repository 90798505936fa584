//! Reading a recurrence rule from its text.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};

use super::{Ending, Frequency, NthWeekday, Rule, RuleProblem};

/// The longest rule that is read: all lists of RFC 5545 written out fit well within it.
const TEXT_LIMIT_BYTES: usize = 8_192;

impl FromStr for Rule {
    type Err = RuleProblem;

    /// Reads `FREQ=WEEKLY;BYDAY=MO,TU`, with or without `RRULE:` before it.
    fn from_str(text: &str) -> Result<Self, RuleProblem> {
        if text.len() > TEXT_LIMIT_BYTES {
            return Err(RuleProblem::TooLong { limit: TEXT_LIMIT_BYTES });
        }
        let text = text.trim();
        let body = match text.get(..6) {
            Some(head) if head.eq_ignore_ascii_case("RRULE:") => text.get(6..).unwrap_or_default(),
            _ => text,
        };
        let mut draft = Draft::default();
        for part in body.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            draft.read_part(part)?;
        }
        draft.finish()
    }
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    seen: BTreeSet<String>,
    frequency: Option<Frequency>,
    interval: Option<u32>,
    count: Option<u32>,
    until: Option<Ending>,
    week_start: Option<Weekday>,
    by_month: BTreeSet<i8>,
    by_week_no: BTreeSet<i8>,
    by_year_day: BTreeSet<i16>,
    by_month_day: BTreeSet<i8>,
    by_day: Vec<NthWeekday>,
    by_hour: BTreeSet<i8>,
    by_minute: BTreeSet<i8>,
    by_second: BTreeSet<i8>,
    by_set_position: BTreeSet<i16>,
}

impl Draft {
    fn read_part(&mut self, part: &str) -> Result<(), RuleProblem> {
        let Some((name, value)) = part.split_once('=') else {
            return Err(RuleProblem::NotAPart { part: part.to_owned() });
        };
        let name = name.trim().to_ascii_uppercase();
        let value = value.trim().to_ascii_uppercase();
        if !self.seen.insert(name.clone()) {
            return Err(RuleProblem::DuplicatePart { name });
        }
        let part = Part { name: &name, value: &value };
        match name.as_str() {
            "FREQ" => self.frequency = Some(part.frequency()?),
            "INTERVAL" => self.interval = Some(part.positive()?),
            "COUNT" => self.count = Some(part.positive()?),
            "UNTIL" => self.until = Some(part.until()?),
            "WKST" => self.week_start = Some(part.weekday(&value)?),
            "BYMONTH" => self.by_month = part.numbers(1..=12, Sign::Plain)?,
            "BYWEEKNO" => self.by_week_no = part.numbers(1..=53, Sign::Either)?,
            "BYYEARDAY" => self.by_year_day = part.numbers(1..=366, Sign::Either)?,
            "BYMONTHDAY" => self.by_month_day = part.numbers(1..=31, Sign::Either)?,
            "BYDAY" | "BYWEEKDAY" => self.by_day = part.weekdays()?,
            "BYHOUR" => self.by_hour = part.numbers(0..=23, Sign::Plain)?,
            "BYMINUTE" => self.by_minute = part.numbers(0..=59, Sign::Plain)?,
            "BYSECOND" => {
                let seconds: BTreeSet<i8> = part.numbers(0..=60, Sign::Plain)?;
                // No clock of ours shows a leap second: it counts as the second before it.
                self.by_second = seconds.into_iter().map(|second| second.min(59)).collect();
            }
            "BYSETPOS" => self.by_set_position = part.numbers(1..=366, Sign::Either)?,
            "RSCALE" if value == "GREGORIAN" => {}
            "SKIP" if value == "OMIT" => {}
            "RSCALE" | "SKIP" | "BYEASTER" => return Err(part.unsupported()),
            _ => return Err(RuleProblem::UnknownPart { name }),
        }
        Ok(())
    }

    fn finish(self) -> Result<Rule, RuleProblem> {
        let frequency = self.frequency.ok_or(RuleProblem::NoFrequency)?;
        let ending = match (self.count, self.until) {
            (Some(_), Some(_)) => return Err(RuleProblem::CountAndUntil),
            (Some(count), None) => Ending::Count(count),
            (None, Some(until)) => until,
            (None, None) => Ending::Never,
        };
        let counts_weekdays = self.by_day.iter().any(|day| day.nth.is_some());
        let may_count = match frequency {
            Frequency::Yearly => self.by_week_no.is_empty(),
            Frequency::Monthly => true,
            Frequency::Weekly
            | Frequency::Daily
            | Frequency::Hourly
            | Frequency::Minutely
            | Frequency::Secondly => false,
        };
        if counts_weekdays && !may_count {
            return Err(RuleProblem::Unsupported {
                what: "BYDAY with a number outside of a monthly or yearly rule".to_owned(),
            });
        }
        Ok(Rule {
            frequency,
            interval: self.interval.unwrap_or(1),
            ending,
            week_start: self.week_start.unwrap_or(Weekday::Monday),
            by_month: self.by_month,
            by_week_no: self.by_week_no,
            by_year_day: self.by_year_day,
            by_month_day: self.by_month_day,
            by_day: self.by_day,
            by_hour: self.by_hour,
            by_minute: self.by_minute,
            by_second: self.by_second,
            by_set_position: self.by_set_position,
        })
    }
}

/// Whether a list may count from the end.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Plain,
    Either,
}

/// One `NAME=VALUE`, in upper case.
struct Part<'a> {
    name: &'a str,
    value: &'a str,
}

impl Part<'_> {
    fn bad(&self, expected: &'static str) -> RuleProblem {
        let (name, value) = (self.name.to_owned(), self.value.to_owned());
        RuleProblem::BadValue { name, value, expected }
    }

    fn unsupported(&self) -> RuleProblem {
        RuleProblem::Unsupported { what: format!("{}={}", self.name, self.value) }
    }

    fn frequency(&self) -> Result<Frequency, RuleProblem> {
        match self.value {
            "YEARLY" => Ok(Frequency::Yearly),
            "MONTHLY" => Ok(Frequency::Monthly),
            "WEEKLY" => Ok(Frequency::Weekly),
            "DAILY" => Ok(Frequency::Daily),
            "HOURLY" => Ok(Frequency::Hourly),
            "MINUTELY" => Ok(Frequency::Minutely),
            "SECONDLY" => Ok(Frequency::Secondly),
            _ => Err(self.bad("one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY")),
        }
    }

    fn positive(&self) -> Result<u32, RuleProblem> {
        let number = self.value.parse().ok().filter(|number| (1..=1_000_000).contains(number));
        number.ok_or_else(|| self.bad("a whole number from 1 to 1000000"))
    }

    fn until(&self) -> Result<Ending, RuleProblem> {
        let (text, utc) = match self.value.strip_suffix('Z') {
            Some(rest) => (rest, true),
            None => (self.value, false),
        };
        let ending = match text.split_once('T') {
            Some((date, time)) => compact_date(date)
                .zip(compact_time(time))
                .map(|(date, time)| date.to_datetime(time))
                .map(|at| if utc { Ending::Utc(at) } else { Ending::Local(at) }),
            None => compact_date(text).map(Ending::On),
        };
        ending.ok_or_else(|| self.bad("a date such as 20261231 or a time such as 20261231T180000Z"))
    }

    fn numbers<N>(
        &self,
        range: std::ops::RangeInclusive<i16>,
        sign: Sign,
    ) -> Result<BTreeSet<N>, RuleProblem>
    where
        N: Ord + TryFrom<i16>,
    {
        let read = |item: &str| -> Option<N> {
            let number: i16 = item.trim().parse().ok()?;
            let inside = range.contains(&number)
                || (sign == Sign::Either && range.contains(&number.checked_neg()?));
            N::try_from(number).ok().filter(|_| inside)
        };
        let numbers: Option<BTreeSet<N>> = self.value.split(',').map(read).collect();
        numbers.ok_or_else(|| self.bad("whole numbers in the range of this part, with commas"))
    }

    fn weekdays(&self) -> Result<Vec<NthWeekday>, RuleProblem> {
        let mut days = Vec::new();
        for item in self.value.split(',').map(str::trim) {
            let at = item.len().saturating_sub(2);
            let (Some(number), Some(name)) = (item.get(..at), item.get(at..)) else {
                return Err(self.bad("days such as MO or -1FR, with commas"));
            };
            let nth = match number {
                "" => None,
                _ => Some(
                    number
                        .parse::<i8>()
                        .ok()
                        .filter(|nth| *nth != 0 && (-53..=53).contains(nth))
                        .ok_or_else(|| self.bad("days such as MO or -1FR, with commas"))?,
                ),
            };
            let day = NthWeekday { nth, weekday: self.weekday(name)? };
            if !days.contains(&day) {
                days.push(day);
            }
        }
        Ok(days)
    }

    fn weekday(&self, name: &str) -> Result<Weekday, RuleProblem> {
        match name {
            "MO" => Ok(Weekday::Monday),
            "TU" => Ok(Weekday::Tuesday),
            "WE" => Ok(Weekday::Wednesday),
            "TH" => Ok(Weekday::Thursday),
            "FR" => Ok(Weekday::Friday),
            "SA" => Ok(Weekday::Saturday),
            "SU" => Ok(Weekday::Sunday),
            _ => Err(self.bad("days named MO, TU, WE, TH, FR, SA, SU")),
        }
    }
}

/// Reads `20261231`.
fn compact_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year = text.get(..4)?.parse().ok()?;
    Date::new(year, text.get(4..6)?.parse().ok()?, text.get(6..)?.parse().ok()?).ok()
}

/// Reads `180000`; a leap second counts as the second before it.
fn compact_time(text: &str) -> Option<Time> {
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let second: i8 = text.get(4..)?.parse().ok()?;
    let second = if second == 60 { 59 } else { second };
    Time::new(text.get(..2)?.parse().ok()?, text.get(2..4)?.parse().ok()?, second, 0).ok()
}
