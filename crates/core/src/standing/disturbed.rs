//! Open incidents and problems in the standing.

use std::sync::Arc;

use jiff::Timestamp;

use super::Standing;
use crate::event::Event;
use crate::ids::{IncidentNumber, ProblemNumber};
use crate::incident::{self, Incident};
use crate::problem::{self, Problem};

/// Incidents, and problems, open at the same time; the oldest leaves first. A monitoring system that opens more and
/// never closes one would fill the memory.
const OPEN: usize = 10_000;

impl Standing {
    /// The number that the next incident gets.
    pub fn next_incident(&self) -> IncidentNumber {
        IncidentNumber(self.incidents_counted + 1)
    }

    /// The number that the next problem gets.
    pub fn next_problem(&self) -> ProblemNumber {
        ProblemNumber(self.problems_counted + 1)
    }

    /// The open incident that something told of.
    pub fn incident_from(&self, source: &str) -> Option<&Arc<Incident>> {
        self.incidents.get(self.incidents_by_source.get(source)?)
    }

    /// The incident that an event is about, given the standing before it.
    pub fn incident_of(&self, event: &Event) -> Option<IncidentNumber> {
        incident::number_of(event, self)
    }

    /// The problem that an event is about.
    pub fn problem_of(&self, event: &Event) -> Option<ProblemNumber> {
        problem::number_of(event)
    }

    /// The oldest open problem that an incident belongs to.
    pub fn problem_with(&self, incident: IncidentNumber) -> Option<&Arc<Problem>> {
        self.problems.values().find(|problem| problem.incidents.contains(&incident))
    }

    pub(super) fn alter_incident(&mut self, event: &Event, at: Timestamp) {
        let Some(number) = incident::number_of(event, self) else { return };
        let before = self.incidents.get(&number).cloned();
        let Some(after) = incident::apply(before.as_deref(), number, event, at) else { return };
        self.incidents_counted = self.incidents_counted.max(number.0);
        if after.state.is_over() {
            self.forget_incident(number);
            return;
        }
        if let Some(source) = &after.source {
            self.incidents_by_source.insert(source.clone(), number);
        }
        self.incidents.insert(number, Arc::new(after));
        if self.incidents.len() > OPEN
            && let Some(oldest) = self.incidents.keys().next().copied()
        {
            self.forget_incident(oldest);
        }
    }

    fn forget_incident(&mut self, number: IncidentNumber) {
        let gone = self.incidents.remove(&number);
        if let Some(source) = gone.as_ref().and_then(|gone| gone.source.as_ref()) {
            self.incidents_by_source.remove(source);
        }
    }

    pub(super) fn alter_problem(&mut self, event: &Event, at: Timestamp) {
        let Some(number) = problem::number_of(event) else { return };
        let before = self.problems.get(&number).cloned();
        let Some(after) = problem::apply(before.as_deref(), event, at) else { return };
        self.problems_counted = self.problems_counted.max(number.0);
        if after.state.is_over() {
            self.problems.remove(&number);
            return;
        }
        self.problems.insert(number, Arc::new(after));
        if self.problems.len() > OPEN
            && let Some(oldest) = self.problems.keys().next().copied()
        {
            self.problems.remove(&oldest);
        }
    }
}
