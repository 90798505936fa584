//! What waits at the gates, and for whom.

use std::sync::Arc;

use jiff::Timestamp;
use sluice_core::change::Change;
use sluice_core::gate::event::GateDecided;
use sluice_core::verdict::Effect;
use sluice_engine::store::{DecisionFilter, Page};

use crate::problem::Problem;
use crate::web::pages::change::against;
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks};

/// The most that are shown.
const SHOWN: usize = 12;

/// One change that waits.
pub(super) struct Waiting {
    pub(super) number: String,
    pub(super) title: String,
    pub(super) place: String,
    pub(super) risk: Markup,
    pub(super) reason: Markup,
    pub(super) who: String,
    /// Reasons that hold it beside the one that is shown.
    pub(super) more: usize,
    /// Whether somebody said no to it.
    pub(super) rejected: bool,
    pub(super) until: Option<Markup>,
    pub(super) since: Markup,
}

/// The changes that wait, oldest first.
pub(crate) fn all(visit: &Visit) -> Vec<Arc<Change>> {
    let open = visit.standing.changes.values();
    let waiting = open.filter(|change| change.waiting && visit.sees_change(change));
    let mut waiting: Vec<Arc<Change>> = waiting.cloned().collect();
    waiting.sort_by_key(|change| change.updated_at);
    waiting
}

pub(super) fn show(visit: &Visit, waiting: &[Arc<Change>]) -> Result<Vec<Waiting>, Problem> {
    waiting.iter().take(SHOWN).map(|change| row(visit, change)).collect()
}

fn row(visit: &Visit, change: &Change) -> Result<Waiting, Problem> {
    let filter =
        DecisionFilter { change_number: Some(change.number.0), ..DecisionFilter::default() };
    let page = Page { before: None, after: None, limit: 1 };
    let last = read(visit.readers().decisions(&filter, page))?.into_iter().next();
    let decided = last.and_then(|row| {
        let at = Timestamp::from_microsecond(row.at_us).ok()?;
        Some((at, serde_json::from_str::<GateDecided>(&row.body).ok()?))
    });
    let (since, reasons, until) = decided.map_or_else(
        || (change.updated_at, Vec::new(), None),
        |(at, decided)| (at, decided.reasons, decided.until),
    );
    let speaks = reasons.iter().find(|reason| reason.effect == Effect::Wait);
    let services: Vec<&str> = change.services.iter().map(|name| name.as_str()).collect();
    Ok(Waiting {
        number: change.number.to_string(),
        title: change.title.clone(),
        place: format!("{} → {}", services.join(", "), change.environment),
        risk: marks::risk(change.risk.as_ref().map_or("", |risk| risk.level.as_str())),
        reason: visit.prose(speaks.map_or("", |reason| reason.message.as_str())),
        who: speaks.map(|reason| visit.selectors(&reason.who)).unwrap_or_default(),
        more: reasons.iter().filter(|it| it.effect != Effect::Note).count().saturating_sub(1),
        rejected: !against(change).is_empty(),
        until: until.map(|until| visit.when(until)),
        since: visit.when(since),
    })
}
