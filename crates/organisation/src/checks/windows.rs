//! Windows, once the settings' zone is known.

use jiff::civil::DateTime;
use sluice_core::calendar::{Schedule, ScheduleProblem, WindowProblem};
use sluice_core::organisation::{Item, Settings};

use crate::findings::Findings;
use crate::problem::Place;
use crate::sections::window::{LeftOut, Spots};
use crate::zone::zone_help;

/// The most windows of an organisation: each is expanded once, in bounded time.
const WINDOWS_LIMIT: usize = 2_000;

/// Fills in the zone and checks every window as the calendar does.
pub(super) fn finish(findings: &mut Findings) {
    let zone = findings.items.iter().find_map(|item| match item {
        Item::Settings(settings) => Some(settings.zone.clone()),
        _ => None,
    });
    let zone = zone.unwrap_or_else(|| Settings::default().zone);
    for (position, draft) in std::mem::take(&mut findings.windows).into_iter().enumerate() {
        if position == WINDOWS_LIMIT {
            let message = format!("there are more than {WINDOWS_LIMIT} windows");
            let help = "give windows a rule in place of listing each of their days".to_owned();
            findings.error(draft.at, "too_many_windows", message, help);
            return;
        }
        let mut window = draft.window;
        if window.schedule.zone.is_empty() {
            window.schedule.zone.clone_from(&zone);
        }
        leave_out(findings, &mut window.schedule, draft.left_out);
        if let Err(problem) = window.validate() {
            report(findings, &problem, &draft.spots);
        }
        findings.items.push(Item::Window(Box::new(window)));
    }
}

/// Takes occurrences out, and tells of entries that take out none: somebody believes that a day is free of the window.
fn leave_out(findings: &mut Findings, schedule: &mut Schedule, left_out: Vec<LeftOut>) {
    let dates = || left_out.iter().map(|it| it.local.date());
    let (Some(first), Some(last)) = (dates().min(), dates().max()) else { return };
    // What cannot be expanded is told of when the window is checked.
    let starts = schedule.starts_between(first, last).ok();
    for LeftOut { local, day, at } in left_out {
        let meant = |start: &&DateTime| match day {
            true => start.date() == local.date(),
            false => **start == local,
        };
        let found: Vec<DateTime> = starts.iter().flatten().filter(meant).copied().collect();
        if starts.is_some() && found.is_empty() {
            let message = match day {
                true => {
                    format!("`{}` leaves nothing out: nothing begins on that day", local.date())
                }
                false => format!("`{local}` leaves nothing out: nothing begins then"),
            };
            let help = "give the local start of an occurrence, or its date".to_owned();
            findings.warn(at, "unmatched_exdate", message, help);
        }
        match found.is_empty() {
            true => schedule.exdates.push(local),
            false => schedule.exdates.extend(found),
        }
    }
    schedule.exdates.sort_unstable();
    schedule.exdates.dedup();
}

fn report(findings: &mut Findings, problem: &WindowProblem, spots: &Spots) {
    let help = problem.help().to_owned();
    let (place, code, help): (&Place, _, _) = match problem {
        WindowProblem::Schedule(ScheduleProblem::UnknownZone { zone }) => {
            (&spots.zone, "bad_zone", zone_help(zone))
        }
        WindowProblem::Schedule(ScheduleProblem::BadRule { .. }) => {
            (&spots.rule, "bad_rrule", help)
        }
        WindowProblem::Schedule(ScheduleProblem::TooManyOccurrences { .. }) => {
            (&spots.rule, "bad_rrule", help)
        }
        WindowProblem::Schedule(ScheduleProblem::EndBeforeStart { .. }) => {
            (&spots.end, "bad_schedule", help)
        }
        WindowProblem::Schedule(
            ScheduleProblem::NotAWholeDay { .. } | ScheduleProblem::OutOfRange { .. },
        ) => (&spots.start, "bad_schedule", help),
        WindowProblem::NoLength => (&spots.end, "bad_schedule", help),
        WindowProblem::EverySecond => (&spots.rule, "bad_rrule", help),
        WindowProblem::InFlightWithoutFreeze => (&spots.in_flight, "bad_value", help),
    };
    findings.error(place.clone(), code, problem.to_string(), help);
}
