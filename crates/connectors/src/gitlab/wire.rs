//! The members of GitLab's payloads that are read. Everything may be missing or null; what is
//! there must have its type. Sources: go-gitlab 68add03 (2024-12), GitLab's documentation.

use serde::Deserialize;

/// What (almost) all payloads have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Common {
    pub(crate) object_kind: Option<String>,
    pub(crate) event_name: Option<String>,
    pub(crate) project: Option<Project>,
    pub(crate) repository: Option<Repository>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Project {
    pub(crate) path_with_namespace: Option<String>,
    pub(crate) web_url: Option<String>,
    pub(crate) default_branch: Option<String>,
}

/// The older description of a project.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Repository {
    pub(crate) homepage: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) id: Option<u64>,
    pub(crate) username: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Push {
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) total_commits_count: Option<u64>,
    pub(crate) checkout_sha: Option<String>,
    pub(crate) user_name: Option<String>,
    pub(crate) user_username: Option<String>,
    pub(crate) user_email: Option<String>,
    pub(crate) commits: Option<Vec<Commit>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Commit {
    pub(crate) id: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) author: Option<Author>,
    pub(crate) added: Option<Vec<String>>,
    pub(crate) modified: Option<Vec<String>>,
    pub(crate) removed: Option<Vec<String>>,
}

/// Somebody as Git names them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Author {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MergeRequestEvent {
    pub(crate) user: Option<User>,
    pub(crate) assignees: Option<Vec<User>>,
    pub(crate) reviewers: Option<Vec<User>>,
    pub(crate) object_attributes: Option<MergeRequest>,
    /// There where an external status check asks.
    pub(crate) external_approval_rule: Option<Check>,
}

/// An external status check.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Check {
    pub(crate) id: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MergeRequest {
    pub(crate) iid: Option<u64>,
    pub(crate) title: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) author_id: Option<u64>,
    pub(crate) target_branch: Option<String>,
    pub(crate) last_commit: Option<Commit>,
    pub(crate) merge_commit_sha: Option<String>,
    pub(crate) updated_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PipelineEvent {
    pub(crate) object_attributes: Option<Pipeline>,
    pub(crate) user: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pipeline {
    pub(crate) id: Option<u64>,
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    pub(crate) sha: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    pub(crate) url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Job {
    pub(crate) build_name: Option<String>,
    pub(crate) build_status: Option<String>,
    pub(crate) build_started_at: Option<String>,
    pub(crate) build_finished_at: Option<String>,
    pub(crate) pipeline_id: Option<u64>,
    pub(crate) sha: Option<String>,
    pub(crate) environment: Option<Environment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Environment {
    pub(crate) name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Deployment {
    pub(crate) status: Option<String>,
    pub(crate) status_changed_at: Option<String>,
    pub(crate) deployment_id: Option<u64>,
    pub(crate) environment: Option<String>,
    pub(crate) commit_url: Option<String>,
    pub(crate) user: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Release {
    pub(crate) tag: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) commit: Option<Commit>,
}
