//! Pull requests.

use sluice_core::signal::Signal;

use crate::github::hear::Event;
use crate::github::wire::PullRequestEvent;
use crate::kit::halt::Halt;
use crate::kit::reading::{commit, need, need_text};
use crate::kit::{text, time};

/// `pull_request`.
pub(crate) fn pull_request(event: &Event) -> Result<Vec<Signal>, Halt> {
    let action = event.action();
    let told = [
        "opened",
        "reopened",
        "synchronize",
        "edited",
        "closed",
        "ready_for_review",
        "converted_to_draft",
    ];
    if !told.contains(&action) {
        return Err(event.action_not_used());
    }
    let read: PullRequestEvent = event.read()?;
    let proposal = need(read.pull_request, "pull_request")?;
    let number = need(read.number.or(proposal.number), "number")?.to_string();
    let repository = event.repository()?;
    let head_commit = proposal.head.as_ref().and_then(|head| commit(head.sha.as_deref()));
    if action != "closed" || proposal.merged != Some(true) {
        return Ok(vec![Signal::ProposalUpdated {
            repository,
            proposal: number,
            action: action.to_owned(),
            head_commit,
            actor: event.sender().unwrap_or_default(),
        }]);
    }
    let base = need(proposal.base, "pull_request.base")?;
    let branch = need_text(base.name, "pull_request.base.ref")?;
    Ok(vec![Signal::ProposalMerged {
        repository,
        proposal: number,
        title: text::title(proposal.title.as_deref().unwrap_or_default()),
        url: proposal.html_url,
        default_branch: event.is_default_branch(&branch),
        branch,
        merge_commit: commit(proposal.merge_commit_sha.as_deref()),
        head_commit,
        author: proposal.user.as_ref().map(|user| event.user(user)).unwrap_or_default(),
        merger: event.some_user(proposal.merged_by.as_ref()).or_else(|| event.sender()),
        lines_changed: proposal
            .additions
            .zip(proposal.deletions)
            .map(|(more, fewer)| more.saturating_add(fewer)),
        files_changed: proposal.changed_files,
        commit_count: proposal.commits,
        at: proposal.merged_at.as_deref().and_then(time::read),
    }])
}
