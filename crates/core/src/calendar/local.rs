//! Local times and lengths as people write them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

/// The longest duration that is read, in days: a hundred years.
const DAYS_LIMIT: u32 = 36_525;

/// When an occurrence ends: at a local time (not part of it), or after a while.
///
/// As text `2026-12-24T08:00:00`, `2026-12-24` or `PT14H`. A local time is that of the first
/// occurrence; later ones last equally long on the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ScheduleEnd {
    /// The first local time after the first occurrence.
    At(DateTime),
    /// Its length.
    After(Lasting),
}

/// A length of time: days on the wall clock, then elapsed seconds, as RFC 5545 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lasting {
    /// Days on the wall clock, of 23 to 25 hours.
    pub days: u32,
    /// Elapsed seconds after those days.
    pub seconds: u32,
}

/// A text that is neither a local time nor a length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalProblem {
    /// Not a date or local time.
    #[error("`{text}` is not a local time such as `2026-12-24T18:00:00` or a date")]
    NotATime {
        /// The text as written.
        text: String,
    },
    /// Not a duration, or one of months, or longer than a hundred years.
    #[error("`{text}` is not a duration such as `PT8H`, `P2D` or `P1W`")]
    NotADuration {
        /// The text as written.
        text: String,
    },
}

/// Reads a local time; a bare date is its midnight. Times with an offset or a zone are refused,
/// because the zone belongs to the schedule.
pub fn parse_local(text: &str) -> Result<DateTime, LocalProblem> {
    let problem = || LocalProblem::NotATime { text: text.to_owned() };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-:T. ".contains(&byte));
    if !plain || text.len() > 32 {
        return Err(problem());
    }
    match text.contains(['T', ' ']) {
        true => text.parse().map_err(|_| problem()),
        false => text.parse::<Date>().map(Date::into).map_err(|_| problem()),
    }
}

impl FromStr for ScheduleEnd {
    type Err = LocalProblem;

    fn from_str(text: &str) -> Result<Self, LocalProblem> {
        match text.starts_with(['P', 'p', '+']) {
            true => text.parse().map(ScheduleEnd::After),
            false => parse_local(text).map(ScheduleEnd::At),
        }
    }
}

impl TryFrom<String> for ScheduleEnd {
    type Error = LocalProblem;

    fn try_from(text: String) -> Result<Self, LocalProblem> {
        text.parse()
    }
}

impl From<ScheduleEnd> for String {
    fn from(end: ScheduleEnd) -> String {
        end.to_string()
    }
}

impl fmt::Display for ScheduleEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScheduleEnd::At(end) => end.fmt(f),
            ScheduleEnd::After(lasting) => lasting.fmt(f),
        }
    }
}

impl FromStr for Lasting {
    type Err = LocalProblem;

    /// Reads `P1W`, `P2D`, `PT8H30M`, `P1DT12H`.
    fn from_str(text: &str) -> Result<Self, LocalProblem> {
        read_lasting(text).ok_or_else(|| LocalProblem::NotADuration { text: text.to_owned() })
    }
}

fn read_lasting(text: &str) -> Option<Lasting> {
    let upper = text.trim().to_ascii_uppercase();
    let body = upper.strip_prefix('+').unwrap_or(&upper).strip_prefix('P')?;
    let (dates, times) = match body.split_once('T') {
        Some((_, "")) => return None,
        Some((dates, times)) => (dates, times),
        None => (body, ""),
    };
    if body.is_empty() {
        return None;
    }
    let days = read_units(dates, &[('W', 7), ('D', 1)])?;
    let seconds = read_units(times, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    if days > u64::from(DAYS_LIMIT) || seconds > u64::from(DAYS_LIMIT) * 86_400 {
        return None;
    }
    Some(Lasting { days: u32::try_from(days).ok()?, seconds: u32::try_from(seconds).ok()? })
}

/// Sums `12H30M` by the given units, which must come in this order.
fn read_units(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut sum = 0_u64;
    for (unit, factor) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        text = rest;
    }
    text.is_empty().then_some(sum)
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        if self.days > 0 || self.seconds == 0 {
            write!(f, "{}D", self.days)?;
        }
        if self.seconds == 0 {
            return Ok(());
        }
        f.write_str("T")?;
        let parts =
            [(self.seconds / 3_600, 'H'), (self.seconds / 60 % 60, 'M'), (self.seconds % 60, 'S')];
        parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}
