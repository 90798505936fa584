//! Bars by day, as SVG of the server.

use std::collections::BTreeMap;

/// Width and height of a chart.
const WIDTH: i64 = 320;
const HEIGHT: i64 = 64;

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

/// Values by day, the first part at the bottom, the second above it.
pub(super) fn bars(
    days: (i64, i64),
    values: &BTreeMap<i64, (i64, i64)>,
    told: impl Fn(i64, i64) -> String,
    most_told: impl Fn(i64) -> String,
) -> Chart {
    let (from, to) = days;
    let length = (to - from + 1).max(1);
    // Many days share a bar.
    let step = (length + 59) / 60;
    let count = (length + step - 1) / step;
    let mut sums: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for (day, (a, b)) in values.range(from..=to) {
        let slot = sums.entry((day - from) / step).or_default();
        *slot = (slot.0 + a, slot.1 + b);
    }
    let most = sums.values().map(|(a, b)| a + b).max().unwrap_or(0).max(1);
    let pitch = WIDTH / count;
    let width = (pitch - 2).clamp(1, 18);
    let mut bars = Vec::new();
    for (slot, (a, b)) in sums {
        let x = slot * WIDTH / count + (pitch - width) / 2;
        let word = format!("{}: {}", date(from + slot * step), told(a, b));
        let tall = |value: i64| if value == 0 { 0 } else { (value * HEIGHT / most).max(2) };
        let (lower, upper) = (tall(a), tall(b));
        if lower > 0 {
            bars.push(Bar {
                x,
                y: HEIGHT - lower,
                width,
                height: lower,
                class: "good",
                word: word.clone(),
            });
        }
        if upper > 0 {
            bars.push(Bar {
                x,
                y: HEIGHT - lower - upper,
                width,
                height: upper,
                class: "bad",
                word,
            });
        }
    }
    Chart { bars, most: most_told(most), first: date(from), last: date(to) }
}

/// A day since the Unix epoch, in words.
fn date(day: i64) -> String {
    let at = jiff::Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b").to_string()
}
