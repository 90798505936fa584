//! Windows, once the settings' zone is known.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use sluice_core::calendar::{DATES_LIMIT, Schedule, ScheduleProblem, WindowProblem};
use sluice_core::organisation::{Item, Settings};

use super::listing::{self, Listing};
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
    let mut steps_left = listing::STEPS_LIMIT;
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
        leave_out(findings, &mut window.schedule, draft.left_out, &mut steps_left);
        if let Err(problem) = window.validate() {
            report(findings, &problem, &draft.spots);
        }
        findings.items.push(Item::Window(Box::new(window)));
    }
}

/// Takes occurrences out, and tells of entries that take out none: somebody believes that a day is free of the window.
fn leave_out(
    findings: &mut Findings,
    schedule: &mut Schedule,
    left_out: Vec<LeftOut>,
    steps_left: &mut u64,
) {
    if let Some(beyond) = left_out.get(DATES_LIMIT) {
        let message = format!("there are more than {DATES_LIMIT} entries in `exdates`");
        let help = "give the window a rule that has no such days".to_owned();
        findings.error(beyond.at.clone(), "bad_schedule", message, help);
        return;
    }
    if left_out.is_empty() {
        return;
    }
    if schedule.validate().is_err() {
        // That is told of when the window is checked.
        schedule.exdates.extend(left_out.into_iter().map(|it| it.local));
        return;
    }
    let dates: BTreeSet<Date> = left_out.iter().map(|it| it.local.date()).collect();
    let dates: Vec<Date> = dates.into_iter().collect();
    let mut listing = Listing::of(schedule, steps_left);
    listing.list(&dates);
    let begins = listing.found;
    for LeftOut { local, day, at } in left_out {
        let starts = match begins.get(&local.date()) {
            Some(Err(problem)) => {
                let message =
                    format!("what begins on `{}` cannot be listed: {problem}", local.date());
                findings.error(at, "bad_schedule", message, problem.help().to_owned());
                continue;
            }
            Some(Ok(starts)) => starts.as_slice(),
            None => &[],
        };
        let found: Vec<DateTime> =
            starts.iter().filter(|start| day || **start == local).copied().collect();
        if found.is_empty() {
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
