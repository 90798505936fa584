//! What an exception would let through, before anybody grants it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Exception, passes};
use crate::approvals::involvement;
use crate::calendar::{Calendar, ReleaseState};
use crate::change::ChangeKind;
use crate::ids::ChangeNumber;
use crate::scope::Target;
use crate::standing::Standing;

/// The most changes that are found.
const MOST: usize = 200;
/// What the shipped policy says outside of release windows.
const RELEASE_WINDOW: &str = "rule:freeze.release_window";

/// An open change that an exception is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The change.
    pub change: ChangeNumber,
    /// What holds it now and would not any more: `freeze:...` and `stop:...`.
    pub lifted: BTreeSet<String>,
    /// Whether whoever grants it had a hand in the change: then it lifts nothing for it.
    pub own: bool,
    /// What of the calendar and of stops would still hold it: these, and `rule:freeze.release_window` outside of the
    /// release windows.
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
        (!targets.is_empty()).then_some((change, targets))
    });
    let mut found = Vec::new();
    for (change, targets) in covered {
        if found.len() == MOST {
            break;
        }
        let (mut lifted, mut still) = (BTreeSet::new(), BTreeSet::new());
        let behind = standing.behind_change(change).involved;
        let involved = involvement(&standing.organisation, &behind).0;
        let is_own = |it: &Exception| it.is_own(|person| involved.contains_key(person));
        let own = is_own(exception);
        let mut named = false;
        for target in &targets {
            let emergency = change.kind == ChangeKind::Emergency;
            for name in holding(standing, calendar, target, emergency, &is_own, now) {
                let lifts = passes(standing, exception, &name, now);
                named |= lifts;
                if lifts && !own {
                    lifted.insert(name);
                } else {
                    still.insert(name);
                }
            }
        }
        if of_rule || named {
            found.push(Lifted { change: change.number, lifted, own, still });
        }
    }
    found
}

/// What of freezes and stops holds a deployment that no exception in force passes.
fn holding(
    standing: &Standing,
    calendar: &Calendar,
    target: &Target,
    emergency: bool,
    is_own: &dyn Fn(&Exception) -> bool,
    now: Timestamp,
) -> Vec<String> {
    let facts = calendar.evaluate(target, now, &BTreeSet::new());
    let outside = !emergency && matches!(facts.release, ReleaseState::Outside { .. });
    let freezes = facts.freezes.into_iter().map(|window| format!("freeze:{}", window.name));
    let stops = standing.stops.values().filter(|stop| stop.scope.covers(target));
    let stops = stops.map(|stop| format!("stop:{}", stop.id));
    let passed = |name: &String| {
        let mut all = standing.exceptions.values();
        all.any(|it| passes(standing, it, name, now) && it.scope.covers(target) && !is_own(it))
    };
    let outside = outside.then(|| RELEASE_WINDOW.to_owned());
    freezes.chain(stops).chain(outside).filter(|name| !passed(name)).collect()
}
