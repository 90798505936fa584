//! Pushes and merge requests.

use sluice_core::signal::{CommitInfo, Signal, Who};

use crate::gitlab::hear::Event;
use crate::gitlab::wire::{Check, Commit, MergeRequest, MergeRequestEvent, Push, User};
use crate::kit::halt::{Halt, ignored, unreadable};
use crate::kit::reading::{commit, is_zero, listed, need, need_commit, need_text};
use crate::kit::{text, time};

/// How many commits GitLab lists of a push; `total_commits_count` says how many there were.
const LISTED: &[usize] = &[20];

/// `push`. GitLab lists the newest 20 commits, and does not say whether history was rewritten.
pub(crate) fn pushed(event: &Event) -> Result<Vec<Signal>, Halt> {
    let push: Push = event.read()?;
    let repository = event.repository()?;
    let reference = need_text(push.reference, "ref")?;
    if reference.starts_with("refs/tags/") {
        return Err(tag_pushed(event));
    }
    let branch = reference.strip_prefix("refs/heads/").unwrap_or(&reference);
    if branch.starts_with("refs/") || branch.is_empty() {
        return Err(unreadable("unexpected_shape", "`ref` is neither a branch nor a tag"));
    }
    if push.after.as_deref().is_some_and(is_zero) {
        return Err(ignored("branch_deleted", "a branch was deleted"));
    }
    let tip = need_commit(push.after.or(push.checkout_sha).as_deref(), "after")?;
    let (login, name, email) = (push.user_username, push.user_name, push.user_email);
    let commits: Vec<CommitInfo> = push
        .commits
        .unwrap_or_default()
        .iter()
        .filter_map(|commit| commit_info(event, commit))
        .collect();
    let total = push.total_commits_count.and_then(|total| usize::try_from(total).ok());
    Ok(vec![Signal::CommitsPushed {
        repository,
        branch: branch.to_owned(),
        default_branch: event.is_default_branch(branch),
        listed: listed(&commits, &tip, total, LISTED),
        before: commit(push.before.as_deref()),
        created: push.before.as_deref().is_some_and(is_zero),
        commit: tip,
        commits,
        forced: false,
        pusher: text::who(&event.config.realm, login.as_deref(), name.as_deref(), email.as_deref()),
    }])
}

/// `tag_push`.
pub(crate) fn tag_pushed(event: &Event) -> Halt {
    match event.read::<Push>() {
        Ok(push) if push.after.as_deref().is_some_and(is_zero) => {
            ignored("tag_deleted", "a tag was deleted")
        }
        Ok(_) => ignored("tag_push", "a tag was pushed; commits are what counts"),
        Err(unreadable) => unreadable.into(),
    }
}

/// `merge_request`.
pub(crate) fn merge_request(event: &Event) -> Result<Vec<Signal>, Halt> {
    let read: MergeRequestEvent = event.read()?;
    let proposal = need(read.object_attributes.as_ref(), "object_attributes")?;
    if let Some(check) = &read.external_approval_rule {
        return Ok(vec![checked(event, &read, proposal, check)?]);
    }
    let Some(action) = proposal.action.as_deref() else {
        return Err(ignored("action_missing", "the merge request's payload has no `action`"));
    };
    match action {
        "merge" => Ok(vec![merged(event, &read, proposal)?]),
        "open" | "reopen" | "update" | "close" => Ok(vec![Signal::ProposalUpdated {
            repository: event.repository()?,
            proposal: need(proposal.iid, "object_attributes.iid")?.to_string(),
            action: action.to_owned(),
            head_commit: head_of(proposal),
            actor: event.some_user(read.user.as_ref()).unwrap_or_default(),
        }]),
        other => {
            let action = text::cut(other, 80).escape_debug().to_string();
            Err(ignored("action_not_used", format!("the action `{action}` is not used")))
        }
    }
}

