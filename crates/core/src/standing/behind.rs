//! Who is behind a commit, as far as pushes and merges have told.
//!
//! A push tells who wrote what it brought, if its sender lists all of it. A merge tells only its own people: those who
//! wrote the merged branch are known either from the push that brought the merge together with the branch's commits,
//! or from the pushes of the branch, followed back from one to the one before until the branch began or leaves the
//! branch that was merged into. Where a link of that chain was not heard, it is unknown who had a hand in it.
//! Nor does a commit go to production alone: with it goes all that was pushed since what runs there (`trail.rs`).

use std::collections::BTreeSet;

use super::Standing;
use crate::change::{Change, Involvement};
use crate::housekeeping::{MergeSeen, SourceSeen};
use crate::ids::{CommitId, ServiceName};
use crate::organisation::Authorship;
use crate::signal::Listed;

/// The most pushes of a merged branch that are followed.
const PUSHES: usize = 1_000;

/// How deep branches merged into a merged branch are followed.
const DEPTH: u32 = 4;

/// Who is behind a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Behind {
    /// Everybody known to have a hand in it.
    pub involved: BTreeSet<Involvement>,
    /// Whether that is everybody.
    pub everybody: bool,
    /// Where it is not everybody: commits of which it was not told, or not wholly, what came with them.
    pub unheard: BTreeSet<CommitId>,
    /// Commits that it was read from, heard of or not: as soon as more is told of one of them, it may be otherwise.
    pub read: BTreeSet<CommitId>,
}

impl Standing {
    /// Who is behind a commit and what came with it.
    pub fn behind(&self, commit: &CommitId) -> Behind {
        let mut behind = Behind::default();
        behind.read.insert(commit.clone());
        if let Some(source) = self.sources.get(commit) {
            behind.everybody = self.follow(source, &mut behind, DEPTH);
        }
        if !behind.everybody {
            behind.unheard.insert(commit.clone());
        }
        behind
    }

    /// Who is behind everything that goes along when a commit of a change is deployed.
    fn behind_all(&self, change: &Change, commit: &CommitId) -> Behind {
        let repository = self.sources.get(commit).map(|source| source.repository.as_str());
        let from_there: BTreeSet<&ServiceName> = repository
            .map(|repository| self.organisation.services_from(repository))
            .into_iter()
            .flatten()
            .map(|service| &service.name)
            .filter(|service| change.services.contains(*service))
            .collect();
        let services =
            if from_there.is_empty() { change.services.iter().collect() } else { from_there };
        let ran: BTreeSet<BTreeSet<CommitId>> =
            services.into_iter().map(|service| self.ran_before(change, service)).collect();
        let mut all = self.behind(commit);
        for ran in &ran {
            let one = self.trail(commit, ran);
            all.everybody &= one.everybody;
            all.involved.extend(one.involved);
            all.unheard.extend(one.unheard);
            all.read.extend(one.read);
        }
        all
    }

    /// What ran of a service before the change came, and was not undone.
    fn ran_before(&self, change: &Change, service: &ServiceName) -> BTreeSet<CommitId> {
        let mut own = change.deployments.iter().filter_map(|number| self.deployments.get(number));
        let own = own.find(|deployment| deployment.service == *service);
        let place = self.place(service, &change.environment);
        let ran = place.into_iter().flat_map(|place| &place.ran);
        ran.filter(|ran| own.is_none_or(|own| ran.deployment < own.number))
            .map(|ran| ran.commit.clone())
            .chain(own.and_then(|own| own.replaces.clone()))
            .collect()
    }

    /// Who is behind everything that goes along with a change, its own people included.
    pub fn behind_change(&self, change: &Change) -> Behind {
        let mut all = Behind { everybody: true, ..Behind::default() };
        all.involved.extend(change.involved.iter().cloned());
        for commit in &change.origin.commits {
            let one = self.behind_all(change, commit);
            all.everybody &= one.everybody;
            all.involved.extend(one.involved);
            all.read.extend(one.read);
            let stated = self.organisation.settings.authorship == Authorship::Reported
                && change.authors_stated.contains(commit);
            if !stated {
                all.unheard.extend(one.unheard);
            }
        }
        all
    }

    /// A change with everybody who is behind it, also those whom nobody told of before it was asked for.
    pub fn with_everybody(&self, change: &Change) -> Change {
        Change { involved: self.behind_change(change).involved, ..change.clone() }
    }

    /// Takes in who had a hand in what a push or merge brought; says whether that is everybody.
    fn follow(&self, source: &SourceSeen, behind: &mut Behind, depth: u32) -> bool {
        behind.involved.extend(source.involved.iter().cloned());
        let whole = |branch: Option<&str>| {
            let mut pushes = source.pushes.iter();
            pushes.any(|push| {
                push.listed == Listed::All && branch.is_none_or(|branch| push.branch == branch)
            })
        };
        let own = match &source.merge {
            None => whole(None),
            Some(merge) => {
                let came_along = whole(Some(&merge.branch)) && source.commits.contains(&merge.head);
                came_along || self.follow_branch(source, merge, behind, depth)
            }
        };
        own && !source.people_cut && self.follow_members(source, behind, depth)
    }

    /// Of what came with a push, what was itself merged: a squashed branch lists none of those who wrote it.
    fn follow_members(&self, source: &SourceSeen, behind: &mut Behind, depth: u32) -> bool {
        let mut whole = true;
        for commit in source.commits.iter().filter(|commit| **commit != source.commit) {
            let merged = self.sources.get(commit);
            if let Some(merged) =
                merged.filter(|seen| seen.commit == *commit && seen.merge.is_some())
            {
                behind.read.insert(commit.clone());
                whole &= depth > 0 && self.follow(merged, behind, depth - 1);
            }
        }
        whole
    }

    /// Follows the pushes of a merged branch back.
    fn follow_branch(
        &self,
        merged: &SourceSeen,
        merge: &MergeSeen,
        behind: &mut Behind,
        depth: u32,
    ) -> bool {
        let mut pending = vec![merge.head.clone()];
        let mut seen = BTreeSet::new();
        let mut commits = BTreeSet::new();
        let mut ended = false;
        while let Some(at) = pending.pop() {
            if seen.len() >= PUSHES || !seen.insert(at.clone()) {
                continue;
            }
            behind.read.insert(at.clone());
            let Some(source) = self.sources.get(&at) else { continue };
            let mut pushes = source.pushes.iter();
            let was_there =
                pushes.any(|push| push.branch == merge.branch && push.listed != Listed::Some);
            if at != merge.head && was_there {
                // Here the branch began.
                ended = true;
                continue;
            }
            let is_merge = source.merge.is_some() && source.commit != merged.commit;
            if is_merge && (depth == 0 || !self.follow(source, behind, depth - 1)) {
                continue;
            }
            behind.involved.extend(source.involved.iter().cloned());
            commits.extend(source.every_commit());
            for push in source.pushes.iter().filter(|push| push.branch != merge.branch) {
                match (push.listed, push.created, &push.before) {
                    (Listed::Some, _, _) | (_, false, None) => {}
                    (Listed::All | Listed::None, true, _) => ended = true,
                    (Listed::All | Listed::None, false, Some(before)) => {
                        pending.push(before.clone());
                    }
                }
            }
        }
        let proposed = merge.commit_count.and_then(|count| usize::try_from(count).ok());
        ended && proposed.is_none_or(|count| commits.len() >= count)
    }
}
