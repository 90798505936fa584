//! Windows that people made, and what is proposed.

use std::sync::Arc;

use imbl::OrdMap;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::event::{WindowProposed, WindowSet};
use crate::calendar::{Schedule, ScheduleEnd, Window};
use crate::ids::{PersonId, ProposalId};

/// How long a proposal waits for a second person.
const WAITS: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long a window that is over is still shown.
const SHOWN_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Windows that people made, and what is proposed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MadeWindows {
    /// Those that hold, by name.
    pub windows: OrdMap<String, Arc<MadeWindow>>,
    /// What waits for a second person.
    pub proposals: OrdMap<ProposalId, Arc<ProposedWindow>>,
}

/// A window that a person made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeWindow {
    /// The window.
    pub window: Arc<Window>,
    /// Who wanted it as it is.
    pub by: PersonId,
    /// The second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_by: Option<PersonId>,
    /// Since when it is as it is.
    pub at: Timestamp,
}

/// Something proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedWindow {
    /// What.
    pub proposed: WindowProposed,
    /// When.
    pub at: Timestamp,
}

impl ProposedWindow {
    /// Whether it still waits.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.proposed.from.saturating_add(WAITS).is_ok_and(|end| now < end)
    }
}

impl MadeWindows {
    pub(crate) fn proposed(&mut self, proposed: &WindowProposed, at: Timestamp) {
        let kept = std::mem::take(&mut self.proposals).into_iter();
        self.proposals = kept.filter(|(_, it)| it.waits(at)).collect();
        let proposal = ProposedWindow { proposed: proposed.clone(), at };
        self.proposals.insert(proposed.proposal.clone(), Arc::new(proposal));
    }

    /// What was proposed over a window that has ended can be agreed to no more.
    pub(crate) fn ended(&mut self, name: &str) {
        self.windows.remove(name);
        let kept = std::mem::take(&mut self.proposals).into_iter();
        self.proposals = kept.filter(|(_, it)| it.proposed.deed.name() != name).collect();
    }

    pub(crate) fn set(&mut self, set: &WindowSet, at: Timestamp) {
        let kept = std::mem::take(&mut self.windows).into_iter();
        self.windows = kept.filter(|(_, it)| !is_long_over(&it.window.schedule, at)).collect();
        if let Some(agreed) = &set.agreed {
            self.proposals.remove(&agreed.proposal);
        }
        let made = MadeWindow {
            window: Arc::new(set.window.as_ref().clone()),
            by: set.by.clone(),
            agreed_by: set.agreed.as_ref().map(|agreed| agreed.by.clone()),
            at,
        };
        self.windows.insert(set.window.name.clone(), Arc::new(made));
    }
}

/// Whether a window that takes place once has been over for long. It is asked on the wall clock, so that the answer is the
/// same whatever the zone data of this machine say.
pub(in crate::calendar) fn is_long_over(schedule: &Schedule, at: Timestamp) -> bool {
    if schedule.rrule.is_some() || !schedule.rdates.is_empty() {
        return false;
    }
    let end: Option<DateTime> = match schedule.end {
        ScheduleEnd::At(end) => Some(end),
        ScheduleEnd::After(lasting) => {
            let hours = i64::from(lasting.days) * 24 + i64::from(lasting.seconds) / 3_600 + 1;
            schedule.start.checked_add(SignedDuration::from_hours(hours)).ok()
        }
    };
    let end = end.and_then(|end| end.to_zoned(TimeZone::UTC).ok()).map(|end| end.timestamp());
    end.and_then(|end| end.checked_add(SHOWN_AFTER).ok()).is_some_and(|end| end < at)
}
