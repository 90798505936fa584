//! The members of GitHub's payloads that are read. Everything may be missing or null; what is
//! there must have its type. Source: octokit/webhooks schemas 3a58428a (2026-06).

use serde::Deserialize;

/// What all payloads have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Common {
    pub(crate) action: Option<String>,
    pub(crate) repository: Option<Repository>,
    pub(crate) sender: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Repository {
    pub(crate) full_name: Option<String>,
    pub(crate) html_url: Option<String>,
    pub(crate) default_branch: Option<String>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) login: Option<String>,
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
    pub(crate) created: Option<bool>,
    pub(crate) size: Option<u64>,
    pub(crate) deleted: Option<bool>,
    pub(crate) forced: Option<bool>,
    pub(crate) commits: Option<Vec<Commit>>,
    pub(crate) head_commit: Option<Commit>,
    pub(crate) pusher: Option<Signature>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Commit {
    pub(crate) id: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) author: Option<Signature>,
    pub(crate) committer: Option<Signature>,
    pub(crate) added: Option<Vec<String>>,
    pub(crate) removed: Option<Vec<String>>,
    pub(crate) modified: Option<Vec<String>>,
}

/// Somebody as Git names them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Signature {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) username: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullRequestEvent {
    pub(crate) number: Option<u64>,
    pub(crate) pull_request: Option<PullRequest>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullRequest {
    pub(crate) number: Option<u64>,
    pub(crate) title: Option<String>,
    pub(crate) html_url: Option<String>,
    pub(crate) user: Option<User>,
    pub(crate) merged: Option<bool>,
    pub(crate) merged_at: Option<String>,
    pub(crate) merged_by: Option<User>,
    pub(crate) merge_commit_sha: Option<String>,
    pub(crate) additions: Option<u64>,
    pub(crate) deletions: Option<u64>,
    pub(crate) changed_files: Option<u64>,
    pub(crate) commits: Option<u64>,
    pub(crate) head: Option<Branch>,
    pub(crate) base: Option<Branch>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Branch {
    #[serde(rename = "ref")]
    pub(crate) name: Option<String>,
    pub(crate) sha: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReviewEvent {
    pub(crate) review: Option<Review>,
    pub(crate) pull_request: Option<PullRequest>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Review {
    pub(crate) state: Option<String>,
    pub(crate) commit_id: Option<String>,
    pub(crate) html_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RunEvent {
    pub(crate) workflow_run: Option<Run>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Run {
    pub(crate) id: Option<u64>,
    pub(crate) run_attempt: Option<u32>,
    pub(crate) head_branch: Option<String>,
    pub(crate) head_sha: Option<String>,
    pub(crate) conclusion: Option<String>,
    pub(crate) html_url: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) run_started_at: Option<String>,
    pub(crate) updated_at: Option<String>,
    pub(crate) actor: Option<User>,
    pub(crate) triggering_actor: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobEvent {
    pub(crate) workflow_job: Option<Job>,
    pub(crate) deployment: Option<Deployment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Job {
    pub(crate) run_id: Option<u64>,
    pub(crate) run_attempt: Option<u32>,
    pub(crate) name: Option<String>,
    pub(crate) head_sha: Option<String>,
    pub(crate) conclusion: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) completed_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeploymentEvent {
    pub(crate) deployment: Option<Deployment>,
    pub(crate) deployment_status: Option<DeploymentStatus>,
    pub(crate) workflow_run: Option<Run>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Deployment {
    pub(crate) id: Option<u64>,
    pub(crate) sha: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) creator: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeploymentStatus {
    pub(crate) state: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) creator: Option<User>,
    pub(crate) log_url: Option<String>,
    pub(crate) target_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProtectionRule {
    pub(crate) environment: Option<String>,
    pub(crate) deployment_callback_url: Option<String>,
    pub(crate) deployment: Option<Deployment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeploymentReview {
    pub(crate) environment: Option<String>,
    pub(crate) workflow_run: Option<Run>,
    pub(crate) workflow_job_run: Option<JobRun>,
    pub(crate) workflow_job_runs: Option<Vec<JobRun>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobRun {
    pub(crate) environment: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CheckEvent {
    pub(crate) check_run: Option<Check>,
    pub(crate) check_suite: Option<Check>,
}

/// A check run or a check suite.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Check {
    pub(crate) name: Option<String>,
    pub(crate) head_sha: Option<String>,
    pub(crate) conclusion: Option<String>,
    pub(crate) html_url: Option<String>,
    pub(crate) details_url: Option<String>,
    pub(crate) app: Option<App>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct App {
    pub(crate) slug: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) sha: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) target_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReleaseEvent {
    pub(crate) release: Option<Release>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Release {
    pub(crate) tag_name: Option<String>,
    pub(crate) target_commitish: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PackageEvent {
    pub(crate) registry_package: Option<Package>,
    pub(crate) package: Option<Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Package {
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) package_type: Option<String>,
    pub(crate) ecosystem: Option<String>,
    pub(crate) package_version: Option<PackageVersion>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PackageVersion {
    pub(crate) version: Option<String>,
    pub(crate) target_oid: Option<String>,
}

/// `create` and `delete`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RefEvent {
    pub(crate) ref_type: Option<String>,
}
