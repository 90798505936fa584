//! What a window is, line by line, and what of it somebody wants to alter.

use jiff::civil::DateTime;
use sluice_core::calendar::{InFlight, ScheduleEnd, Window, WindowKind};

use crate::web::visit::Visit;
use crate::web::w;

/// One line about a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trait {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    /// What it is now, where somebody wants another thing.
    pub(crate) was: Option<String>,
}

/// Every line about a window; one that has nothing to say is left out.
pub(super) fn of(visit: &Visit, window: &Window) -> Vec<Trait> {
    let all = lines(visit, window).into_iter();
    let said = all.filter(|(_, value)| !value.is_empty());
    said.map(|(label, value)| Trait { label, value, was: None }).collect()
}

/// Every line about a window that somebody wants in place of the one that stands.
pub(super) fn over(visit: &Visit, wanted: &Window, stands: &Window) -> Vec<Trait> {
    let pairs = lines(visit, wanted).into_iter().zip(lines(visit, stands));
    let said = pairs.filter(|((_, new), (_, old))| !new.is_empty() || !old.is_empty());
    said.map(|((label, value), (_, old))| Trait {
        label,
        was: (old != value).then(|| or_nothing(old)),
        value: or_nothing(value),
    })
    .collect()
}

fn or_nothing(value: String) -> String {
    if value.is_empty() { w::t("window.nothing").to_owned() } else { value }
}

fn lines(visit: &Visit, window: &Window) -> [(&'static str, String); 12] {
    let schedule = &window.schedule;
    let meaning = match window.kind {
        WindowKind::Freeze => w::t("window.a_freeze"),
        WindowKind::Maintenance => w::t("window.a_maintenance"),
        WindowKind::Release => w::t("window.a_release"),
    };
    let running = match (window.kind, window.in_flight) {
        (WindowKind::Maintenance | WindowKind::Release, _) => "",
        (WindowKind::Freeze, InFlight::Finish) => w::t("window.they_run_to_their_end"),
        (WindowKind::Freeze, InFlight::Hold) => w::t("window.they_pause"),
        (WindowKind::Freeze, InFlight::Abort) => w::t("window.they_are_rolled_back"),
    };
    let end = match schedule.end {
        ScheduleEnd::At(end) => told(end),
        ScheduleEnd::After(lasting) => lasting.to_string(),
    };
    let days = if schedule.all_day { w::t("window.whole_days") } else { "" };
    [
        (w::t("window.title"), window.title.clone()),
        (w::t("window.meaning"), meaning.to_owned()),
        (w::t("window.where"), window.scope.to_string()),
        (w::t("window.first_from"), told(schedule.start)),
        (w::t("window.first_to"), format!("{end} {days}").trim().to_owned()),
        (w::t("window.zone"), schedule.zone.clone()),
        (w::t("window.comes_again"), schedule.rrule.clone().unwrap_or_default()),
        (w::t("window.also_from"), times(&schedule.rdates)),
        (w::t("window.not_from"), times(&schedule.exdates)),
        (w::t("window.deployments_that_run"), running.to_owned()),
        (w::t("window.exceptions_by"), visit.selectors(&window.grants)),
        (w::t("window.why_it_exists"), window.reason.clone()),
    ]
}

fn times(times: &[DateTime]) -> String {
    let texts: Vec<String> = times.iter().map(|at| told(*at)).collect();
    texts.join(", ")
}

/// A time as it is on the clocks of the window's zone.
fn told(at: DateTime) -> String {
    at.strftime("%-d %b %Y, %H:%M").to_string()
}
