//! The calendar: windows of time in which deployments are frozen, expected or announced.
//!
//! A [`Window`] has a scope and a [`Schedule`] of local times in a zone. A [`Calendar`] is the
//! windows of an organisation, expanded into instants, and answers what holds for one
//! deployment at one moment ([`Calendar::evaluate`]). It states facts; policy judges them:
//!
//! - a freeze in force holds, whatever else is in force, unless an exception names it;
//! - if any release window covers a deployment by scope, it may go only inside of one of them;
//! - a maintenance window neither permits nor forbids; it is a fact for the risk.
//!
//! Windows are declared in files, made by people ([`made`]), or read from other systems ([`theirs`]); all are judged
//! alike.
//!
//! Nothing here knows the present: the caller says when. Clocks that are moved are read to the
//! safe side (see [`Reading`]). The truth table is in `docs/reference/calendar.md`.

mod coming;
mod compiled;
mod facts;
mod local;
pub mod made;
mod reading;
pub mod recurrence;
mod schedule;
pub mod theirs;
mod window;

pub use compiled::{Calendar, UpcomingWindow};
pub use facts::{ActiveWindow, CalendarFacts, ReleaseState};
pub use local::{Lasting, LocalProblem, ScheduleEnd, parse_local};
pub use reading::{Reading, instants, zone_data_version};
pub use schedule::{
    DATES_LIMIT, Expanded, HORIZON_DAYS, OCCURRENCES_LIMIT, Occurrence, Schedule, ScheduleProblem,
};
pub use window::{InFlight, Window, WindowKind, WindowProblem};
