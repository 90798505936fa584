//! Who is behind a commit, as far as pushes and merges have told.
//!
//! A push tells who wrote what it brought, if its sender lists all of it. A merge tells only its own people: those who
//! wrote the merged branch are known either from the push that brought the merge together with the branch's commits,
//! or from the pushes of the branch, followed back from one to the one before until the branch began or leaves the
//! branch that was merged into. Where a link of that chain was not heard, it is unknown who had a hand in it.

use std::collections::BTreeSet;

use super::Standing;
use crate::change::{Change, Involvement};
use crate::housekeeping::{MergeSeen, SourceSeen};
use crate::ids::CommitId;
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
    /// Commits that it was read from, heard of or not: as soon as more is told of one of them, it may be otherwise.
    pub read: BTreeSet<CommitId>,
}

impl Standing {
    /// Who is behind a commit.
    pub fn behind(&self, commit: &CommitId) -> Behind {
        let mut behind = Behind::default();
        behind.read.insert(commit.clone());
        if let Some(source) = self.sources.get(commit) {
            behind.everybody = self.follow(source, &mut behind, DEPTH);
        }
        behind
    }

    /// A change with everybody who is behind its commits, also those whom nobody told of before it was asked for.
    pub fn with_everybody(&self, change: &Change) -> Change {
        let mut change = change.clone();
        let commits = change.origin.commits.iter();
        let told: Vec<Involvement> =
            commits.flat_map(|commit| self.behind(commit).involved).collect();
        change.involved.extend(told);
        change
    }

    /// Commits of a change of which nobody has told who wrote all of them.
    pub fn unreported(&self, change: &Change) -> BTreeSet<CommitId> {
        let stated = |commit: &CommitId| {
            self.organisation.settings.authorship == Authorship::Reported
                && change.authors_stated.contains(commit)
        };
        let commits = change.origin.commits.iter();
        let unknown = commits.filter(|commit| !stated(commit) && !self.behind(commit).everybody);
        unknown.cloned().collect()
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
        let Some(merge) = &source.merge else { return whole(None) };
        let came_along = whole(Some(&merge.branch)) && source.commits.contains(&merge.head);
        came_along || self.follow_branch(source, merge, behind, depth)
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
