//! The facts of one gate question: everything a policy may look at, gathered beforehand.
//!
//! This is the policy's input, and it is stored with every decision, so that a decision can be
//! replayed for ever. Members are only ever added. People appear by opaque id.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::calendar::CalendarFacts;
use crate::change::{ChangeKind, ChangeState, Evidence, InvolvementRole};
use crate::gate::Question;
use crate::ids::{
    ChangeNumber, CommitId, DeploymentNumber, Digest, ExceptionId, IdentityKey, ModelName,
    PersonId, RuleName, ServiceName, StopId, TeamName,
};
use crate::organisation::EnvironmentTier;
use crate::risk::{RiskAssessment, RiskLevel};
use crate::scope::{Scope, Target};

/// Everything a policy may look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateFacts {
    /// The moment of the question.
    pub now: Timestamp,
    /// Digest of the policy bundle that judges.
    pub policy: Digest,
    /// What was asked, as it was asked.
    pub question: Question,
    /// Who asks.
    pub caller: CallerFacts,
    /// Service and environment as scopes see them; empty texts where not registered.
    pub target: Target,
    /// What is known of service, environment and repository.
    pub registration: RegistrationFacts,
    /// Stops in force that cover the target and that no exception lifts.
    pub stops: Vec<StopFact>,
    /// The calendar at the moment of the question; freezes that an exception lifts are left out.
    pub calendar: CalendarFacts,
    /// Exceptions that lift a stop or a freeze in force here, and those in force here that lift rules by name.
    pub exceptions: Vec<ExceptionFact>,
    /// Exceptions in force here that lift nothing for this change: whoever granted them had a hand in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_exceptions: Vec<ExceptionFact>,
    /// Deployment order.
    pub order: OrderFacts,
    /// Evidence asked for and brought.
    pub evidence: EvidenceFacts,
    /// The change this would go under.
    pub change: ChangeFacts,
    /// Risk as the core assessed it.
    pub risk: RiskAssessment,
    /// Approval rules that speak of this target and type of change, whatever their risk level.
    pub approval_rules: Vec<ApprovalRuleFact>,
    /// Who gave approvals, and who had a hand in the change.
    pub approvals: ApprovalFacts,
    /// Other changes on the same or related services.
    pub conflicts: Vec<ConflictFact>,
    /// Open incidents on the service or what it depends on.
    pub incidents: Vec<IncidentFact>,
    /// Digests of the question that are refused because they failed before.
    pub denied_digests: Vec<DeniedDigestFact>,
    /// What is owed from earlier emergencies and exceptions of the owner team.
    pub debt: DebtFacts,
    /// What happened before on this service and environment.
    pub history: HistoryFacts,
    /// Whether the clock can be trusted.
    pub clock: ClockFacts,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerFacts {
    /// What kind of credential: `pipeline`, `person`, `link`.
    pub kind: String,
    /// The person behind it, where it is a person's.
    pub person: Option<PersonId>,
    /// Whether the credential's scope covers the target.
    pub in_scope: bool,
}

/// What is known of service, environment and repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationFacts {
    /// Whether the service is declared.
    pub service: bool,
    /// Whether the environment is declared.
    pub environment: bool,
    /// Whether the service runs in that environment, as declared.
    pub runs_there: bool,
    /// Whether the repository asked from is one of the service's; `true` when none was named or none is declared.
    pub repository: bool,
    /// Whether service and environment both say that a change record is needed.
    pub controlled: bool,
    /// Tier of the environment.
    pub environment_tier: Option<EnvironmentTier>,
    /// Team that owns the service.
    pub owner: Option<TeamName>,
    /// Class of the service.
    pub class: String,
    /// Services named in the question that are not declared.
    pub unknown_services: BTreeSet<ServiceName>,
}

/// A stop in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopFact {
    /// Its id.
    pub id: StopId,
    /// What it covers.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Who pulled it.
    pub by: Option<PersonId>,
}

/// An exception in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionFact {
    /// Its id.
    pub id: ExceptionId,
    /// What it lifts: `stop:<id>`, `freeze:<window>`, `freeze:*`, `rule:<rule>`.
    pub lifts: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
    /// Who granted it.
    pub by: Option<PersonId>,
}

/// Deployment order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFacts {
    /// Direct dependencies and where they stand in the same environment.
    pub dependencies: Vec<DependencyFact>,
    /// The environment to pass before this one, if there is one.
    pub previous: Option<PreviousFact>,
}

/// A direct dependency in the same environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyFact {
    /// The service.
    pub service: ServiceName,
    /// Version that runs there, where known.
    pub version: Option<String>,
    /// Whether its last deployment there failed and was not made good.
    pub broken: bool,
    /// Whether it is part of the same change and has still to be deployed.
    pub goes_first: bool,
}

/// The environment to pass before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousFact {
    /// Its name.
    pub environment: String,
    /// Whether one of the same digests (or the same commit, where there are none) runs or ran there successfully.
    pub passed: bool,
    /// Since when, where it did.
    pub since: Option<Timestamp>,
    /// How long it has to have run there, in minutes.
    pub soak_minutes: u32,
    /// When that is over, where it is known.
    pub soaked_at: Option<Timestamp>,
}

/// Evidence asked for and brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFacts {
    /// Types asked for at this risk, with the rules that ask.
    pub required: BTreeMap<String, BTreeSet<String>>,
    /// Everything brought.
    pub present: Vec<Evidence>,
    /// Types asked for and not brought.
    pub missing: BTreeSet<String>,
    /// Names of evidence (required or not) that speaks against the change.
    pub failed: BTreeSet<String>,
}

