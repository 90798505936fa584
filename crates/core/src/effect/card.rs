//! What a neighbour is told of one record, as it stands after the event.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::{Change, ChangeKind, ChangeOutcome, ChangeState, Evidence};
use crate::gate::Decision;
use crate::ids::{
    ChangeNumber, CommitId, DeploymentNumber, Digest, EnvironmentName, IncidentNumber, LinkName,
    ProblemNumber, ServiceName,
};
use crate::incident::{Incident, IncidentState, Resolution};
use crate::organisation::Service;
use crate::problem::{Problem, ProblemState};
use crate::risk::RiskLevel;
use crate::run::RunRef;
use crate::verdict::Reason;

/// What a neighbour is told of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeCard {
    /// Number.
    pub number: ChangeNumber,
    /// Where it stands.
    pub state: ChangeState,
    /// Type.
    pub kind: ChangeKind,
    /// The model, of a standard change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it is about.
    pub title: String,
    /// Services.
    pub services: BTreeSet<ServiceName>,
    /// Environment.
    pub environment: EnvironmentName,
    /// Risk, once assessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskLevel>,
    /// What approvals are bound to.
    pub revision: Digest,
    /// Version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The newest commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Host and path of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Number of the merge request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<String>,
    /// The newest run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunRef>,
    /// When implementation began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implemented_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ChangeOutcome>,
}

impl ChangeCard {
    /// How a change stands.
    pub fn of(change: &Change) -> Self {
        Self {
            number: change.number,
            state: change.state,
            kind: change.kind,
            model: change.model.as_ref().map(ToString::to_string),
            title: change.title.clone(),
            services: change.services.clone(),
            environment: change.environment.clone(),
            risk: change.risk.as_ref().map(|risk| risk.level),
            revision: change.revision.digest.clone(),
            version: change.version.clone(),
            commit: change.origin.commits.last().cloned(),
            repository: change.origin.repository.clone(),
            proposal: change.origin.proposal.clone(),
            run: change.runs.last().cloned(),
            implemented_at: change.implemented_at,
            ended_at: change.ended_at,
            outcome: change.outcome,
        }
    }
}

/// What a neighbour is told of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionCard {
    /// Id.
    pub id: String,
    /// The answer.
    pub answer: Decision,
    /// Service.
    pub service: ServiceName,
    /// Why.
    pub reasons: Vec<Reason>,
    /// When it is worth asking again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The run that asked, where the decision names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunRef>,
    /// The link that asked in the name of a run of its forge, because a delivery told that the run waits there.
    /// What anybody else says of their run decides nothing over there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<LinkName>,
    /// What the pipeline brought as proof.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// The policy that judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// The whole of what it judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Digest>,
    /// Until when an `allow` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl DecisionCard {
    /// Whether it lets something go at `now`: an `allow` that was told late lets nothing go.
    pub fn lets_go(&self, now: Timestamp) -> bool {
        self.answer == Decision::Allow && self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// What a neighbour is told of a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentCard {
    /// Number.
    pub number: String,
    /// Service.
    pub service: ServiceName,
    /// The word for its state.
    pub state: String,
    /// Version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// The run that deploys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunRef>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Digests of what was deployed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub artifacts: BTreeSet<Digest>,
}

/// What a neighbour is told of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentCard {
    /// Number.
    pub number: IncidentNumber,
    /// What told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where it stands.
    pub state: IncidentState,
    /// What it is about.
    pub title: String,
    /// Severity, in the word of whoever told of it.
    #[serde(default)]
    pub severity: String,
    /// The change that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// The deployment that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentNumber>,
    /// The open problem that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemNumber>,
    /// The last thing that was said of it.
    #[serde(default)]
    pub note: String,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
}

impl IncidentCard {
    /// How an incident stands.
    pub fn of(incident: &Incident) -> Self {
        Self {
            number: incident.number,
            source: incident.source.clone(),
            state: incident.state,
            title: incident.title.clone(),
            severity: incident.severity.clone(),
            change: incident.change,
            deployment: incident.deployment,
            problem: None,
            note: incident.note.clone(),
            resolution: incident.resolution,
        }
    }
}

/// What a neighbour is told of a problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProblemCard {
    /// Number.
    pub number: ProblemNumber,
    /// Where it stands.
    pub state: ProblemState,
    /// What it is about.
    pub title: String,
    /// Its incidents.
    pub incidents: BTreeSet<IncidentNumber>,
    /// Its changes.
    pub changes: BTreeSet<ChangeNumber>,
    /// The last thing that was said of it.
    #[serde(default)]
    pub note: String,
}

impl ProblemCard {
    /// How a problem stands.
    pub fn of(problem: &Problem) -> Self {
        Self {
            number: problem.number,
            state: problem.state,
            title: problem.title.clone(),
            incidents: problem.incidents.clone(),
            changes: problem.changes.clone(),
            note: problem.note.clone(),
        }
    }
}

/// What a neighbour is told of a configuration item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemCard {
    /// The service.
    pub service: ServiceName,
    /// Its name for people.
    #[serde(default)]
    pub title: String,
    /// The team that owns it.
    pub owner: String,
    /// Its tier.
    pub tier: String,
}

impl ItemCard {
    /// A service as an item.
    pub fn of(service: &Service) -> Self {
        Self {
            service: service.name.clone(),
            title: service.title.clone(),
            owner: service.owner.to_string(),
            tier: service.tier.clone(),
        }
    }

    /// The record that it is, for what neighbours have of it.
    pub fn entity(service: &ServiceName) -> String {
        format!("service/{service}")
    }
}

/// Whom alone something is said to.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplyCard {
    /// Where it goes. Whoever knows it can speak there, so it is not shown.
    pub to: String,
    /// What became of what they did: a word of a closed set.
    pub outcome: String,
    /// What is said.
    pub text: String,
    /// After this nobody is reached there.
    pub until: Timestamp,
}

impl fmt::Debug for ReplyCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyCard({}, until {})", self.outcome, self.until)
    }
}

/// A check that a forge asks for on a proposal, and what the gate would say to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCard {
    /// Host and path of the repository.
    pub repository: String,
    /// The proposal's number over there.
    pub proposal: String,
    /// The check's id over there.
    pub check: String,
    /// The head of the proposal that it is about.
    pub commit: CommitId,
    /// What the gate would say.
    pub answer: Decision,
}

/// When nothing may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedSpan {
    /// Name of the window.
    pub window: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}
