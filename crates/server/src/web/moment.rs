//! Times and spans, in words.
//!
//! The server writes them in UTC and relative to now; the script adds the viewer's own zone.

use askama::filters::Safe;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Markup, w};

/// A time as people read it: how long ago or how far ahead, with the exact time beside it.
pub(crate) fn when(at: Timestamp, now: Timestamp) -> Markup {
    Safe(format!(
        "<time datetime=\"{at}\" title=\"{}\" data-when=\"relative\">{}</time>",
        exact(at),
        relative(at, now)
    ))
}

/// A time of the day or a date, as people read it.
pub(crate) fn at(at: Timestamp) -> Markup {
    Safe(format!("<time datetime=\"{at}\" data-when=\"exact\">{}</time>", exact(at)))
}

/// The exact time in UTC.
pub(crate) fn exact(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// How long ago, or how far ahead.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let span = now.duration_since(at);
    if span.unsigned_abs().as_secs() < 45 {
        return w::t("moment.now").to_owned();
    }
    let text = span_of(span);
    if span.is_negative() { w::f("moment.ahead", text) } else { w::f("moment.ago", text) }
}

/// A span in its two largest units at most.
pub(crate) fn span_of(span: SignedDuration) -> String {
    let seconds = span.unsigned_abs().as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min"),
        3_600..36_000 if minutes % 60 > 0 => format!("{hours} h {} min", minutes % 60),
        3_600..172_800 => format!("{hours} h"),
        _ if days < 60 => format!("{days} d"),
        _ if days < 730 => w::f("moment.months", days / 30),
        _ => w::f("moment.years", days / 365),
    }
}

/// A span given in microseconds.
pub(crate) fn span_us(micros: i64) -> String {
    span_of(SignedDuration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_their_largest_units() {
        for (seconds, text) in [
            (5, "5 s"),
            (90, "1 min"),
            (3_600, "1 h"),
            (5_400, "1 h 30 min"),
            (40_000, "11 h"),
            (200_000, "2 d"),
            (-200_000, "2 d"),
        ] {
            assert_eq!(span_of(SignedDuration::from_secs(seconds)), text);
        }
    }
}
