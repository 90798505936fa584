//! Signals: what an external system told us, in our own words.
//!
//! A connector turns a delivery into signals; the engine turns signals into commands. Signals carry
//! foreign identities in the clear ([`Who`]); they are resolved to opaque keys before anything is
//! recorded, so a signal is never written to the ledger.

mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::words::{DeploymentSignal, Outcome, TaskKind};
use crate::change::ApprovalVerdict;
use crate::ids::{CommitId, Digest};
use crate::link::Authority;
use crate::run::RunRef;

/// Somebody as the external system names them. All parts are optional; none is trusted alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Display name; never used to identify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Account at the sending system, `github:octocat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A record of theirs for one of ours. What is said of any other that bears our number is not taken: numbers are
/// written into fields that others can write too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TheirRecord {
    /// The name under which its id was recorded when it was told: `sys_id`, `issue_id`.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// One commit of a push or a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// Full commit id.
    pub id: CommitId,
    /// First line of the message, at most 200 characters.
    pub title: String,
    /// Who wrote it.
    pub author: Who,
    /// Who committed it, where that is somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committer: Option<Who>,
    /// Co-authors named in trailers (`Co-authored-by:`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_authors: Vec<Who>,
    /// When it was made, where the sender says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Paths touched, where the sender says so; at most 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// How many of the commits that a push brought its sender lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    /// Every one.
    All,
    /// Not every one, or it cannot be told.
    #[default]
    Some,
    /// It brought none that was not there before: a branch was made of what is, or set back.
    None,
}

