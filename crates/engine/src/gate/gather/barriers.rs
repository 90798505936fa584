//! What bars the way for everyone: stops, windows, and the exceptions that lift them.

use std::collections::BTreeSet;

use sluice_core::calendar::CalendarFacts;
use sluice_core::facts::{ExceptionFact, StopFact};
use sluice_core::scope::Target;

use super::Gathering;

impl Gathering<'_> {
    pub(super) fn exceptions(
        &self,
        target: &Target,
        of: impl Fn(&str) -> bool,
    ) -> Vec<ExceptionFact> {
        self.standing
            .exceptions
            .values()
            .filter(|exception| of(&exception.lifts) && exception.scope.covers(target))
            .filter(|exception| exception.since <= self.now && self.now < exception.until)
            .map(|exception| ExceptionFact {
                id: exception.id.clone(),
                lifts: exception.lifts.clone(),
                reason: exception.reason.clone(),
                until: exception.until,
                by: exception.by.clone(),
            })
            .collect()
    }

    /// Stops that hold, and the exceptions that lifted the others.
    pub(super) fn stops(&self, target: &Target) -> (Vec<StopFact>, Vec<ExceptionFact>) {
        let candidates = self.exceptions(target, |lifts| lifts.starts_with("stop:"));
        let mut used: Vec<ExceptionFact> = Vec::new();
        let mut holding = Vec::new();
        for stop in self.standing.stops.values().filter(|stop| stop.scope.covers(target)) {
            let name = format!("stop:{}", stop.id);
            match candidates
                .iter()
                .find(|exception| exception.lifts == name || exception.lifts == "stop:*")
            {
                Some(exception) if !used.contains(exception) => used.push(exception.clone()),
                Some(_) => {}
                None => holding.push(StopFact {
                    id: stop.id.clone(),
                    scope: stop.scope.clone(),
                    reason: stop.reason.clone(),
                    since: stop.since,
                    by: stop.by.clone(),
                }),
            }
        }
        (holding, used)
    }

    /// The calendar, and the exceptions that lifted a freeze in force.
    pub(super) fn calendar(&self, target: &Target) -> (CalendarFacts, Vec<ExceptionFact>) {
        let candidates = self.exceptions(target, |lifts| lifts.starts_with("freeze:"));
        let all = candidates.iter().any(|exception| exception.lifts == "freeze:*");
        let excepted: BTreeSet<String> = if all {
            self.standing.windows().map(|window| window.name.clone()).collect()
        } else {
            candidates
                .iter()
                .filter_map(|exception| exception.lifts.strip_prefix("freeze:").map(str::to_owned))
                .collect()
        };
        let facts = self.calendar.evaluate(target, self.now, &excepted);
        let lifted: BTreeSet<String> =
            facts.excepted.iter().map(|window| format!("freeze:{}", window.name)).collect();
        let used = candidates.into_iter().filter(|exception| {
            lifted.contains(&exception.lifts)
                || (exception.lifts == "freeze:*" && !lifted.is_empty())
        });
        (facts, used.collect())
    }
}
