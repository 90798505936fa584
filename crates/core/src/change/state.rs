//! The state of a change.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Revision;
use crate::ids::{
    ChangeNumber, CommitId, DecisionId, DeploymentNumber, Digest, EnvironmentName, IdentityKey,
    ModelName, PersonId, RuleName, ServiceName,
};
use crate::risk::RiskAssessment;
use crate::run::RunRef;

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Proposed.
    New,
    /// Its risk is being found.
    Assess,
    /// It waits for people or policy.
    Authorize,
    /// It may go.
    Scheduled,
    /// It is being deployed.
    Implement,
    /// It is deployed; its health is being proven, or a review is owed.
    Review,
    /// Done, with an outcome.
    Closed,
    /// Given up before it was implemented.
    Canceled,
}

impl ChangeState {
    /// Every state, in the order of life.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Assess,
        Self::Authorize,
        Self::Scheduled,
        Self::Implement,
        Self::Review,
        Self::Closed,
        Self::Canceled,
    ];

    /// The word for the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Assess => "assess",
            Self::Authorize => "authorize",
            Self::Scheduled => "scheduled",
            Self::Implement => "implement",
            Self::Review => "review",
            Self::Closed => "closed",
            Self::Canceled => "canceled",
        }
    }

    /// The number that ServiceNow has for the state (`change_request.state`).
    pub fn servicenow(self) -> i8 {
        match self {
            Self::New => -5,
            Self::Assess => -4,
            Self::Authorize => -3,
            Self::Scheduled => -2,
            Self::Implement => -1,
            Self::Review => 0,
            Self::Closed => 3,
            Self::Canceled => 4,
        }
    }

    /// Whether nothing can follow.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Canceled)
    }
}

/// Type of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Low risk, of a kind that was authorised beforehand by its model.
    Standard,
    /// Assessed and authorised each time.
    Normal,
    /// So urgent that approval and review may follow.
    Emergency,
}

impl ChangeKind {
    /// The word for the type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Normal => "normal",
            Self::Emergency => "emergency",
        }
    }
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOutcome {
    /// It did what it should.
    Successful,
    /// It works, with flaws that were seen.
    SuccessfulWithIssues,
    /// It failed and was left as it was.
    Unsuccessful,
    /// It was undone.
    RolledBack,
}

impl ChangeOutcome {
    /// The word for the outcome.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::SuccessfulWithIssues => "successful_with_issues",
            Self::Unsuccessful => "unsuccessful",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// In which part somebody had a hand in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvolvementRole {
    /// Wrote a commit.
    Author,
    /// Wrote a commit, as the pipeline that asked stated.
    StatedAuthor,
    /// Committed what somebody wrote.
    Committer,
    /// Is named as co-author.
    CoAuthor,
    /// Proposed the merge.
    Proposer,
    /// Merged it.
    Merger,
    /// Pushed it.
    Pusher,
    /// Started the pipeline.
    Trigger,
    /// Asked at the gate, or deployed.
    Deployer,
    /// Edited the change record.
    Editor,
}

impl InvolvementRole {
    /// The part in words.
    pub fn told(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::StatedAuthor => "stated author",
            Self::Committer => "committer",
            Self::CoAuthor => "co-author",
            Self::Proposer => "proposer",
            Self::Merger => "merger",
            Self::Pusher => "pusher",
            Self::Trigger => "whoever started the run",
            Self::Deployer => "deployer",
            Self::Editor => "editor",
        }
    }
}

/// One person's hand in a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Involvement {
    /// In which part.
    pub role: InvolvementRole,
    /// The identity seen; which person it belongs to is asked anew at every decision.
    pub identity: IdentityKey,
}

/// Whether a piece of evidence speaks for the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceStatus {
    /// It does.
    Passed,
    /// It speaks against it.
    Failed,
    /// It says neither (a document, a plan).
    Neutral,
}

/// A typed artifact of proof, stored by its digest or found at its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Type, such as `test_report`, `scan`, `sbom`, `rollback_plan`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the check or document.
    pub name: String,
    /// What it says.
    pub status: EvidenceStatus,
    /// Digest of its body, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A person's yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalVerdict {
    /// Yes.
    Approve,
    /// No. It beats every yes on the same revision.
    Reject,
}

/// A person's recorded yes or no to one revision of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub person: PersonId,
    /// For whom, where they acted as a delegate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<PersonId>,
    /// Yes or no.
    pub verdict: ApprovalVerdict,
    /// The revision that was shown.
    pub revision: Digest,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// When they had last proved who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// In which role they spoke, where a role let them: else as a member of a team, or by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Groups that their login said and that gave them such a role.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupVoice>,
}

