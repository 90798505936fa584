//! Times as other systems write them.

use jiff::Timestamp;
use jiff::fmt::strtime;

/// Reads RFC 3339, `2016-08-12 15:23:28 UTC`, `2021-04-28 21:50:00 +0200` and seconds or
/// milliseconds since 1970. A time that is none of them is no time: it decides nothing.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    if let Ok(number) = text.parse::<i64>() {
        return from_number(number);
    }
    let text = match text.strip_suffix(" UTC") {
        Some(time) => format!("{time} +0000"),
        None => text.to_owned(),
    };
    ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%dT%H:%M:%S%.f%z"]
        .iter()
        .find_map(|format| strtime::parse(format, &text).ok()?.to_timestamp().ok())
}

/// Seconds since 1970, or milliseconds if they would lie beyond the year 5138 otherwise.
pub(crate) fn from_number(number: i64) -> Option<Timestamp> {
    const FIRST_MILLISECONDS: i64 = 100_000_000_000;
    if number.abs() < FIRST_MILLISECONDS {
        Timestamp::from_second(number).ok()
    } else {
        Timestamp::from_millisecond(number).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_usual_form() {
        for text in [
            "2021-04-28T19:50:00Z",
            "2021-04-28T21:50:00+02:00",
            "2021-04-28T21:50:00.000+0200",
            "2021-04-28 19:50:00 UTC",
            "2021-04-28 21:50:00 +0200",
            "1619639400",
            "1619639400000",
        ] {
            assert_eq!(read(text).map(|at| at.as_second()), Some(1_619_639_400), "{text}");
        }
        for text in ["", "soon", "2021-04-28", "2021-13-28T19:50:00Z", "99999999999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
