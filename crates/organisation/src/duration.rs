//! Lengths of time as people write them: `30m`, `8h`, `7d`, `2w`, `1d12h`, or as in RFC 5545.

use sluice_core::calendar::Lasting;

use crate::desk::{Desk, Table, shortened};
use crate::yaml::{Node, Position};

const HELP: &str = "write a length such as `30m`, `8h`, `7d`, `2w` or `1d12h`";
const LONGEST_DAYS: u64 = 3_660;

/// What a length is counted in where the domain wants a number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Minutes,
    Hours,
    Days,
}

impl Unit {
    fn seconds(self) -> u64 {
        match self {
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }
}

impl Desk<'_> {
    /// A length of time.
    pub(crate) fn lasting(&mut self, node: &Node, what: &str) -> Option<Lasting> {
        let text = self.text(node, what)?;
        let read = read(&text);
        if read.is_none() {
            let message = format!("`{}` is not a length of time", shortened(&text));
            self.error(node.at, "bad_duration", message, HELP);
        }
        read
    }

    /// A number that may be given as such under `long` (`soak_minutes: 120`) or as a length under
    /// `short` (`soak: 2h`).
    pub(crate) fn counted(
        &mut self,
        table: &Table<'_>,
        short: &str,
        long: &str,
        unit: Unit,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        if let (Some(node), Some(_)) = (table.get(short), table.get(long)) {
            let message = format!("`{short}` and `{long}` say the same");
            self.error(node.at, "conflicting_keys", message, "keep one of them");
        }
        if let Some(node) = table.get(long) {
            return self.number(node, &format!("`{long}`"), range);
        }
        let node = table.get(short)?;
        let lasting = self.lasting(node, &format!("`{short}`"))?;
        let seconds = u64::from(lasting.days) * 86_400 + u64::from(lasting.seconds);
        self.in_units(seconds, node.at, short, unit, &range)
    }

    fn in_units(
        &mut self,
        seconds: u64,
        at: Position,
        key: &str,
        unit: Unit,
        range: &std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let count = u32::try_from(seconds / unit.seconds()).ok();
        if !seconds.is_multiple_of(unit.seconds())
            || count.is_none_or(|count| !range.contains(&count))
        {
            let (least, most, units) = (range.start(), range.end(), unit.plural());
            let message = format!("`{key}` is counted in {units}, from {least} to {most}");
            self.error(at, "bad_duration", message, HELP);
            return None;
        }
        count
    }
}

fn read(text: &str) -> Option<Lasting> {
    if text.starts_with(['P', 'p']) {
        return text.parse().ok();
    }
    let (mut days, mut seconds) = (0_u64, 0_u64);
    let mut rest = text;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let (length, whole_days) = match rest.as_bytes().get(digits)? {
            b'w' => (7 * 86_400, 7),
            b'd' => (86_400, 1),
            b'h' => (3_600, 0),
            b'm' => (60, 0),
            b's' => (1, 0),
            _ => return None,
        };
        if length >= smallest || number > LONGEST_DAYS * 86_400 {
            return None;
        }
        smallest = length;
        match whole_days {
            0 => seconds += number * length,
            _ => days += number * whole_days,
        }
        rest = rest.get(digits + 1..)?;
    }
    let sound = smallest != u64::MAX && days <= LONGEST_DAYS && seconds <= LONGEST_DAYS * 86_400;
    let (days, seconds) = (u32::try_from(days).ok()?, u32::try_from(seconds).ok()?);
    sound.then_some(Lasting { days, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, length) in [
            ("30m", Some((0, 1_800))),
            ("8h", Some((0, 28_800))),
            ("7d", Some((7, 0))),
            ("2w", Some((14, 0))),
            ("1d12h", Some((1, 43_200))),
            ("1h30m", Some((0, 5_400))),
            ("PT8H", Some((0, 28_800))),
            ("P2D", Some((2, 0))),
            ("0m", Some((0, 0))),
            ("", None),
            ("8", None),
            ("h", None),
            ("8 h", None),
            ("30m1h", None),
            ("1h1h", None),
            ("-1h", None),
            ("99999999999999999999h", None),
            ("9999999w", None),
        ] {
            let expected = length.map(|(days, seconds)| Lasting { days, seconds });
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
