//! When a link that fails is an incident, and when that is over.
//!
//! It begins when something was owed for long and nothing at all has gone well since: what fails while others go well has
//! trouble of its own. It is over when something went well and nothing that failed is owed for long any more, so that a link
//! which works now and then has one incident and not many.

use jiff::{SignedDuration, Timestamp};
use sluice_connectors::tell::{Because, Trouble};
use sluice_core::event::Event;
use sluice_core::ids::ServiceName;
use sluice_core::incident;
use sluice_core::standing::Standing;

use super::line::Line;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::owe::incident_of;

/// After so long without anything that went well an incident stands for the link.
const OUTAGE: SignedDuration = SignedDuration::from_hours(1);
/// The same, where we are not believed, or may not.
const REFUSED: SignedDuration = SignedDuration::from_mins(10);

/// What is given up is noted a little before the incident that it opens.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// The incident that stands for a link which could not be told something.
pub(super) enum Disturbs {
    Begins(String),
    Ends,
    /// There is no such link to be told any more.
    Gone,
}

impl Engine {
    /// Whether people should know that a link fails, although it is still tried: nothing has gone well since something
    /// is owed that was owed for long. Who we are is not accepted by itself again.
    pub(super) fn is_outage(&self, line: &Line, trouble: &Trouble, owed: Timestamp) -> bool {
        let patience = if trouble.reason == Because::Auth { REFUSED } else { OUTAGE };
        if self.now().duration_since(owed) < patience {
            return false;
        }
        let last_good_us = line.state.fares.lock().health.as_ref().and_then(|it| it.last_good_us);
        let last_good = last_good_us.and_then(|us| Timestamp::from_microsecond(us).ok());
        last_good.is_none_or(|last| last < owed)
    }

    /// Whether the incident that stands for a link is over, now that an effect was told.
    pub(super) async fn outage_ends(
        &self,
        line: &Line,
        told: u64,
    ) -> Result<Option<Disturbs>, EngineError> {
        let incident = incident_of(line.name.as_str());
        let standing = self.standing();
        let Some(incident) = standing.incident_from(&incident) else { return Ok(None) };
        // What was given up before is none of it: with an earlier link of that name, or an incident that people ended.
        let before = incident.opened_at.checked_sub(MARGIN).unwrap_or(incident.opened_at);
        let (readers, link) = (self.readers().clone(), line.name.to_string());
        let after_us = before.as_microsecond();
        let long_ago = self.now().saturating_sub(OUTAGE).unwrap_or(Timestamp::MIN);
        let long_ago_us = long_ago.as_microsecond();
        let is_over = self.blocking(move || {
            let given_up = readers.outbox_given_up_after(&link, after_us)? > 0;
            Ok(!given_up && !readers.outbox_fails(&link, long_ago_us, told)?)
        });
        Ok(is_over.await?.then_some(Disturbs::Ends))
    }
}

impl Disturbs {
    pub(super) fn event(self, standing: &Standing, source: &str) -> Option<Event> {
        let service = ServiceName::parse("sluice").ok()?;
        let (title, note, is_over) = match self {
            Self::Begins(title) => (title, String::new(), false),
            Self::Ends => (String::new(), "everything was told".to_owned(), true),
            Self::Gone => (String::new(), "the link is told nothing any more".to_owned(), true),
        };
        let severity = "warning".to_owned();
        let told = incident::Opening { title, severity, note, ..incident::Opening::default() };
        incident::report(standing, source, Some(&service), told, is_over)
    }
}