impl Listed {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
    fn is_some(&self) -> bool {
        *self == Self::Some
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// What an external system told us.
///
/// `repository` is always host and path in lower case without a scheme or `.git`
/// (`github.com/acme/payments`); `environment` is the sender's name for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// The sender checks whether we are there.
    Ping,
    /// Commits arrived on a branch.
    CommitsPushed {
        /// Where.
        repository: String,
        /// Branch name without `refs/heads/`.
        branch: String,
        /// Whether it is the repository's default branch, where the sender says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default_branch: Option<bool>,
        /// The new tip.
        commit: CommitId,
        /// The commits, oldest first, as far as the sender lists them.
        commits: Vec<CommitInfo>,
        /// Whether those are all that it brought.
        #[serde(default, skip_serializing_if = "Listed::is_some")]
        listed: Listed,
        /// Where the branch stood before, where the sender says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<CommitId>,
        /// Whether the branch came into being.
        #[serde(default, skip_serializing_if = "is_false")]
        created: bool,
        /// Whether history was rewritten.
        forced: bool,
        /// Who pushed.
        pusher: Who,
    },
    /// A change proposal (pull request, merge request) was merged.
    ProposalMerged {
        /// Where.
        repository: String,
        /// Number of the proposal as the sender writes it.
        proposal: String,
        /// Title.
        title: String,
        /// Web address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// Branch merged into.
        branch: String,
        /// Whether it is the repository's default branch, where the sender says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default_branch: Option<bool>,
        /// The commit that the merge made; absent where the sender does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        merge_commit: Option<CommitId>,
        /// The last commit that was proposed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head_commit: Option<CommitId>,
        /// Who proposed.
        author: Who,
        /// Who merged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        merger: Option<Who>,
        /// Lines added and removed, where the sender says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines_changed: Option<u64>,
        /// Number of files changed, where the sender says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files_changed: Option<u64>,
        /// Number of commits that were proposed, where the sender says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit_count: Option<u64>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A change proposal was opened, updated or closed without a merge.
    ProposalUpdated {
        /// Where.
        repository: String,
        /// Number of the proposal as the sender writes it.
        proposal: String,
        /// What happened, in the sender's word.
        action: String,
        /// The last commit that is proposed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head_commit: Option<CommitId>,
        /// Who did it.
        actor: Who,
    },
    /// A pipeline run was queued or started.
    RunStarted {
        /// The run.
        run: RunRef,
        /// Where its sources are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<String>,
        /// Commit it runs on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// Branch or tag it runs on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// Who or what started it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<Who>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A pipeline run ended.
    RunFinished {
        /// The run.
        run: RunRef,
        /// Where its sources are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<String>,
        /// Commit it ran on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// Branch or tag it ran on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// How it ended.
        outcome: Outcome,
        /// Who or what started it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<Who>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A job or stage of a run started or ended.
    StageReported {
        /// The run.
        run: RunRef,
        /// The stage's or job's name.
        stage: String,
        /// Environment the job deploys to, where it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<String>,
        /// Absent while it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
        /// Commit it runs on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// Somebody asks their system for a gate that our side answers (a deployment protection rule, a blocked job).
    GateRequested {
        /// Where.
        repository: String,
        /// The sender's name of the environment.
        environment: String,
        /// The run that waits.
        run: RunRef,
        /// Commit to be deployed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// Where the answer goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        callback: Option<String>,
        /// Who started the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<Who>,
        /// When it came to wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A forge asks what our side says to the head of a proposal.
    CheckRequested {
        /// Where.
        repository: String,
        /// Number of the proposal as the sender writes it.
        proposal: String,
        /// The sender's id of the check.
        check: String,
        /// The proposal, as the run that would deploy it.
        run: RunRef,
        /// The proposal's head.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// Whether the proposal can still be merged.
        open: bool,
        /// Who altered it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<Who>,
    },
    /// A deployment was asked for, started or ended.
    DeploymentReported {
        /// The sender's own id of the deployment.
        deployment: String,
        /// Where its sources are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<String>,
        /// Name of the service, where the sender knows services.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
        /// The sender's name of the environment.
        environment: String,
        /// Where the deployment stands.
        state: DeploymentSignal,
        /// The run that deploys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunRef>,
        /// Commit deployed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// Digest of what is deployed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        artifact: Option<Digest>,
        /// Version deployed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// Who deploys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<Who>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// An artifact was packaged, signed or published.
    ArtifactReported {
        /// Package URL or image name.
        artifact: String,
        /// Digest, where the sender says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
        /// Commit it was built from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// What happened: `packaged`, `published`, `signed`.
        action: String,
        /// The run that built it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunRef>,
    },
    /// A check, test suite or scan reported its result: evidence.
    EvidenceReported {
        /// Type of evidence, such as `test_report`, `scan`, `check`, `review`.
        evidence: String,
        /// Name of the check.
        name: String,
        /// Where its sources are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<String>,
        /// Commit it speaks of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// The run that made it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunRef>,
        /// Absent while it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
        /// Web address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// An incident was detected, reported or resolved.
    IncidentReported {
        /// The sender's own id of the incident.
        incident: String,
        /// Whether it is over.
        resolved: bool,
        /// Name of the service.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
        /// The sender's name of the environment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<String>,
        /// What it is about, at most 200 characters.
        title: String,
        /// Severity, in the sender's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<String>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// An approver said yes or no to one of our changes over there.
    ApprovalReported {
        /// Our record: `CHG0000042`.
        entity: String,
        /// Theirs for it.
        of: TheirRecord,
        /// Their own id of this approval, for one approver.
        approval: String,
        /// Who.
        who: Who,
        /// Yes or no.
        verdict: ApprovalVerdict,
        /// The revision that the record shows. Whether it did when the word was given, `at` tells.
        revision: Digest,
        /// What they wrote.
        comment: String,
        /// When, by their clock; not later than it was given, and never when something else was altered.
        at: Timestamp,
    },
    /// Somebody pressed a button of ours in a chat: a wish, and nothing more. Who decides shows elsewhere who they are.
    IntentReported {
        /// The sender's own id of it.
        intent: String,
        /// Our record: `CHG0000042`.
        entity: String,
        /// What they would like to do.
        wish: ApprovalVerdict,
        /// The revision that they were shown.
        revision: Digest,
        /// Who.
        who: Who,
        /// Where an answer reaches them alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
    },
    /// How their record of one of ours stands.
    RecordReported {
        /// Our record.
        entity: String,
        /// Theirs for it.
        of: TheirRecord,
        /// Their number for it.
        record: String,
        /// Its state, in our word.
        state: String,
        /// Whether what they say of its state counts here.
        #[serde(default)]
        counts: bool,
        /// When it last changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
        /// How often it was altered before, where they count that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        altered: Option<u64>,
    },
    /// How their record of an incident or a problem stands.
    TaskReported {
        /// Our record, where theirs names one: `INC0000042`, `PRB0000042`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entity: Option<String>,
        /// What kind of record it is.
        task: TaskKind,
        /// Theirs.
        of: TheirRecord,
        /// Their number for it.
        record: String,
        /// Its state, in our word; `canceled` where they gave it up.
        state: String,
        /// Whether what they say of its state counts here.
        authority: Authority,
        /// The service that it concerns, where they name one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
        /// What it is about, at most 200 characters.
        title: String,
        /// When it last changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
        /// How often it was altered before, where they count that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        altered: Option<u64>,
    },
    /// What they found out about their record of one of ours.
    ReferenceReported {
        /// Our record.
        entity: String,
        /// Theirs for it.
        of: TheirRecord,
        /// What it is about, such as `conflicts`.
        name: String,
        /// What they found, in one line.
        value: String,
    },
    /// Something a configured mapping named, for which no signal above fits.
    Noted {
        /// What it is, as the mapping names it.
        name: String,
        /// Named values.
        values: BTreeMap<String, String>,
    },
}

/// What a delivery was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Heard {
    /// It tells us something.
    Signals {
        /// What, in order; never empty.
        signals: Vec<Signal>,
    },
    /// Readable, but not for us.
    Ignored {
        /// A stable code, such as `event_not_used`, `action_not_used`, `tag_push`, `branch_deleted`.
        code: String,
        /// A sentence for the person who looks at the inbox.
        reason: String,
    },
}
