//! What can only be seen when all files are read.

mod approvals;
mod cycles;
mod listing;
mod mentions;
mod references;
mod settle;
mod windows;

use crate::findings::Findings;
use crate::keys::Keys;

/// Completes the items and checks them against one another.
pub(crate) fn run(findings: &mut Findings, keys: &dyn Keys) {
    settle::implied_teams(findings, keys);
    settle::dependencies(findings);
    windows::finish(findings);
    references::check(findings);
    cycles::check(findings);
    mentions::check(findings);
    approvals::check(findings);
}