/// A group that gave somebody a role when they spoke. It is recorded as it was: a mapping that is declared anew, with
/// another group or role under the same name, is not what they spoke by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupVoice {
    /// The mapping.
    pub mapping: RuleName,
    /// The provider that said the group.
    pub provider: String,
    /// The group, as the provider writes it.
    pub group: String,
    /// The role that it gave.
    pub role: String,
}

/// What is owed for a change that went before it was fully authorised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Debt {
    /// What is owed.
    pub kind: DebtKind,
    /// The approval rule, the exception or the break-glass it comes from.
    pub of: String,
    /// Since when.
    pub since: Timestamp,
    /// By when it is to be settled.
    pub due: Timestamp,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
}

/// What is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DebtKind {
    /// An approval that was not there when the change went.
    Approval,
    /// A review after the fact.
    Review,
}

/// Where a change comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Repository: host and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Commits it brings, the newest last; at most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<CommitId>,
    /// Branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Number of the merge request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<String>,
    /// Web address of the merge request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Lines added and removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines_changed: Option<u64>,
    /// Files changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_changed: Option<u64>,
    /// Paths changed, as far as known; at most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// What the last deployments under a change were begun with, as far as each had a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The commit of all of them.
    pub commit: CommitId,
    /// Their artifacts.
    pub artifacts: BTreeMap<ServiceName, BTreeSet<Digest>>,
    /// Those that run. With the last one nothing is begun any more, whatever else is seen to run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub running: BTreeSet<DeploymentNumber>,
}

/// One proposed alteration of a controlled environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Number.
    pub number: ChangeNumber,
    /// Where it stands.
    pub state: ChangeState,
    /// Type.
    pub kind: ChangeKind,
    /// The model, of a standard change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// What it is about, one line.
    pub title: String,
    /// Why it is an emergency, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency_reason: Option<String>,
    /// Services it alters.
    pub services: BTreeSet<ServiceName>,
    /// Environment it alters.
    pub environment: EnvironmentName,
    /// Where it comes from.
    pub origin: Origin,
    /// Runs that asked for it or deploy it, with every attempt; the newest last.
    pub runs: Vec<RunRef>,
    /// Version, as the pipeline calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What is to be deployed, by service.
    pub artifacts: BTreeMap<ServiceName, BTreeSet<Digest>>,
    /// What an approval is bound to, as of now.
    pub revision: Revision,
    /// Risk, once assessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskAssessment>,
    /// Everybody who had a hand in it.
    pub involved: BTreeSet<Involvement>,
    /// Commits of which a pipeline stated who wrote them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub authors_stated: BTreeSet<CommitId>,
    /// Evidence brought, the newest of each type and name.
    pub evidence: Vec<Evidence>,
    /// Approvals and rejections of every revision, oldest first.
    pub approvals: Vec<Approval>,
    /// What is owed, and what was.
    pub debts: Vec<Debt>,
    /// Deployments made under it.
    pub deployments: BTreeSet<DeploymentNumber>,
    /// Deployments still running.
    pub running: BTreeSet<DeploymentNumber>,
    /// What is being implemented, once something is that was let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
    /// Services whose deployment under it succeeded.
    pub deployed: BTreeSet<ServiceName>,
    /// The last gate decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<(DecisionId, crate::gate::Decision)>,
    /// Whether the last decision was to wait.
    pub waiting: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When anything last happened.
    pub updated_at: Timestamp,
    /// When implementation began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implemented_at: Option<Timestamp>,
    /// When it was closed or canceled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ChangeOutcome>,
    /// When waiting approvers were last reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
    /// Version of the record, for `If-Match`: the number of events that altered it.
    pub version_of_record: u64,
    /// How often somebody said something about it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub comments: u32,
    /// Who opened which evidence, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<Look>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// A person opened a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Who.
    pub person: PersonId,
    /// The revision that was shown.
    pub revision: Digest,
    /// Type of the evidence.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

impl Change {
    /// Debts not settled.
    pub fn owed(&self) -> impl Iterator<Item = &Debt> {
        self.debts.iter().filter(|debt| debt.settled_at.is_none())
    }

    /// Whether it is being implemented with this commit and, where its service was begun already, with these artifacts.
    pub fn goes_on_with(
        &self,
        service: &ServiceName,
        commit: &CommitId,
        artifacts: &BTreeSet<Digest>,
    ) -> bool {
        let goes_on = |begun: &Begun| {
            begun.commit == *commit
                && begun.artifacts.get(service).is_none_or(|known| known == artifacts)
        };
        self.state == ChangeState::Implement && self.begun.as_ref().is_some_and(goes_on)
    }

    /// Whether it has to stay at hand: it is not over, or something is owed for it.
    pub fn is_open(&self) -> bool {
        !self.state.is_over() || self.owed().next().is_some()
    }
}
