//! Values of properties: dates, times, periods, texts.

use jiff::civil::{Date, DateTime, Time};
use sluice_core::calendar::Lasting;

use super::lines::ContentLine;
use super::problem::IcsProblemKind;

/// A date or a time, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// A whole day.
    Date(Date),
    /// A time of the zone that `TZID` names, or of none.
    Local(DateTime),
    /// A time in UTC.
    Utc(DateTime),
}

/// An item of `RDATE`: a start, perhaps with its own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start: When,
    pub(super) end: Option<PeriodEnd>,
}

/// How a period ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeriodEnd {
    At(When),
    After(Lasting),
}

/// The date or time of a property that has one.
pub(super) fn when(line: &ContentLine) -> Result<When, IcsProblemKind> {
    read_when(line.value.trim()).ok_or_else(|| bad(line, "a date or a time"))
}

/// The dates, times or periods of `RDATE` and `EXDATE`.
pub(super) fn periods(line: &ContentLine) -> Result<Vec<Period>, IcsProblemKind> {
    let items = line.value.split(',').map(str::trim).filter(|item| !item.is_empty());
    let read = items.map(read_period).collect::<Option<Vec<Period>>>();
    read.ok_or_else(|| bad(line, "a list of dates, times or periods"))
}

/// The length of `DURATION`, which is not negative for an event.
pub(super) fn duration(line: &ContentLine) -> Result<Lasting, IcsProblemKind> {
    line.value.trim().parse().map_err(|_| bad(line, "a duration such as `PT8H`"))
}

/// The problem of a value that is not `expected`.
pub(super) fn bad(line: &ContentLine, expected: &'static str) -> IcsProblemKind {
    let value = line.value.chars().take(80).collect();
    IcsProblemKind::BadValue { name: line.name.clone(), value, expected }
}

fn read_period(text: &str) -> Option<Period> {
    let Some((start, end)) = text.split_once('/') else {
        return Some(Period { start: read_when(text)?, end: None });
    };
    let end = match end.starts_with(['P', 'p', '+']) {
        true => PeriodEnd::After(end.parse().ok()?),
        false => PeriodEnd::At(read_when(end)?),
    };
    Some(Period { start: read_when(start)?, end: Some(end) })
}

/// Reads `20261231`, `20261231T180000` and `20261231T180000Z`.
pub(super) fn read_when(text: &str) -> Option<When> {
    let upper = text.to_ascii_uppercase();
    let (text, utc) = match upper.strip_suffix('Z') {
        Some(rest) => (rest, true),
        None => (upper.as_str(), false),
    };
    match text.split_once('T') {
        Some((date, time)) => {
            let at = read_date(date)?.to_datetime(read_time(time)?);
            Some(if utc { When::Utc(at) } else { When::Local(at) })
        }
        // Google writes `20131210Z` for a date.
        None => read_date(text).map(When::Date),
    }
}

fn read_date(text: &str) -> Option<Date> {
    let [year, month, day] = digits(text, [4, 2, 2])?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A leap second counts as the second before it.
fn read_time(text: &str) -> Option<Time> {
    let [hour, minute, second] = digits(text, [2, 2, 2])?;
    let second = if second == 60 { 59 } else { second };
    let part = |number| i8::try_from(number).ok();
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

fn digits(text: &str, lengths: [usize; 3]) -> Option<[i16; 3]> {
    let whole = text.len() == lengths.iter().sum::<usize>();
    if !whole || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let [first, second, _] = lengths;
    Some([
        text.get(..first)?.parse().ok()?,
        text.get(first..first + second)?.parse().ok()?,
        text.get(first + second..)?.parse().ok()?,
    ])
}

/// The text of an escaped TEXT value.
pub(super) fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(escaped) => text.push(escaped),
                None => {}
            },
            (char, false) => text.push(char),
        }
    }
    text
}

/// The texts of a list of TEXT values, which commas part that are not escaped.
pub(super) fn unescape_list(value: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut escaped = false;
    for char in value.chars() {
        match items.last_mut() {
            Some(item) if escaped || char != ',' => item.push(char),
            Some(_) | None => items.push(String::new()),
        }
        escaped = char == '\\' && !escaped;
    }
    let texts = items.iter().map(|item| unescape(item).trim().to_owned());
    texts.filter(|item| !item.is_empty()).collect()
}
