//! Windows as an organisation defines them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{HORIZON_DAYS, OCCURRENCES_LIMIT, Occurrence, Reading, Schedule, ScheduleProblem};
use crate::scope::Scope;

/// What a window means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// Nothing goes, or only with an exception.
    Freeze,
    /// Work on the service is announced; a fact for the risk, no permission.
    Maintenance,
    /// Deployments go only inside of it or another one like it.
    Release,
}

/// What happens to deployments that run when a freeze begins.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum InFlight {
    /// They run to their end.
    #[default]
    Finish,
    /// They pause before their next step.
    Hold,
    /// They are stopped and rolled back.
    Abort,
}

/// A span of calendar time with a scope and a meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Unique name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it means.
    pub kind: WindowKind,
    /// The deployments it speaks of.
    #[serde(default)]
    pub scope: Scope,
    /// When it is in force.
    pub schedule: Schedule,
    /// What happens to deployments that run when it begins; only for freezes.
    #[serde(default)]
    pub in_flight: InFlight,
    /// Selectors of those who may grant an exception.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<String>,
    /// Why it exists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Why a window cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowProblem {
    /// Its schedule is wrong.
    #[error(transparent)]
    Schedule(#[from] ScheduleProblem),
    /// Its occurrences have no length.
    #[error("the window has no length")]
    NoLength,
    /// Its rule goes by seconds.
    #[error("a window cannot begin every few seconds")]
    EverySecond,
    /// Only a freeze acts on running deployments.
    #[error("`in_flight` is for freezes only")]
    InFlightWithoutFreeze,
}

impl WindowKind {
    /// How schedules of this kind are read where clocks are moved: what denies is read wide,
    /// what allows is read narrow.
    pub fn reading(self) -> Reading {
        match self {
            WindowKind::Freeze => Reading::Widest,
            WindowKind::Maintenance | WindowKind::Release => Reading::Narrowest,
        }
    }
}

impl Window {
    /// Names the first thing that is wrong with this window.
    pub fn validate(&self) -> Result<(), WindowProblem> {
        self.schedule.validate()?;
        if self.schedule.is_instantaneous() {
            return Err(WindowProblem::NoLength);
        }
        if self.schedule.is_secondly() {
            return Err(WindowProblem::EverySecond);
        }
        if self.in_flight != InFlight::Finish && self.kind != WindowKind::Freeze {
            return Err(WindowProblem::InFlightWithoutFreeze);
        }
        Ok(())
    }
}

impl Window {
    /// Its occurrences that end after `now`, as far as a calendar looks ahead, the present one first; none where they
    /// cannot be read.
    pub fn ahead(&self, now: Timestamp) -> Vec<Occurrence> {
        let horizon = SignedDuration::from_hours(HORIZON_DAYS * 24);
        let to = now.saturating_add(horizon).unwrap_or(Timestamp::MAX);
        let expanded = self.schedule.expand(now, to, self.kind.reading(), OCCURRENCES_LIMIT);
        let occurrences = expanded.map(|expanded| expanded.occurrences).unwrap_or_default();
        occurrences.into_iter().filter(|it| it.end > now).collect()
    }
}

impl WindowProblem {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            WindowProblem::Schedule(problem) => problem.help(),
            WindowProblem::NoLength => "give an `end` after the start, or a length such as `PT8H`",
            WindowProblem::EverySecond => "make one window of them, by a rule with `FREQ=DAILY`",
            WindowProblem::InFlightWithoutFreeze => "leave `in_flight` out, or make it a freeze",
        }
    }
}
