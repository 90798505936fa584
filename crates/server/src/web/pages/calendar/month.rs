//! A month as weeks of days; windows lie across the days they cover.

use jiff::ToSpan as _;
use jiff::civil::Date;
use sluice_core::permission::Permission;
use sluice_engine::store::Span;

use super::{Frame, kind, monday};
use crate::problem::Problem;
use crate::web::visit::read;
use crate::web::{Markup, marks};

/// The most windows that are drawn in one week.
const MOST: usize = 6;

/// One month.
pub(super) struct Month {
    pub(super) days: Vec<String>,
    pub(super) weeks: Vec<WeekRow>,
}

/// One week of it.
pub(super) struct WeekRow {
    pub(super) days: Vec<Day>,
    pub(super) bars: Vec<Bar>,
    pub(super) more: usize,
}

/// One day.
pub(super) struct Day {
    pub(super) number: i8,
    pub(super) iso: String,
    pub(super) outside: bool,
    pub(super) today: bool,
    pub(super) deployed: u64,
    pub(super) failed: u64,
}

/// A window across days of one week: its first column and how many it covers, both from 1 to 7.
pub(super) struct Bar {
    pub(super) column: usize,
    pub(super) width: usize,
    pub(super) kind: &'static str,
    pub(super) icon: Markup,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) begins: bool,
    pub(super) ends: bool,
}

pub(super) fn build(frame: &Frame<'_>) -> Result<Month, Problem> {
    let first = monday(frame.day.first_of_month());
    let last = frame.day.last_of_month();
    let everything = frame.visit.everywhere(Permission::ChangeRead);
    let span = Span {
        from_us: frame.start(first).as_microsecond(),
        to_us: frame.start(last.saturating_add(8.days())).as_microsecond(),
        environment: None,
        services: frame.service.iter().cloned().collect(),
    };
    let days: Vec<Date> = (0..=42).map(|at| first.saturating_add(i64::from(at).days())).collect();
    let bounds: Vec<i64> = days.iter().map(|day| frame.start(*day).as_microsecond()).collect();
    let deployed = if everything {
        read(frame.visit.readers().deployed_by_part(&span, &bounds))?
    } else {
        Vec::new()
    };
    let present = frame.visit.now.to_zoned(frame.zone.clone()).date();
    let mut weeks = Vec::new();
    let mut start = first;
    while start <= last {
        let days = (0..7).map(|at| {
            let date = start.saturating_add(i64::from(at).days());
            let part = days.iter().position(|day| *day == date);
            let counted = deployed.iter().find(|it| usize::try_from(it.day).ok() == part);
            Day {
                number: date.day(),
                iso: date.to_string(),
                outside: date.month() != frame.day.month(),
                today: date == present,
                deployed: counted.map_or(0, |it| it.ended),
                failed: counted.map_or(0, |it| it.failed),
            }
        });
        let days = days.collect();
        let (bars, more) = bars(frame, start);
        weeks.push(WeekRow { days, bars, more });
        start = start.saturating_add(7.days());
    }
    let names =
        (0..7).map(|at| first.saturating_add(i64::from(at).days()).strftime("%a").to_string());
    Ok(Month { days: names.collect(), weeks })
}

fn bars(frame: &Frame<'_>, start: Date) -> (Vec<Bar>, usize) {
    let (from, to) = (frame.start(start), frame.start(start.saturating_add(7.days())));
    let calendar = frame.visit.app.engine.present_calendar();
    let mut bars: Vec<Bar> = Vec::new();
    let mut found = 0;
    for (window, spans) in calendar.between(from, to, 14) {
        if !frame.wants(&window.scope) {
            continue;
        }
        let column = |at: jiff::Timestamp| {
            let days = at.to_zoned(frame.zone.clone()).date().duration_since(start).as_hours() / 24;
            usize::try_from(days.clamp(0, 6)).unwrap_or(0)
        };
        // Occurrences on days that follow each other become one bar.
        let mut runs: Vec<(usize, usize, bool, bool)> = Vec::new();
        for span in spans {
            let end =
                span.end.saturating_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(span.end);
            let (left, right) = (column(span.start), column(end));
            let (begins, ends) = (span.start >= from, span.end <= to);
            match runs.last_mut() {
                Some(last) if left <= last.1 + 1 => {
                    *last = (last.0, right.max(last.1), last.2, ends)
                }
                _ => runs.push((left, right, begins, ends)),
            }
        }
        found += usize::from(!runs.is_empty());
        if found > MOST {
            continue;
        }
        bars.extend(runs.into_iter().map(|(left, right, begins, ends)| Bar {
            column: left + 1,
            width: right - left.min(right) + 1,
            kind: kind(window.kind),
            icon: marks::icon(match kind(window.kind) {
                "freeze" => "snow",
                "maintenance" => "tool",
                _ => "calendar",
            }),
            name: window.name.clone(),
            title: window.title.clone(),
            about: format!("{} – {}", window.scope, window.reason),
            begins,
            ends,
        }));
    }
    (bars, found - found.min(MOST))
}
