//! What an exception would let through, before anybody grants it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Exception;
use crate::calendar::Calendar;
use crate::ids::ChangeNumber;
use crate::scope::Target;
use crate::standing::Standing;

/// The most changes that are looked at.
const MOST: usize = 200;

/// An open change that an exception is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The change.
    pub change: ChangeNumber,
    /// What holds it now and would not any more: `freeze:...` and `stop:...`.
    pub lifted: BTreeSet<String>,
    /// What would still hold it.
    pub still: BTreeSet<String>,
}

/// The open changes that an exception would be about at `now`, by number, as far as somebody `sees` where they go: those
/// that a freeze or a stop holds which it lifts, or that it covers where it lifts a rule.
pub fn would_lift(
    standing: &Standing,
    calendar: &Calendar,
    exception: &Exception,
    now: Timestamp,
    sees: impl Fn(&Target) -> bool,
) -> Vec<Lifted> {
    let of_rule = exception.lifts.starts_with("rule:");
    let open = standing.changes.values().filter(|change| !change.state.is_over());
    let covered = open.filter_map(|change| {
        let targets = change
            .services
            .iter()
            .map(|service| standing.organisation.target(service, &change.environment));
        let targets: Vec<Target> =
            targets.filter(|target| exception.scope.covers(target) && sees(target)).collect();
        (!targets.is_empty()).then_some((change.number, targets))
    });
    let mut found = Vec::new();
    for (change, targets) in covered.take(MOST) {
        let (mut lifted, mut still) = (BTreeSet::new(), BTreeSet::new());
        for target in &targets {
            for name in holding(standing, calendar, target, now) {
                if exception.lifts(&name, now) {
                    lifted.insert(name);
                } else {
                    still.insert(name);
                }
            }
        }
        if of_rule || !lifted.is_empty() {
            found.push(Lifted { change, lifted, still });
        }
    }
    found
}

/// What of freezes and stops holds a deployment that no exception in force passes.
fn holding(
    standing: &Standing,
    calendar: &Calendar,
    target: &Target,
    now: Timestamp,
) -> Vec<String> {
    let freezes = calendar.evaluate(target, now, &BTreeSet::new()).freezes;
    let freezes = freezes.into_iter().map(|window| format!("freeze:{}", window.name));
    let stops = standing.stops.values().filter(|stop| stop.scope.covers(target));
    let stops = stops.map(|stop| format!("stop:{}", stop.id));
    let passed = |name: &String| {
        standing.exceptions.values().any(|it| it.lifts(name, now) && it.scope.covers(target))
    };
    freezes.chain(stops).filter(|name| !passed(name)).collect()
}
