//! Events of a change. Each is on the stream `change/CHG0000042`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Approval, ChangeKind, ChangeOutcome, Debt, DebtKind, Evidence, Involvement, Origin, Revision,
};
use crate::ids::{
    ChangeNumber, CommitId, DecisionId, DeploymentNumber, Digest, EnvironmentName, ModelName,
    PersonId, RuleName, ServiceName,
};
use crate::risk::RiskAssessment;
use crate::run::RunRef;

/// It was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// Number.
    pub change: ChangeNumber,
    /// Type.
    pub kind: ChangeKind,
    /// The model, of a standard change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// What it is about, one line.
    pub title: String,
    /// Why it is an emergency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency_reason: Option<String>,
    /// Services it alters.
    pub services: BTreeSet<ServiceName>,
    /// Environment it alters.
    pub environment: EnvironmentName,
    /// Where it comes from.
    pub origin: Origin,
    /// The run that asked first, if a run did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunRef>,
    /// Version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What is to be deployed, by service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<ServiceName, BTreeSet<Digest>>,
    /// Its first revision.
    pub revision: Revision,
    /// Everybody known to have had a hand in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub involved: BTreeSet<Involvement>,
}

/// What is to be deployed is another thing now. Approvals of earlier revisions do not speak of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revised {
    /// The change.
    pub change: ChangeNumber,
    /// Where it comes from.
    pub origin: Origin,
    /// What is to be deployed, by service.
    pub artifacts: BTreeMap<ServiceName, BTreeSet<Digest>>,
    /// Version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The new revision.
    pub revision: Revision,
}

/// A run, or a further attempt, goes under this change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The change.
    pub change: ChangeNumber,
    /// The run.
    pub run: RunRef,
}

/// Its type was set anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindSet {
    /// The change.
    pub change: ChangeNumber,
    /// Type.
    pub kind: ChangeKind,
    /// The model, of a standard change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// Why.
    pub because: String,
}

/// More people are known to have had a hand in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Involved {
    /// The change.
    pub change: ChangeNumber,
    /// Who, in which part; only those not known before.
    pub involved: BTreeSet<Involvement>,
    /// The commit of which the asking pipeline stated that these and those known before wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_of: Option<CommitId>,
}

/// Evidence was brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceAdded {
    /// The change.
    pub change: ChangeNumber,
    /// What was brought; it replaces evidence of the same type and name.
    pub evidence: Vec<Evidence>,
}

/// Its risk was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessed {
    /// The change.
    pub change: ChangeNumber,
    /// The risk.
    pub risk: RiskAssessment,
}

/// It waits for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequested {
    /// The change.
    pub change: ChangeNumber,
    /// The rules that have to be met.
    pub rules: BTreeSet<RuleName>,
}

/// A person said yes to a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The change.
    pub change: ChangeNumber,
    /// The approval.
    pub approval: Approval,
}

/// A person said no to a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The change.
    pub change: ChangeNumber,
    /// The rejection.
    pub approval: Approval,
}

/// A person tried to approve and may not; an auditor would ask about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRefused {
    /// The change.
    pub change: ChangeNumber,
    /// Who tried.
    pub person: PersonId,
    /// Stable code of the refusal.
    pub code: String,
}

/// It may go, as far as people and policy are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorized {
    /// The change.
    pub change: ChangeNumber,
    /// The decision that authorised it.
    pub decision: DecisionId,
    /// The revision.
    pub revision: Digest,
    /// Which person met which rule; empty where policy alone decided.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approvals: BTreeMap<RuleName, BTreeSet<PersonId>>,
}

/// It is due now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// The change.
    pub change: ChangeNumber,
}

/// The first of its deployments began (again).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImplementationStarted {
    /// The change.
    pub change: ChangeNumber,
    /// The deployment.
    pub deployment: DeploymentNumber,
}

/// The last of its running deployments ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImplementationEnded {
    /// The change.
    pub change: ChangeNumber,
    /// The deployment.
    pub deployment: DeploymentNumber,
}

/// It went, and something is owed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebtIncurred {
    /// The change.
    pub change: ChangeNumber,
    /// What is owed.
    pub debts: Vec<Debt>,
}

/// What was owed was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebtSettled {
    /// The change.
    pub change: ChangeNumber,
    /// What.
    pub kind: DebtKind,
    /// See [`Debt::of`].
    pub of: String,
    /// Who settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// What was found, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub finding: String,
}

/// Those it waits for were reminded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminded {
    /// The change.
    pub change: ChangeNumber,
    /// Rules still unmet.
    pub rules: BTreeSet<RuleName>,
}

/// It is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The change.
    pub change: ChangeNumber,
    /// How it ended.
    pub outcome: ChangeOutcome,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// It was given up before it was implemented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canceled {
    /// The change.
    pub change: ChangeNumber,
    /// Why.
    pub because: String,
}

/// Somebody said something about it. Nothing follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commented {
    /// The change.
    pub change: ChangeNumber,
    /// What was said.
    pub text: String,
}

/// A person opened a piece of its evidence, for the first time at this revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceOpened {
    /// The change.
    pub change: ChangeNumber,
    /// Who.
    pub person: PersonId,
    /// The revision that was shown.
    pub revision: Digest,
    /// Type of the evidence.
    pub kind: String,
    /// Its name.
    pub name: String,
}
