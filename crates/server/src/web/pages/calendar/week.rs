//! A week as a line of time: one row for each window, deployments as marks.

use jiff::ToSpan as _;
use sluice_core::permission::Permission;
use sluice_engine::store::Span;

use super::{Frame, kind, monday};
use crate::problem::Problem;
use crate::web::visit::read;

/// Width of a day in the picture.
const DAY: i64 = 120;
/// Height of a row.
const ROW: usize = 26;
/// The most rows.
const MOST: usize = 24;

/// One week.
pub(super) struct Week {
    pub(super) days: Vec<(i64, String, bool)>,
    pub(super) rows: Vec<Line>,
    /// How many windows are not shown.
    pub(super) more: usize,
    pub(super) height: usize,
    pub(super) now: Option<i64>,
    pub(super) totals: Vec<(i64, String)>,
}

/// One window.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) kind: &'static str,
    pub(super) y: usize,
    pub(super) spans: Vec<(i64, i64)>,
    pub(super) about: String,
}

pub(super) fn build(frame: &Frame<'_>) -> Result<Week, Problem> {
    let first = monday(frame.day);
    let (from, to) = (frame.start(first), frame.start(first.saturating_add(7.days())));
    let length = to.duration_since(from).as_secs().max(1);
    let x =
        |at: jiff::Timestamp| at.duration_since(from).as_secs().clamp(0, length) * 7 * DAY / length;
    let present = frame.visit.now.to_zoned(frame.zone.clone()).date();
    let calendar = frame.visit.app.engine.present_calendar();
    let found: Vec<_> = calendar
        .between(from, to, 40)
        .filter(|(window, spans)| !spans.is_empty() && frame.wants(&window.scope))
        .collect();
    let more = found.len().saturating_sub(MOST);
    let rows: Vec<Line> = found
        .into_iter()
        .take(MOST)
        .enumerate()
        .map(|(at, (window, spans))| Line {
            name: window.name.clone(),
            title: window.title.clone(),
            kind: kind(window.kind),
            y: 30 + at * ROW,
            spans: spans.iter().map(|it| (x(it.start), (x(it.end) - x(it.start)).max(2))).collect(),
            about: format!("{}: {} – {}", window.title, window.scope, window.reason),
        })
        .collect();
    let span = Span {
        from_us: from.as_microsecond(),
        to_us: to.as_microsecond(),
        environment: None,
        services: frame.service.iter().cloned().collect(),
    };
    let everything = frame.visit.everywhere(Permission::ChangeRead);
    let bounds: Vec<i64> = (0..=7_i64)
        .map(|at| frame.start(first.saturating_add(at.days())).as_microsecond())
        .collect();
    let deployed = if everything {
        read(frame.visit.readers().deployed_by_part(&span, &bounds))?
    } else {
        Vec::new()
    };
    let totals = deployed.iter().map(|it| {
        let at = it.day;
        let text = if it.failed > 0 {
            format!("{} ({} ✕)", it.ended, it.failed)
        } else {
            it.ended.to_string()
        };
        (at * DAY + DAY / 2, text)
    });
    Ok(Week {
        days: (0..7)
            .map(|at| {
                let date = first.saturating_add(at.days());
                (at * DAY, date.strftime("%a %-d").to_string(), date == present)
            })
            .collect(),
        height: 30 + rows.len().max(1) * ROW + 30,
        rows,
        more,
        now: (from <= frame.visit.now && frame.visit.now < to).then(|| x(frame.visit.now)),
        totals: totals.collect(),
    })
}
