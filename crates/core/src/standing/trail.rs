//! What goes to production with a commit, and not alone: everything pushed since what runs there.
//!
//! Each push says where its branch stood before. From push to push that leads back to a commit that runs, or ran and
//! was not undone: whoever had a hand in what lies between has a hand in what goes there now. What a push lists is all
//! that its tip has and the place before has not, also where history was rewritten, so that a way of complete pushes
//! is complete as a whole. Where no such way is found, it is unknown who wrote what goes there.
//!
//! Where nothing is known to have run yet, the way has no end to look for. It leads back through all that was heard:
//! to the first push of the branch that was heard of, and what was there before that is nobody's. A branch that began
//! beside others may have begun at any commit, so that everybody heard of in its repository had a hand in it.

use std::collections::{BTreeMap, BTreeSet};

use super::Standing;
use super::behind::Behind;
use crate::housekeeping::{PushSeen, SourceSeen};
use crate::ids::CommitId;
use crate::signal::Listed;

/// The most pushes that are followed.
const PUSHES: usize = 1_000;

/// A walk back from a commit.
struct Walk<'a> {
    standing: &'a Standing,
    steps: Vec<Step>,
    visited: BTreeSet<CommitId>,
    /// Where it is unknown how it goes on.
    gaps: BTreeSet<CommitId>,
    /// Steps at which a branch began.
    began: Vec<usize>,
    /// Branches that were heard of only from there on: repository, branch and the commit that it stood at.
    unheard: Vec<(String, String, CommitId)>,
}

/// A commit on the way.
struct Step {
    at: CommitId,
    /// The step that it was reached from, and the branch.
    from: Option<(usize, String)>,
    behind: Behind,
}

impl Standing {
    /// Everybody behind what `tip` has and none of `ran` had. With none that ran, behind all that was heard.
    pub(super) fn trail(&self, tip: &CommitId, ran: &BTreeSet<CommitId>) -> Behind {
        let mut walk = Walk {
            standing: self,
            steps: Vec::new(),
            visited: BTreeSet::new(),
            gaps: BTreeSet::new(),
            began: Vec::new(),
            unheard: Vec::new(),
        };
        walk.reach(tip, None);
        let reached = walk.until(ran);
        match reached {
            Some(reached) => walk.way_to(reached),
            None if ran.is_empty() => walk.all_that_was_heard(tip),
            None => walk.lost(tip),
        }
    }
}

