//! Deliveries as GitHub would send them: the shapes of its API, signed with the link's secret.

use serde_json::{Value, json};
use sluice_connectors::kit::signature::hmac_sha256;
use sluice_core::housekeeping::SourceSeen;
use sluice_core::ids::CommitId;
use sluice_core::standing::Standing;

use super::company;

/// A commit id for a demonstration.
pub(super) fn commit(seed: u8) -> String {
    format!("{seed:02x}").repeat(20)
}

/// An artifact digest for a demonstration.
pub(super) fn digest(seed: u8) -> String {
    sluice_core::ids::Digest::of(&[b'd', seed]).to_string()
}

/// A push of one commit to `main`.
pub(super) fn push(
    standing: &Standing,
    repository: &str,
    seed: u8,
    author: (&str, &str),
    title: &str,
    path: &str,
) -> Value {
    push_of(standing, repository, &commit(seed), author, title, path)
}

/// The same for a commit with this id.
pub(super) fn push_of(
    standing: &Standing,
    repository: &str,
    id: &str,
    author: (&str, &str),
    title: &str,
    path: &str,
) -> Value {
    let (login, email) = author;
    let before = before(standing, repository, id);
    // The commit that was proposed, and the one that merged it.
    let mut ids = vec![turned(id, 1), id.to_owned()];
    ids.dedup();
    let commits: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({
                "id": id, "tree_id": commit(2), "distinct": true, "message": title,
                "timestamp": "2026-03-04T09:00:00Z",
                "url": format!("https://github.com/{repository}/commit/{id}"),
                "author": {"name": login, "email": email, "username": login},
                "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
                "added": [], "removed": [], "modified": [path],
            })
        })
        .collect();
    json!({
        "ref": "refs/heads/main", "before": before, "after": id,
        "created": false, "deleted": false, "forced": false, "base_ref": null,
        "compare": format!("https://github.com/{repository}/compare/{before}...{id}"),
        "repository": repository_of(repository),
        "pusher": {"name": login, "email": email},
        "sender": {"login": login, "id": 7, "type": "User"},
        "head_commit": null,
        "commits": commits,
    })
}

/// Where `main` stood before a commit was pushed, or stands, where it was not.
fn before(standing: &Standing, repository: &str, id: &str) -> String {
    let repository = format!("github.com/{repository}");
    let to_main = |source: &SourceSeen| {
        let push = source.pushes.iter().find(|push| push.branch == "main");
        push.filter(|_| source.repository == repository).cloned()
    };
    let known = CommitId::parse(id).ok().and_then(|id| standing.sources.get(&id));
    let onto = match known.and_then(|source| to_main(source)) {
        Some(push) => push.before,
        None => {
            let mut newest = standing.source_order.iter().rev();
            let main =
                |id: &&CommitId| standing.sources.get(*id).is_some_and(|it| to_main(it).is_some());
            newest.find(main).cloned()
        }
    };
    let older = || sluice_core::ids::Digest::of(repository.as_bytes()).to_string();
    onto.map_or_else(
        || older().chars().skip("sha256:".len()).take(40).collect(),
        |onto| onto.to_string(),
    )
}

/// Another commit id, made of this one.
fn turned(id: &str, by: usize) -> String {
    let (head, tail) = id.split_at_checked(by).unwrap_or((id, ""));
    format!("{tail}{head}")
}

/// A pull request that was merged into `main`.
pub(super) fn merge(
    repository: &str,
    seed: u8,
    author: &str,
    merger: &str,
    title: &str,
    lines: u64,
) -> Value {
    merge_of(repository, &commit(seed), (author, merger), title, lines)
}

/// The same for a commit with this id.
pub(super) fn merge_of(
    repository: &str,
    id: &str,
    (author, merger): (&str, &str),
    title: &str,
    lines: u64,
) -> Value {
    let number = id.bytes().fold(40, |sum: u64, byte| (sum * 31 + u64::from(byte)) % 4_000);
    json!({
        "action": "closed", "number": number,
        "pull_request": {
            "id": number, "number": number, "state": "closed", "title": title, "draft": false,
            "html_url": format!("https://github.com/{repository}/pull/{number}"),
            "user": {"login": author, "id": 7, "type": "User"},
            "merged": true, "merged_at": "2026-03-04T09:00:00Z", "merge_commit_sha": id,
            "merged_by": {"login": merger, "id": 8, "type": "User"},
            "head": {"ref": "topic", "sha": turned(id, 1)},
            "base": {"ref": "main", "sha": turned(id, 2)},
            "labels": [], "additions": lines, "deletions": 0, "changed_files": 3, "commits": 1,
        },
        "repository": repository_of(repository),
        "sender": {"login": merger, "id": 8, "type": "User"},
    })
}

fn repository_of(full_name: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or(("acme", full_name));
    json!({
        "id": 1, "name": name, "full_name": full_name, "private": true, "default_branch": "main",
        "html_url": format!("https://github.com/{full_name}"),
        "owner": {"login": owner, "id": 1, "type": "Organization"},
    })
}

/// Headers and bytes of a signed delivery.
pub(super) fn signed(
    event: &str,
    id: &str,
    body: &Value,
) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let bytes = body.to_string().into_bytes();
    let mac = hmac_sha256(&company::secret("ACME_GITHUB_SECRET"), &bytes);
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("user-agent", "GitHub-Hookshot/demo".to_owned()),
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", id.to_owned()),
        ("x-hub-signature-256", format!("sha256={}", data_encoding::HEXLOWER.encode(&mac))),
    ];
    (headers, bytes)
}
