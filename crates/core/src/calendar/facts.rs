//! What the calendar says of one deployment at one moment. Policy input.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::InFlight;

/// All that the calendar says of one deployment at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarFacts {
    /// The freezes in force that no exception passes, by name.
    pub freezes: Vec<ActiveWindow>,
    /// When the last of them, and of those that follow without a gap, has ended; none when
    /// nothing is frozen, or when no end is in sight.
    pub frozen_until: Option<Timestamp>,
    /// The freezes in force that an exception passes, by name.
    pub excepted: Vec<ActiveWindow>,
    /// The maintenance windows in force, by name.
    pub maintenance: Vec<ActiveWindow>,
    /// How the release windows stand.
    pub release: ReleaseState,
    /// The next start of a freeze that no exception passes, none when there is none within
    /// the calendar's horizon.
    pub next_freeze: Option<Timestamp>,
}

/// One window in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveWindow {
    /// Its unique name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The first instant at which this window is not in force any more; none when it cannot be
    /// read and is therefore taken to be in force.
    pub until: Option<Timestamp>,
    /// What happens to deployments that run when it begins; means something for freezes only.
    pub in_flight: InFlight,
    /// Selectors of those who may grant an exception.
    pub grants: Vec<String>,
    /// Why it exists; `no reason is given` where nobody said.
    pub reason: String,
}

/// How the release windows that cover a deployment stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReleaseState {
    /// No release window covers this deployment: any time will do.
    NoneApply,
    /// At least one is in force.
    Inside {
        /// When the last of those that overlap or follow without a gap has ended.
        until: Timestamp,
        /// The name of the one in force that ends last.
        window: String,
    },
    /// None of those that cover it is in force.
    Outside {
        /// When the next one begins, none when none does within the calendar's horizon.
        next: Option<Timestamp>,
    },
}

impl CalendarFacts {
    /// The first instant at which a permission given on these facts must be asked for again:
    /// the next freeze begins or the release windows end. None when neither is in sight.
    ///
    /// A pass must not outlive it (the gate is asked for now, not for later).
    pub fn permits_until(&self) -> Option<Timestamp> {
        let release_ends = match &self.release {
            ReleaseState::Inside { until, .. } => Some(*until),
            ReleaseState::NoneApply | ReleaseState::Outside { .. } => None,
        };
        [self.next_freeze, release_ends].into_iter().flatten().min()
    }
}
