//! Pushes, and branches and tags that come and go.

use sluice_core::signal::{CommitInfo, Signal, Who};

use crate::connector::Unreadable;
use crate::github::hear::Event;
use crate::github::wire::{Commit, Push, RefEvent, Signature};
use crate::kit::halt::{Halt, ignored, unreadable};
use crate::kit::reading::{commit, is_zero, listed, need_commit, need_text};
use crate::kit::{text, time};

/// The most commits that a push lists: on github.com, and on older servers. None of them says how many there were.
const LISTED: &[usize] = &[20, 2_048];

/// `push`.
pub(crate) fn pushed(event: &Event) -> Result<Vec<Signal>, Halt> {
    let push: Push = event.read()?;
    let repository = event.repository()?;
    let reference = need_text(push.reference, "ref")?;
    let deleted = push.deleted == Some(true) || push.after.as_deref().is_some_and(is_zero);
    if reference.starts_with("refs/tags/") {
        return Err(match deleted {
            true => ignored("tag_deleted", "a tag was deleted"),
            false => ignored("tag_push", "a tag was pushed; commits are what counts"),
        });
    }
    let Some(branch) = reference.strip_prefix("refs/heads/").filter(|branch| !branch.is_empty())
    else {
        return Err(unreadable("unexpected_shape", "`ref` is neither a branch nor a tag"));
    };
    if deleted {
        return Err(ignored("branch_deleted", "a branch was deleted"));
    }
    let tip = need_commit(push.after.as_deref(), "after")?;
    let mut commits: Vec<CommitInfo> = push
        .commits
        .unwrap_or_default()
        .iter()
        .filter_map(|commit| commit_info(event, commit))
        .collect();
    let total = push.size.and_then(|total| usize::try_from(total).ok());
    let listed = listed(&commits, &tip, total, LISTED);
    if commits.is_empty() {
        commits.extend(push.head_commit.iter().filter_map(|commit| commit_info(event, commit)));
    }
    Ok(vec![Signal::CommitsPushed {
        repository,
        branch: branch.to_owned(),
        default_branch: event.is_default_branch(branch),
        commit: tip,
        commits,
        listed,
        before: commit(push.before.as_deref()),
        created: push.created == Some(true) || push.before.as_deref().is_some_and(is_zero),
        forced: push.forced.unwrap_or(false),
        pusher: pusher(event, push.pusher.as_ref())?,
    }])
}

/// `create` and `delete`: the push that comes with them says all that is used.
pub(crate) fn created_or_deleted(event: &Event, what: &str) -> Halt {
    let kind = match event.read::<RefEvent>() {
        Ok(read) => read.ref_type,
        Err(unreadable) => return unreadable.into(),
    };
    let code = match (kind.as_deref(), what) {
        (Some("branch"), "created") => "branch_created",
        (Some("branch"), _) => "branch_deleted",
        (Some("tag"), "created") => "tag_created",
        (Some("tag"), _) => "tag_deleted",
        _ => "event_not_used",
    };
    ignored(code, format!("a branch or tag was {what}"))
}

/// GitHub names the pusher with account and address, and the sender once more with the account.
fn pusher(event: &Event, pusher: Option<&Signature>) -> Result<Who, Unreadable> {
    let sender = event.sender().unwrap_or_default();
    let Some(pusher) = pusher else { return Ok(sender) };
    let login = pusher.username.as_deref().or(pusher.name.as_deref());
    let named = text::who(&event.config.realm, login, None, pusher.email.as_deref());
    Ok(Who {
        email: named.email.or(sender.email),
        name: sender.name,
        account: sender.account.or(named.account),
    })
}

fn commit_info(event: &Event, given: &Commit) -> Option<CommitInfo> {
    let message = given.message.as_deref().unwrap_or_default();
    let author = given.author.as_ref().map(|author| signature(event, author)).unwrap_or_default();
    let committer = given.committer.as_ref().map(|committer| signature(event, committer));
    let touched = [&given.added, &given.removed, &given.modified];
    let mut paths: Vec<String> = touched.into_iter().flatten().flatten().cloned().collect();
    paths.sort_unstable();
    paths.dedup();
    Some(CommitInfo {
        id: commit(given.id.as_deref())?,
        title: text::title(message),
        committer: committer.filter(|committer| *committer != author),
        author,
        co_authors: text::co_authors(message)
            .map(|(name, email)| {
                let login = login_of_address(email);
                text::who(&event.config.realm, login.as_deref(), Some(name), Some(email))
            })
            .collect(),
        at: given.timestamp.as_deref().and_then(time::read),
        paths,
    })
}

fn signature(event: &Event, given: &Signature) -> Who {
    let from_address = given.email.as_deref().and_then(login_of_address);
    let login = given.username.as_deref().or(from_address.as_deref());
    text::who(&event.config.realm, login, given.name.as_deref(), given.email.as_deref())
}

/// The account in `123+octocat@users.noreply.github.com`, the address that GitHub gives to those
/// who hide their own.
fn login_of_address(address: &str) -> Option<String> {
    let (local, domain) = address.split_once('@')?;
    if !domain.starts_with("users.noreply.") {
        return None;
    }
    let login = local.split_once('+').map_or(local, |(_, login)| login);
    (!login.is_empty()).then(|| login.to_owned())
}
