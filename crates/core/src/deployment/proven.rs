//! What an environment has proven: whether the same thing runs there or ran there, and for how long.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Place;
use crate::ids::{CommitId, Digest};

/// Since when something ran, and when it had or will have run for long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// Since when; none where that was not recorded.
    pub since: Option<Timestamp>,
    /// When its time is or was over.
    pub soaked_at: Option<Timestamp>,
}

impl Place {
    /// Whether these artifacts (or this commit, where there are none) run here, or ran here for at least `soak` and were
    /// not undone. Of several times the one that is enough first.
    pub fn proven(
        &self,
        artifacts: &BTreeSet<Digest>,
        commit: &CommitId,
        soak: SignedDuration,
    ) -> Option<Proven> {
        let is_it = |there: &BTreeSet<Digest>, at: Option<&CommitId>| match artifacts.is_empty() {
            true => at == Some(commit),
            false => artifacts.is_subset(there),
        };
        let over = |since: Timestamp| since.checked_add(soak).ok();
        let ran = self
            .ran
            .iter()
            .filter(|ran| is_it(&ran.artifacts, Some(&ran.commit)))
            .filter(|ran| {
                over(ran.since).is_some_and(|over| ran.until.is_some_and(|to| over <= to))
            })
            .map(|ran| Proven { since: Some(ran.since), soaked_at: over(ran.since) });
        let now = is_it(&self.artifacts, self.commit.as_ref())
            .then(|| Proven { since: self.since, soaked_at: self.since.and_then(over) });
        ran.chain(now).min_by_key(|proven| (proven.soaked_at.is_none(), proven.soaked_at))
    }
}
