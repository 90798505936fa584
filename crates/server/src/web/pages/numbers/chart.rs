//! Bars over a span of days, as SVG of the server.

use std::collections::BTreeMap;

use super::stats::median;
use crate::web::{moment, w};

/// Width and height of a chart.
const WIDTH: i64 = 320;
const HEIGHT: i64 = 64;
/// The most bars of a chart.
const MOST: i64 = 60;
/// Where the scale of shares ends.
const WHOLE: i64 = 1_000;

/// One chart.
pub(crate) struct Chart {
    pub(crate) bars: Vec<Bar>,
    pub(crate) most: String,
    pub(crate) first: String,
    pub(crate) last: String,
}

/// One bar.
pub(crate) struct Bar {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) width: i64,
    pub(crate) height: i64,
    pub(crate) class: &'static str,
    pub(crate) word: String,
}

/// The days of a span; where they are many, some share a bar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    from: i64,
    to: i64,
    /// Days of one bar.
    step: i64,
}

/// What one bar shows: its lower and its upper part, and both in words.
type Shown = (i64, i64, String);

impl Slots {
    /// From one day since the Unix epoch to another.
    pub(super) fn new((from, to): (i64, i64)) -> Self {
        let length = (to - from + 1).max(1);
        Self { from, to, step: (length + MOST - 1) / MOST }
    }

    /// What belongs to each bar.
    fn gather<T>(self, values: impl IntoIterator<Item = (i64, T)>) -> BTreeMap<i64, Vec<T>> {
        let mut slots: BTreeMap<i64, Vec<T>> = BTreeMap::new();
        for (day, value) in values {
            if (self.from..=self.to).contains(&day) {
                slots.entry((day - self.from) / self.step).or_default().push(value);
            }
        }
        slots
    }

    /// Counts, the first part at the bottom, the second above it.
    pub(super) fn counts(
        self,
        values: impl IntoIterator<Item = (i64, (i64, i64))>,
        told: impl Fn(i64, i64) -> String,
    ) -> Chart {
        let slots = self.gather(values).into_iter().map(|(slot, values)| {
            let lower = values.iter().map(|(lower, _)| lower).sum();
            let upper = values.iter().map(|(_, upper)| upper).sum();
            (slot, (lower, upper, told(lower, upper)))
        });
        self.chart(slots.collect(), None, |most| most.to_string())
    }

    /// The median of spans of time, in microseconds.
    pub(super) fn medians(self, values: impl IntoIterator<Item = (i64, i64)>) -> Chart {
        let slots = self.gather(values).into_iter().filter_map(|(slot, mut values)| {
            let count = values.len();
            let (middle, _) = median(&mut values)?;
            let word = w::ff("gather.of_so_many", moment::span_us(middle), count);
            // A bar of a second is seen.
            Some((slot, (middle / 1_000_000, 0, word)))
        });
        self.chart(slots.collect(), None, |most| moment::span_us(most.saturating_mul(1_000_000)))
    }

    /// Shares: so many, of so many. All of them is the whole height.
    pub(super) fn shares(
        self,
        values: impl IntoIterator<Item = (i64, (u64, u64))>,
        is_good: bool,
    ) -> Chart {
        let slots = self.gather(values).into_iter().filter_map(|(slot, values)| {
            let hits: u64 = values.iter().map(|(hits, _)| hits).sum();
            let all: u64 = values.iter().map(|(_, all)| all).sum();
            let permille = (hits * WHOLE.unsigned_abs()).checked_div(all)?;
            let permille = i64::try_from(permille).unwrap_or(WHOLE);
            let word = w::ff("gather.of_so_many", percent(permille), all);
            Some((slot, if is_good { (permille, 0, word) } else { (0, permille, word) }))
        });
        self.chart(slots.collect(), Some(WHOLE), percent)
    }

    fn chart(
        self,
        slots: Vec<(i64, Shown)>,
        whole: Option<i64>,
        most_told: impl Fn(i64) -> String,
    ) -> Chart {
        let length = (self.to - self.from + 1).max(1);
        let count = (length + self.step - 1) / self.step;
        let most = slots.iter().map(|(_, (lower, upper, _))| lower + upper).max();
        let most = whole.or(most).unwrap_or(0).max(1);
        let pitch = WIDTH / count;
        let width = (pitch - 2).clamp(1, 18);
        let mut bars = Vec::new();
        for (slot, (lower, upper, word)) in slots {
            let x = slot * WIDTH / count + (pitch - width) / 2;
            let word = format!("{}: {word}", date(self.from + slot * self.step));
            let tall = |value: i64| if value == 0 { 0 } else { (value * HEIGHT / most).max(2) };
            let (lower, upper) = (tall(lower), tall(upper));
            let bar = |height, y, class| Bar { x, y, width, height, class, word: word.clone() };
            if lower > 0 {
                bars.push(bar(lower, HEIGHT - lower, "good"));
            }
            if upper > 0 {
                bars.push(bar(upper, HEIGHT - lower - upper, "bad"));
            }
        }
        Chart { bars, most: most_told(most), first: date(self.from), last: date(self.to) }
    }
}

fn percent(permille: i64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

/// A day since the Unix epoch, in words.
fn date(day: i64) -> String {
    let at = jiff::Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn days_that_share_a_bar_are_reckoned_together() {
        // 120 days are two to a bar: the median of all, not the sum of their medians.
        let slots = Slots::new((0, 119));
        let chart = slots.medians([(0, HOUR), (1, 3 * HOUR), (1, 2 * HOUR), (118, 4 * HOUR)]);
        let heights: Vec<i64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [HEIGHT / 2, HEIGHT]);
        let chart = slots.shares([(0, (1, 3)), (1, (0, 1)), (2, (0, 0)), (4, (2, 2))], false);
        let told: Vec<&str> = chart.bars.iter().map(|bar| bar.word.as_str()).collect();
        assert_eq!(told, ["1 Jan: 25.0 %, of 4", "5 Jan: 100.0 %, of 2"]);
        assert_eq!(chart.most, "100.0 %");
    }

    #[test]
    fn what_lies_beyond_the_span_is_not_shown() {
        let chart = Slots::new((10, 12))
            .counts([(9, (1, 0)), (12, (1, 1)), (13, (5, 5))], |a, b| format!("{a}/{b}"));
        let told: Vec<&str> = chart.bars.iter().map(|bar| bar.word.as_str()).collect();
        assert_eq!(told, ["13 Jan: 1/1"; 2]);
    }
}
