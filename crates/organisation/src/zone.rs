//! Names of time zones.

use jiff::civil::date;
use jiff::tz::TimeZoneDatabase;
use sluice_core::calendar::{Lasting, Schedule, ScheduleEnd, ScheduleProblem};

use crate::desk::{Desk, shortened};
use crate::words::suggest;
use crate::yaml::Position;

/// Whether a zone is known; says so when it is not.
pub(crate) fn check_zone(desk: &mut Desk<'_>, zone: &str, at: Position) -> bool {
    let known = is_zone(zone);
    if !known {
        let message = format!("`{}` is not an IANA time zone", shortened(zone));
        desk.error(at, "bad_zone", message, zone_help(zone));
    }
    known
}

/// What to write in place of an unknown zone.
pub(crate) fn zone_help(zone: &str) -> String {
    let known: Vec<String> =
        TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect();
    suggest(zone, known.iter().map(String::as_str), || {
        "write a zone such as `Europe/Berlin` or `UTC`".to_owned()
    })
}

/// Asks the calendar itself, so that both agree on what a zone is.
fn is_zone(zone: &str) -> bool {
    let schedule = Schedule {
        zone: zone.to_owned(),
        start: date(2026, 1, 1).at(0, 0, 0, 0),
        end: ScheduleEnd::After(Lasting { days: 1, seconds: 0 }),
        rrule: None,
        rdates: Vec::new(),
        exdates: Vec::new(),
        all_day: false,
    };
    !matches!(schedule.validate(), Err(ScheduleProblem::UnknownZone { .. }))
}
