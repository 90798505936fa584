//! What of a schedule begins on dates that may lie far apart, in bounded time for a whole folder.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime};
use sluice_core::calendar::recurrence::RuleProblem;
use sluice_core::calendar::{Schedule, ScheduleProblem};

/// About how many steps of rules the windows of a folder may take together beyond the one listing that each has: a second.
pub(super) const STEPS_LIMIT: u64 = 10_000_000;

/// What begins on the dates that were asked for; dates on which nothing does are not in it.
pub(super) struct Listing<'a> {
    schedule: &'a Schedule,
    pub(super) found: BTreeMap<Date, Result<Vec<DateTime>, ScheduleProblem>>,
    /// What was too much work for one date; it is for those after it, which cost no less.
    tired: Option<ScheduleProblem>,
    steps_left: &'a mut u64,
    is_first: bool,
}

impl<'a> Listing<'a> {
    pub(super) fn of(schedule: &'a Schedule, steps_left: &'a mut u64) -> Self {
        Self { schedule, found: BTreeMap::new(), tired: None, steps_left, is_first: true }
    }

    /// Lists what begins on each of these dates, which are sorted. Where there is more from the first to the last than is
    /// listed at once, in halves.
    pub(super) fn list(&mut self, dates: &[Date]) {
        let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return };
        match self.starts_between(*first, *last) {
            Ok(starts) => {
                for start in
                    starts.into_iter().filter(|start| dates.binary_search(&start.date()).is_ok())
                {
                    let on = self.found.entry(start.date()).or_insert_with(|| Ok(Vec::new()));
                    on.iter_mut().for_each(|starts| starts.push(start));
                }
            }
            Err(problem) if dates.len() == 1 => {
                self.tired =
                    self.tired.take().or_else(|| is_tired(&problem).then(|| problem.clone()));
                self.found.insert(*first, Err(problem));
            }
            Err(problem) => {
                // A rule that counts is walked from its start, however short the span is that is asked for.
                let alone = if is_tired(&problem) { 1 } else { 0 };
                let (alone, rest) = dates.split_at(alone);
                self.list(alone);
                let (before, after) = rest.split_at(rest.len() / 2);
                self.list(before);
                self.list(after);
            }
        }
    }

    fn starts_between(
        &mut self,
        first: Date,
        last: Date,
    ) -> Result<BTreeSet<DateTime>, ScheduleProblem> {
        if let Some(problem) = &self.tired {
            return Err(problem.clone());
        }
        if !std::mem::take(&mut self.is_first) {
            let cost = self.schedule.steps_between(first, last);
            match self.steps_left.checked_sub(cost) {
                Some(left) => *self.steps_left = left,
                None => {
                    let problem = RuleProblem::TooMuchWork { limit: STEPS_LIMIT };
                    let rrule = self.schedule.rrule.clone().unwrap_or_default();
                    return Err(ScheduleProblem::BadRule { rrule, problem });
                }
            }
        }
        self.schedule.starts_between(first, last)
    }
}

fn is_tired(problem: &ScheduleProblem) -> bool {
    matches!(problem, ScheduleProblem::BadRule { problem: RuleProblem::TooMuchWork { .. }, .. })
}
