//! What bars the way for everyone: stops, windows, and the exceptions that lift them.

use std::collections::BTreeSet;

use sluice_core::approvals::involvement;
use sluice_core::calendar::CalendarFacts;
use sluice_core::facts::{ExceptionFact, StopFact};
use sluice_core::ids::PersonId;
use sluice_core::scope::Target;
use sluice_core::stop::passes;

use super::Gathering;

/// Exceptions in force.
#[derive(Default)]
pub(super) struct Granted {
    pub(super) counting: Vec<ExceptionFact>,
    own: Vec<ExceptionFact>,
}

impl Granted {
    /// Those set aside that would lift something of what holds, or a rule.
    pub(super) fn missed(self, stops: &[StopFact], calendar: &CalendarFacts) -> Vec<ExceptionFact> {
        let would = |exception: &ExceptionFact| match exception.lifts.split_once(':') {
            Some(("stop", id)) => stops.iter().any(|stop| id == "*" || stop.id.as_str() == id),
            Some(("freeze", name)) => {
                calendar.freezes.iter().any(|window| name == "*" || window.name == name)
            }
            _ => true,
        };
        self.own.into_iter().filter(would).collect()
    }
}

/// Those that lift one kind of thing.
pub(super) fn lifting(granted: &[ExceptionFact], kind: &str) -> Vec<ExceptionFact> {
    granted.iter().filter(|exception| exception.lifts.starts_with(kind)).cloned().collect()
}

impl Gathering<'_> {
    /// Exceptions in force for the target. Those that only people gave who had a hand in the change are set aside.
    pub(super) fn exceptions(&self, target: &Target) -> Granted {
        let in_force = self
            .standing
            .exceptions
            .values()
            .filter(|exception| exception.scope.covers(target))
            .filter(|exception| exception.since <= self.now && self.now < exception.until);
        let mut granted = Granted::default();
        let mut involved = None;
        for exception in in_force {
            let involved = involved.get_or_insert_with(|| self.involved());
            let fact = ExceptionFact {
                id: exception.id.clone(),
                lifts: exception.lifts.clone(),
                reason: exception.reason.clone(),
                until: exception.until,
                by: exception.by.clone(),
            };
            let is_own = exception.is_own(|person| involved.contains(person));
            if is_own { &mut granted.own } else { &mut granted.counting }.push(fact);
        }
        granted
    }

    /// Who had a hand in the change.
    fn involved(&self) -> BTreeSet<PersonId> {
        let Some(placement) = self.placement else { return BTreeSet::new() };
        let behind = self.standing.behind_change(&placement.change);
        involvement(&self.standing.organisation, &behind.involved).0.into_keys().collect()
    }

    /// Stops that hold, and the exceptions that lifted the others.
    pub(super) fn stops(
        &self,
        target: &Target,
        granted: &[ExceptionFact],
    ) -> (Vec<StopFact>, Vec<ExceptionFact>) {
        let candidates = lifting(granted, "stop:");
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
    pub(super) fn calendar(
        &self,
        target: &Target,
        granted: &[ExceptionFact],
    ) -> (CalendarFacts, Vec<ExceptionFact>) {
        let candidates = lifting(granted, "freeze:");
        let passed = |name: &String| {
            let granted = candidates.iter().filter_map(|it| self.standing.exceptions.get(&it.id));
            let name = format!("freeze:{name}");
            granted.into_iter().any(|it| passes(self.standing, it, &name, self.now))
        };
        let names = self.standing.windows().map(|window| window.name.clone());
        let excepted: BTreeSet<String> = match candidates.is_empty() {
            true => BTreeSet::new(),
            false => names.filter(passed).collect(),
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