/// What an external status check asks. Whatever else happened to the merge request, its webhook tells.
fn checked(
    event: &Event,
    read: &MergeRequestEvent,
    proposal: &MergeRequest,
    check: &Check,
) -> Result<Signal, Halt> {
    let is_over = ["merged", "closed", "locked"];
    let iid = need(proposal.iid, "object_attributes.iid")?;
    Ok(Signal::CheckRequested {
        repository: event.repository()?,
        proposal: iid.to_string(),
        run: event.run_of("merge_requests", iid)?,
        check: need(check.id, "external_approval_rule.id")?.to_string(),
        commit: head_of(proposal),
        open: !proposal.state.as_deref().is_some_and(|state| is_over.contains(&state)),
        actor: event.some_user(read.user.as_ref()),
    })
}

fn merged(
    event: &Event,
    read: &MergeRequestEvent,
    proposal: &MergeRequest,
) -> Result<Signal, Halt> {
    let branch = need_text(proposal.target_branch.clone(), "object_attributes.target_branch")?;
    Ok(Signal::ProposalMerged {
        repository: event.repository()?,
        proposal: need(proposal.iid, "object_attributes.iid")?.to_string(),
        title: text::title(proposal.title.as_deref().unwrap_or_default()),
        url: proposal.url.clone(),
        default_branch: event.is_default_branch(&branch),
        branch,
        merge_commit: commit(proposal.merge_commit_sha.as_deref()),
        head_commit: head_of(proposal),
        author: author(event, read, proposal.author_id),
        merger: event.some_user(read.user.as_ref()),
        lines_changed: None,
        files_changed: None,
        commit_count: None,
        at: proposal.updated_at.as_deref().and_then(time::read),
    })
}

fn head_of(proposal: &MergeRequest) -> Option<sluice_core::ids::CommitId> {
    commit(proposal.last_commit.as_ref()?.id.as_deref())
}

/// GitLab names the author by number only; often the same person is in the payload by name.
fn author(event: &Event, read: &MergeRequestEvent, id: Option<u64>) -> Who {
    let Some(id) = id else { return Who::default() };
    let people = read
        .user
        .iter()
        .chain(read.assignees.iter().flatten())
        .chain(read.reviewers.iter().flatten());
    let found = people.into_iter().find(|person| person.id == Some(id));
    match found {
        Some(person) => event.user(person),
        None => event.user(&User { id: Some(id), ..User::default() }),
    }
}

fn commit_info(event: &Event, given: &Commit) -> Option<CommitInfo> {
    let message = given.message.as_deref().unwrap_or_default();
    let author = given.author.as_ref();
    let touched = [&given.added, &given.modified, &given.removed];
    let mut paths: Vec<String> = touched.into_iter().flatten().flatten().cloned().collect();
    paths.sort_unstable();
    paths.dedup();
    Some(CommitInfo {
        id: commit(given.id.as_deref())?,
        title: text::title(message),
        author: by_address(
            event,
            author.and_then(|author| author.name.as_deref()),
            author.and_then(|author| author.email.as_deref()),
        ),
        committer: None,
        co_authors: text::co_authors(message)
            .map(|(name, email)| by_address(event, Some(name), Some(email)))
            .collect(),
        at: given.timestamp.as_deref().and_then(time::read),
        paths,
    })
}

fn by_address(event: &Event, name: Option<&str>, email: Option<&str>) -> Who {
    let login = email.and_then(login_of_address);
    text::who(&event.config.realm, login, name, email)
}

/// The account in `123-jsmith@users.noreply.gitlab.com`, the address that GitLab gives to those
/// who hide their own.
fn login_of_address(address: &str) -> Option<&str> {
    let (local, domain) = address.split_once('@')?;
    let (id, login) = local.split_once('-')?;
    let hidden =
        domain.starts_with("users.noreply.") && id.bytes().all(|byte| byte.is_ascii_digit());
    (hidden && !login.is_empty()).then_some(login)
}