impl Walk<'_> {
    fn reach(&mut self, at: &CommitId, from: Option<(usize, String)>) {
        if self.visited.insert(at.clone()) {
            self.steps.push(Step { at: at.clone(), from, behind: Behind::default() });
        }
    }

    /// Goes back until one of `ran` is reached. A tip that ran before brings nothing but what was brought with it.
    fn until(&mut self, ran: &BTreeSet<CommitId>) -> Option<usize> {
        let mut next = 0;
        while let Some(at) = self.steps.get(next).map(|step| step.at.clone()) {
            if next > 0 && ran.contains(&at) {
                return Some(next);
            }
            if next == PUSHES {
                // So far back, it is older than whatever a first deployment is asked about.
                if !ran.is_empty() {
                    self.gaps.insert(at);
                }
                return None;
            }
            self.step(next, &at);
            if next == 0 && ran.contains(&at) && self.gaps.is_empty() {
                return Some(0);
            }
            next += 1;
        }
        None
    }

    fn step(&mut self, number: usize, at: &CommitId) {
        let behind = self.standing.behind(at);
        let complete = behind.everybody;
        if let Some(step) = self.steps.get_mut(number) {
            step.behind = behind;
        }
        let Some(source) = self.standing.sources.get(at) else {
            return self.not_heard_of(number, at);
        };
        self.visited.insert(source.commit.clone());
        if !complete {
            self.gaps.insert(at.clone());
            return;
        }
        let mut known = false;
        for push in &source.pushes {
            match (tells_all(source, push), push.created, &push.before) {
                (true, true, _) => self.began.push(number),
                (true, false, Some(before)) => {
                    self.reach(before, Some((number, push.branch.clone())));
                }
                _ => continue,
            }
            known = true;
        }
        if !known {
            self.gaps.insert(at.clone());
        }
    }

    fn not_heard_of(&mut self, number: usize, at: &CommitId) {
        let from = self.steps.get(number).and_then(|step| step.from.clone());
        let source = from.as_ref().and_then(|(from, _)| self.steps.get(*from));
        let source = source.and_then(|step| self.standing.sources.get(&step.at));
        match (source, from) {
            (Some(source), Some((_, branch))) => {
                self.unheard.push((source.repository.clone(), branch, at.clone()));
            }
            _ => drop(self.gaps.insert(at.clone())),
        }
    }

    /// Everybody on the way to a step.
    fn way_to(self, reached: usize) -> Behind {
        let mut way = self.behind(|_| false);
        way.everybody = true;
        let mut at = Some(reached);
        while let Some(step) = at.and_then(|at| self.steps.get(at)) {
            if Some(reached) != at || reached == 0 {
                way.involved.extend(step.behind.involved.iter().cloned());
            }
            at = step.from.as_ref().map(|(from, _)| *from);
        }
        way
    }

    /// Everybody that was met, where what runs was not.
    fn lost(self, tip: &CommitId) -> Behind {
        let mut met = self.behind(|_| true);
        met.unheard = self.gaps;
        met.unheard.extend(self.unheard.into_iter().map(|(.., at)| at));
        if met.unheard.is_empty() {
            met.unheard.insert(tip.clone());
        }
        met
    }

    fn all_that_was_heard(mut self, tip: &CommitId) -> Behind {
        let firsts = std::mem::take(&mut self.unheard);
        let ended = !firsts.is_empty() || !self.began.is_empty() || self.steps.len() > PUSHES;
        if !ended {
            self.gaps.insert(tip.clone());
        }
        for (repository, branch, at) in firsts {
            if !self.is_first(&repository, &branch) {
                self.gaps.insert(at);
            }
        }
        if !self.gaps.is_empty() {
            return self.lost(tip);
        }
        let mut met = self.behind(|_| true);
        met.everybody = true;
        for number in &self.began {
            let source =
                self.steps.get(*number).and_then(|step| self.standing.sources.get(&step.at));
            met.involved.extend(source.into_iter().flat_map(|source| self.heard_before(source)));
        }
        met
    }

    /// Whether no push of the branch was heard that this walk should have met.
    fn is_first(&self, repository: &str, branch: &str) -> bool {
        let mut others: BTreeSet<&CommitId> = BTreeSet::new();
        let mut onto: BTreeMap<&CommitId, Vec<&CommitId>> = BTreeMap::new();
        for source in self.standing.sources.values().filter(|seen| seen.repository == repository) {
            let pushes = source.pushes.iter().filter(|push| push.branch == branch);
            for before in pushes.filter_map(|push| push.before.as_ref()) {
                if !self.visited.contains(&source.commit) && others.insert(&source.commit) {
                    onto.entry(before).or_default().push(&source.commit);
                }
            }
        }
        // Those that came after the commit that is asked for are no gap before it.
        let mut pending: Vec<&CommitId> = self.visited.iter().collect();
        while let Some(before) = pending.pop() {
            for later in onto.remove(before).into_iter().flatten() {
                others.remove(later);
                pending.push(later);
            }
        }
        others.is_empty()
    }

    /// Everybody heard of in a repository until a push of it.
    fn heard_before(&self, push: &SourceSeen) -> BTreeSet<crate::change::Involvement> {
        let order = self.standing.source_order.iter();
        order
            .take_while(|commit| **commit != push.commit)
            .filter_map(|commit| self.standing.sources.get(commit))
            .filter(|source| source.repository == push.repository)
            .flat_map(|source| source.involved.iter().cloned())
            .collect()
    }

    /// What was read, and who is behind the steps that are wanted.
    fn behind(&self, wanted: impl Fn(usize) -> bool) -> Behind {
        let mut all = Behind::default();
        for (number, step) in self.steps.iter().enumerate() {
            all.read.insert(step.at.clone());
            all.read.extend(step.behind.read.iter().cloned());
            if wanted(number) {
                all.involved.extend(step.behind.involved.iter().cloned());
            }
        }
        all
    }
}

/// Whether it is known what a push brought: by its list, or as what was proposed and merged by it.
fn tells_all(source: &SourceSeen, push: &PushSeen) -> bool {
    let merged = source.merge.as_ref().is_some_and(|merge| merge.branch == push.branch);
    match push.listed {
        Listed::All => true,
        Listed::None => push.created || push.before.is_some(),
        Listed::Some => merged,
    }
}
