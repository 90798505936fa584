//! Events of problems, on the streams `problem/<number>`, and what each makes of a problem.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Problem, ProblemState};
use crate::event::Event;
use crate::ids::{ChangeNumber, IncidentNumber, ProblemNumber, ServiceName};

/// A problem became known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Its number.
    pub problem: ProblemNumber,
    /// The neighbour's record that it was taken over from, as link and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What it is about.
    pub title: String,
    /// The services that it lies in.
    pub services: BTreeSet<ServiceName>,
    /// Its incidents.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub incidents: BTreeSet<IncidentNumber>,
    /// Its changes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub changes: BTreeSet<ChangeNumber>,
    /// What else is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// More belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// The problem.
    pub problem: ProblemNumber,
    /// Further incidents.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub incidents: BTreeSet<IncidentNumber>,
    /// Further changes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub changes: BTreeSet<ChangeNumber>,
}

/// It stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The problem.
    pub problem: ProblemNumber,
    /// Where it stands now; not at its end.
    pub state: ProblemState,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The cause is dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The problem.
    pub problem: ProblemNumber,
    /// How.
    pub note: String,
}

/// The problem that an event is about.
pub(crate) fn number_of(event: &Event) -> Option<ProblemNumber> {
    match event {
        Event::ProblemOpened(event) => Some(event.problem),
        Event::ProblemLinked(event) => Some(event.problem),
        Event::ProblemMoved(event) => Some(event.problem),
        Event::ProblemResolved(event) => Some(event.problem),
        // The one fall-through: everything else is about none.
        _ => None,
    }
}

/// What an event makes of a problem.
pub fn apply(before: Option<&Problem>, event: &Event, at: Timestamp) -> Option<Problem> {
    let altered = before.map(|before| Problem { updated_at: at, ..before.clone() });
    match event {
        Event::ProblemOpened(event) => Some(Problem {
            number: event.problem,
            source: event.source.clone(),
            state: ProblemState::New,
            title: event.title.clone(),
            services: event.services.clone(),
            incidents: event.incidents.clone(),
            changes: event.changes.clone(),
            note: event.note.clone(),
            opened_at: at,
            updated_at: at,
            resolved_at: None,
        }),
        Event::ProblemLinked(event) => altered.map(|mut problem| {
            problem.incidents.extend(event.incidents.iter().copied());
            problem.changes.extend(event.changes.iter().copied());
            problem
        }),
        Event::ProblemMoved(event) => altered.map(|problem| Problem {
            state: event.state,
            note: event.note.clone(),
            ..problem
        }),
        Event::ProblemResolved(event) => altered.map(|problem| Problem {
            state: ProblemState::Resolved,
            note: event.note.clone(),
            resolved_at: Some(at),
            ..problem
        }),
        // The one fall-through: everything else alters none.
        _ => None,
    }
}