/// The change that this would go under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeFacts {
    /// Its number; none while it would only now be created, or where no record is needed.
    pub number: Option<ChangeNumber>,
    /// Type.
    pub kind: ChangeKind,
    /// Where it stands; none while it would only now be created.
    pub state: Option<ChangeState>,
    /// Whether it is being implemented with what is asked for: the same commit, and the same artifacts where its service
    /// was begun already.
    #[serde(default)]
    pub under_way: bool,
    /// The model it would follow as a standard change, where one is earned and fits.
    pub model: Option<ModelName>,
    /// The revision that is asked about.
    pub revision: Digest,
    /// Services it alters.
    pub services: BTreeSet<ServiceName>,
    /// Why it is an emergency.
    pub emergency_reason: Option<String>,
}

/// An approval rule that covers this target and type of change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRuleFact {
    /// Its name.
    pub name: RuleName,
    /// Why it exists.
    pub reason: String,
    /// Risk level from which on it applies.
    pub min_risk: RiskLevel,
    /// Whether it applies at the assessed risk.
    pub applies: bool,
    /// Persons needed, in all.
    pub quorum: u32,
    /// How many of them for each share: for the services of a team, where it asks the owners of several, or for
    /// `service:...`, where nobody holds a role for all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<String, u32>,
    /// Which of the shares are parts of what would be one, if somebody held a role for all of it: a person who may speak for
    /// each of those parts is counted in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub divided: Vec<BTreeSet<String>>,
    /// Who can meet it: persons by id, `team:payments`, `role:change_manager`, `claim:...`.
    pub who: Vec<String>,
    /// Teams among them that can meet it for their own services only.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub owners: BTreeSet<String>,
    /// Risk levels at which somebody involved counts all the same.
    pub involved_may_approve: BTreeSet<RiskLevel>,
}

/// Who gave approvals, and who had a hand in the change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalFacts {
    /// Approvals and rejections of this revision.
    pub given: Vec<GivenApproval>,
    /// Persons involved and in which part.
    pub involved: BTreeMap<PersonId, BTreeSet<InvolvementRole>>,
    /// Identities involved that belong to nobody known.
    pub unresolved: BTreeSet<IdentityKey>,
    /// Commits of the change of which nobody has told who wrote all of them. While there are some, nobody can be shown to
    /// be independent.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unreported: BTreeSet<CommitId>,
}

impl ApprovalFacts {
    /// Whether it is known who had a hand in the change, to the last commit and identity.
    pub fn knows_everybody(&self) -> bool {
        self.unresolved.is_empty() && self.unreported.is_empty()
    }
}

/// An approval or rejection of this revision; the last word of each person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenApproval {
    /// Who.
    pub person: PersonId,
    /// Whether it is a rejection.
    pub rejected: bool,
    /// When.
    pub at: Timestamp,
    /// Whether this person, or the one they stand in for, had a hand in the change.
    pub involved: bool,
    /// People from whom this one could not be told when it was given, because of whose hands their accounts had gone through:
    /// those involved, and others who spoke.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub same_hands: BTreeSet<PersonId>,
    /// Rules this person may speak for (or the one they stand in for may), and until when it counts there. Of a no, those
    /// that let them speak for any service of the change.
    pub eligible: BTreeMap<RuleName, Timestamp>,
    /// For which shares, of rules that have some: as recorded before each had an end of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<RuleName, BTreeSet<String>>,
    /// For which shares, of rules that have some, and until when it counts for each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shares_until: BTreeMap<RuleName, BTreeMap<String, Timestamp>>,
}

/// Another change in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictFact {
    /// The other change.
    pub change: ChangeNumber,
    /// The service it alters.
    pub service: ServiceName,
    /// Whether it is the same service, a dependency of ours, or depends on ours.
    pub relation: Relation,
    /// Where the other stands.
    pub state: ChangeState,
    /// Whether it is being deployed right now.
    pub running: bool,
    /// When the pass that it holds ends or, where it runs, until when its outcome is waited for; none where that is past.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Where it runs: its deployments of which no outcome is told yet.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub deployments: BTreeSet<DeploymentNumber>,
    /// The team that owns the service: its people may edit the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<TeamName>,
}

/// How another service stands to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It is the same.
    Same,
    /// Ours needs it.
    Dependency,
    /// It needs ours.
    Dependent,
}

/// An open incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentFact {
    /// Its id at its system.
    pub id: String,
    /// The service.
    pub service: ServiceName,
    /// Severity, in the sender's word.
    pub severity: String,
    /// How the service stands to ours.
    pub relation: Relation,
    /// Since when.
    pub since: Timestamp,
}

/// A digest that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedDigestFact {
    /// The digest.
    pub digest: Digest,
    /// The deployment in which it failed or was rolled back.
    pub deployment: DeploymentNumber,
    /// What happened.
    pub reason: String,
}

/// What is owed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebtFacts {
    /// Approvals and reviews owed by changes of the owner team.
    pub owed: u32,
    /// Those past their day.
    pub overdue: u32,
    /// How many may be owed before the next emergency is refused.
    pub limit: u32,
    /// The changes that owe.
    pub changes: BTreeSet<ChangeNumber>,
}

/// What happened before on this service and environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryFacts {
    /// Deployments among the last twenty.
    pub deployments: u32,
    /// Of these, those that failed or were rolled back.
    pub failures: u32,
    /// Version that runs now.
    pub running_version: Option<String>,
    /// When the last deployment ended.
    pub last_at: Option<Timestamp>,
    /// Whether it is within business hours at the organisation.
    pub business_hours: bool,
    /// Services that depend on this one, directly or not, counted up to 100.
    pub dependents: u32,
}

/// Whether the clock can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// How far the clock stands from where it should, in milliseconds.
    pub skew_ms: i64,
    /// Whether that is within bounds.
    pub trusted: bool,
}
