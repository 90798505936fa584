//! How a span comes again, as a rule of RFC 5545. What is not certain has no rule: their way of counting weeks and of
//! months that are too short is nowhere described.

use jiff::civil::{Date, DateTime};

/// The rule of a span, by its fields; nothing where it takes place once.
pub(super) fn rule(
    field: &impl Fn(&str) -> String,
    start: DateTime,
) -> Result<Option<String>, &'static str> {
    let kind = field("repeat_type");
    let by = match kind.as_str() {
        "" => return Ok(None),
        "daily" => String::new(),
        "weekly" => weekly(&field("days_of_week"))?,
        "monthly" => monthly(&field("monthly_type"), start)?,
        "yearly" => yearly(field, start)?,
        _ => return Err("it comes again in a way that is not known"),
    };
    let every = match field("repeat_count").as_str() {
        "" | "0" => 1,
        count => count
            .parse::<u16>()
            .ok()
            .filter(|count| *count <= 366)
            .ok_or("the number between its times is none")?,
    };
    if kind == "weekly" && every > 1 && !is_of(&field("days_of_week"), start) {
        return Err("on which day their weeks begin is not known");
    }
    let until = match field("repeat_until").as_str() {
        "" | "00000000" | "0" => String::new(),
        day if Date::strptime("%Y%m%d", day).is_ok() => format!(";UNTIL={day}"),
        _ => return Err("the day until which it comes again is none"),
    };
    let frequency = kind.to_uppercase();
    Ok(Some(format!("FREQ={frequency};INTERVAL={every}{by}{until}")))
}

/// Days of the week by their number, from Monday.
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

fn day(digit: char) -> Option<&'static str> {
    let number = usize::try_from(digit.to_digit(10)?).ok()?;
    DAYS.get(number.checked_sub(1)?).copied()
}

/// Whether the only day of the week is the one on which it begins.
fn is_of(days: &str, start: DateTime) -> bool {
    let number = start.weekday().to_monday_one_offset();
    days.is_empty() || days == number.to_string()
}

fn weekly(days: &str) -> Result<String, &'static str> {
    if days.is_empty() {
        return Ok(String::new());
    }
    let named: Option<Vec<&str>> = days.chars().map(day).collect();
    let named = named.ok_or("a day of the week is none")?;
    Ok(format!(";BYDAY={}", named.join(",")))
}

fn monthly(kind: &str, start: DateTime) -> Result<String, &'static str> {
    match (kind, start.day()) {
        ("dom", day @ 1..=28) => Ok(format!(";BYMONTHDAY={day}")),
        ("dom", _) => Err("it comes on a day that not every month has"),
        _ => Err("it comes every month in a way that is not known"),
    }
}

fn yearly(field: &impl Fn(&str) -> String, start: DateTime) -> Result<String, &'static str> {
    match field("yearly_type").as_str() {
        "doy" if (start.month(), start.day()) == (2, 29) => {
            Err("it comes on a day that not every year has")
        }
        "doy" => Ok(String::new()),
        "float" => {
            let month = field("month").parse::<u8>().ok().filter(|month| (1..=12).contains(month));
            let week = field("float_week").parse::<u8>().ok().filter(|week| (1..=4).contains(week));
            let mut digits = field("float_day");
            let day = digits.pop().filter(|_| digits.is_empty()).and_then(day);
            match (month, week, day) {
                (Some(month), Some(week), Some(day)) => {
                    Ok(format!(";BYMONTH={month};BYDAY={week}{day}"))
                }
                _ => Err("the week of its month is not certain"),
            }
        }
        _ => Err("it comes every year in a way that is not known"),
    }
}
