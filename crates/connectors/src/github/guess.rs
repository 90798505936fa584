//! Which event a bare body most likely is, for people at their desk: never for the network.

use serde_json::{Map, Value};

use crate::kit::limits::Limits;
use crate::kit::strict_json;

/// The event with the most telling members.
pub(crate) fn event_of(body: &[u8]) -> Option<&'static str> {
    strict_json::check(body, &Limits::HOOK).ok()?;
    let value: Value = serde_json::from_slice(body).ok()?;
    let members = value.as_object()?;
    let has_all = |names: &[&str]| names.iter().all(|name| members.contains_key(*name));
    let event = TELLING.iter().find(|(_, names)| has_all(names)).map(|(event, _)| *event)?;
    match event {
        "pull_request" if !is_githubs_pull_request(members) => None,
        "create" if members.contains_key("master_branch") => Some("create"),
        "create" => Some("delete"),
        event => Some(event),
    }
}

/// Gitea's and Gogs' pull requests look alike, but have no `_links`.
fn is_githubs_pull_request(members: &Map<String, Value>) -> bool {
    members.get("pull_request").is_some_and(|proposal| proposal.get("_links").is_some())
}

/// Members that an event has and the ones below it have not; the order decides.
const TELLING: &[(&str, &[&str])] = &[
    ("ping", &["zen", "hook_id"]),
    ("push", &["ref", "after", "pusher", "compare"]),
    ("deployment_protection_rule", &["deployment_callback_url"]),
    ("deployment_review", &["workflow_run", "since"]),
    ("workflow_job", &["action", "workflow_job"]),
    ("deployment_status", &["action", "deployment_status", "deployment"]),
    ("deployment", &["action", "deployment", "workflow"]),
    ("deployment", &["action", "deployment"]),
    ("workflow_run", &["action", "workflow_run", "workflow"]),
    ("workflow_run", &["action", "workflow_run"]),
    ("check_run", &["action", "check_run"]),
    ("check_suite", &["action", "check_suite"]),
    ("status", &["sha", "state", "context", "branches"]),
    ("pull_request_review_thread", &["action", "pull_request", "thread"]),
    ("pull_request_review_comment", &["action", "pull_request", "comment"]),
    ("pull_request_review", &["action", "pull_request", "review"]),
    ("pull_request", &["action", "pull_request", "number"]),
    ("release", &["action", "release"]),
    ("registry_package", &["action", "registry_package"]),
    ("package", &["action", "package"]),
    ("create", &["ref", "ref_type", "pusher_type"]),
    ("issue_comment", &["action", "issue", "comment"]),
    ("issues", &["action", "issue"]),
    ("merge_group", &["action", "merge_group"]),
    ("discussion", &["action", "discussion"]),
    ("installation_repositories", &["action", "installation", "repository_selection"]),
    ("commit_comment", &["action", "comment"]),
    ("projects_v2_item", &["action", "projects_v2_item"]),
    ("security_advisory", &["action", "security_advisory"]),
    ("team_add", &["team", "repository"]),
    ("workflow_dispatch", &["inputs", "ref", "workflow"]),
    ("repository_dispatch", &["action", "client_payload"]),
    ("installation", &["action", "installation", "repositories"]),
    ("dependabot_alert", &["action", "alert"]),
    ("repository", &["action", "repository", "sender"]),
    ("organization", &["action", "organization", "sender"]),
    ("installation", &["action", "installation", "sender"]),
    ("repository_import", &["status", "repository", "sender"]),
    ("public", &["repository", "sender"]),
    ("github_app_authorization", &["action", "sender"]),
];
