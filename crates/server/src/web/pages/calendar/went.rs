//! What went: the deployments of the days that are looked at, with their changes.

use jiff::ToSpan as _;
use jiff::civil::Date;
use sluice_core::permission::Permission;
use sluice_engine::store::Span;

use super::Frame;
use crate::problem::Problem;
use crate::web::visit::read;
use crate::web::{Markup, marks, moment};

/// The most deployments that are listed.
const MOST: usize = 60;
/// The most that are read for it, of which some may be somebody else's.
const READ: u32 = 400;

/// One deployment.
pub(super) struct Went {
    pub(super) number: String,
    pub(super) change: Option<String>,
    pub(super) place: String,
    pub(super) state: Markup,
    pub(super) at: Markup,
}

/// The newest deployments of so many days that may be seen, whether there are more, and the first day.
pub(super) fn build(
    frame: &Frame<'_>,
    first: Date,
    days: i64,
) -> Result<(Vec<Went>, bool, String), Problem> {
    let visit = frame.visit;
    // Whoever sees a part finds it however much others deploy.
    let part = (!visit.everywhere(Permission::ChangeRead)).then(|| visit.services_seen());
    if part.as_ref().is_some_and(Vec::is_empty) {
        return Ok((Vec::new(), false, first.strftime("%-d %B").to_string()));
    }
    let span = Span {
        from_us: frame.start(first).as_microsecond(),
        to_us: frame.start(first.saturating_add(days.days())).as_microsecond(),
        environment: None,
        services: match &frame.service {
            Some(service) => vec![service.clone()],
            None => part.unwrap_or_default(),
        },
    };
    let rows = read(visit.readers().deployments_within(&span, READ))?;
    let more = rows.len() == READ as usize;
    let mut seen =
        rows.into_iter().filter(|row| visit.sees([row.service.as_str()], &row.environment));
    let went = seen.by_ref().take(MOST).map(|row| Went {
        number: format!("DEP{:07}", row.number),
        change: row.change_number.map(|number| format!("CHG{number:07}")),
        place: format!("{} → {}", row.service, row.environment),
        state: marks::deployment(&row.state),
        at: row.started_us.map_or_else(marks::none, |at| moment::at(crate::web::visit::time(at))),
    });
    let went: Vec<Went> = went.collect();
    Ok((went, seen.next().is_some() || more, first.strftime("%-d %B").to_string()))
}
