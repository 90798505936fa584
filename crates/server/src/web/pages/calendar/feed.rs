//! The calendar as iCalendar (RFC 5545), for programs that follow an address.
//!
//! Such programs send no credential, so the address holds one: a token that may read the calendar and nothing
//! else. A token that may do more is refused here, so that it never stands in an address by mistake.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sluice_core::permission::Permission;

use super::kind;
use crate::app::App;
use crate::problem::Problem;
use crate::status;

/// The most occurrences in a feed.
const MOST: usize = 2_000;

/// Windows from a month ago to a year ahead.
pub(crate) async fn feed(
    State(app): State<App>,
    Path(secret): Path<String>,
) -> Result<Response, Problem> {
    let unknown = || Problem::of(&status::NOT_FOUND, "");
    let secret = secret.strip_suffix(".ics").ok_or_else(unknown)?;
    let caller = app.engine.authenticate(secret).ok_or_else(unknown)?;
    if caller.permissions() != [Permission::CalendarRead].into() {
        return Err(unknown());
    }
    let now = app.engine.now();
    let from = now.saturating_sub(SignedDuration::from_hours(48)).unwrap_or(now);
    let to = now.saturating_add(SignedDuration::from_hours(24 * 366)).unwrap_or(now);
    let calendar = app.engine.present_calendar();
    let origin = app.engine.keys().origin.clone();
    let mut text = String::new();
    let mut line = |content: &str| fold(&mut text, content);
    for content in
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Sluice//Calendar//EN", "NAME:Sluice"]
    {
        line(content);
    }
    let mut count = 0;
    for (window, spans) in calendar.between(from, to, 400) {
        if !caller.grants.iter().any(|grant| grant.scope.overlaps(&window.scope)) {
            continue;
        }
        for span in spans {
            count += 1;
            if count > MOST {
                break;
            }
            line("BEGIN:VEVENT");
            line(&format!(
                "UID:{}-{}@{}",
                escaped(&window.name),
                span.start.as_second(),
                escaped(&origin)
            ));
            line(&format!("DTSTAMP:{}", utc(now)));
            line(&format!("DTSTART:{}", utc(span.start)));
            line(&format!("DTEND:{}", utc(span.end)));
            line(&format!("SUMMARY:{}: {}", kind(window.kind), escaped(&window.title)));
            line(&format!(
                "DESCRIPTION:{}\\n{}",
                escaped(&window.scope.to_string()),
                escaped(&window.reason)
            ));
            line(&format!("CATEGORIES:{}", kind(window.kind)));
            line("TRANSP:TRANSPARENT");
            line("END:VEVENT");
        }
    }
    line("END:VCALENDAR");
    Ok(([(CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as a value (RFC 5545, 3.3.11); other controls are left out.
fn escaped(text: &str) -> String {
    let mut written = String::new();
    for found in text.chars() {
        match found {
            '\n' => written.push_str("\\n"),
            '\\' | ';' | ',' => {
                written.push('\\');
                written.push(found);
            }
            found if found.is_control() => {}
            found => written.push(found),
        }
    }
    written
}

/// Writes a content line, folded at 75 octets (RFC 5545, 3.1).
fn fold(text: &mut String, content: &str) {
    let mut length = 0;
    for found in content.chars() {
        if length + found.len_utf8() > 73 {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(found);
        length += found.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_escaped_and_folded() {
        assert_eq!(escaped("a;b,c\\d\ne\u{7}"), "a\\;b\\,c\\\\d\\ne");
        let mut text = String::new();
        fold(&mut text, &"ü".repeat(80));
        assert!(text.lines().all(|line| line.len() <= 75), "{text}");
        assert_eq!(text.replace("\r\n ", "").trim_end(), "ü".repeat(80));
    }
}
