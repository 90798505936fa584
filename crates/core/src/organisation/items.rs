//! The kinds of items an organisation declares.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{GroupMapping, Settings, TrustRule};
use crate::calendar::Window;
use crate::change::ChangeKind;
use crate::effect::Subscription;
use crate::ids::{
    Digest, EnvironmentName, IdentityKey, LinkName, ModelName, PersonId, RuleName, SecretName,
    ServiceName, TeamName,
};
use crate::risk::RiskLevel;
use crate::scope::Scope;

/// What users consume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The team that answers for it.
    pub owner: TeamName,
    /// How much hangs on it, such as `tier-1`; free text chosen by the organisation, `""` when unset.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tier: String,
    /// What it is made of (`api`, `frontend`, `database`, `library`, ...); a factor of risk.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// Services it needs in order to work.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<ServiceName>,
    /// Repositories its sources come from: host and path, `github.com/acme/payments`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub repositories: BTreeSet<String>,
    /// Glob patterns of paths within its repositories that belong to it; empty: everything.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub paths: BTreeSet<String>,
    /// Environments it runs in; empty: every one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<EnvironmentName>,
    /// Free labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Whether its changes need a record in controlled environments.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub controlled: bool,
}

/// Where services run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// Its tier.
    pub tier: EnvironmentTier,
    /// Whether changes in it need a record.
    pub controlled: bool,
    /// Other names that pipelines and forges have for it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
    /// The environment a version passes before this one, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EnvironmentName>,
    /// How long a version must have run in `after` before it may come here, in minutes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub soak_minutes: u32,
}

/// What an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentTier {
    /// Where code is written.
    Development,
    /// Where it is tested.
    Test,
    /// Where it is tried as in production.
    Staging,
    /// Where users are.
    Production,
}

impl EnvironmentTier {
    /// Every tier, from where code is written to where users are.
    pub const ALL: [Self; 4] = [Self::Development, Self::Test, Self::Staging, Self::Production];

    /// The word of the tier, as written in files and scopes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// People who answer for services together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its name.
    pub name: TeamName,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Who is in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub members: BTreeSet<PersonId>,
}

/// One human being. Names and addresses are not in here, only opaque keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Opaque id.
    pub id: PersonId,
    /// Every identity known: mail addresses, forge accounts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub identities: BTreeSet<IdentityKey>,
    /// ITIL roles and where they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleGrant>,
    /// Claims, as an identity provider would assert them (`department=finance`).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub claims: BTreeSet<String>,
    /// Who may act in this person's place while they are away; depth one, never further.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub delegates: BTreeSet<PersonId>,
}

/// One role held by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleGrant {
    /// The role, such as `change_manager`.
    pub role: String,
    /// Where it holds.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
}

/// Who may meet an approval rule: the union of all that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    /// Persons.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub persons: BTreeSet<PersonId>,
    /// Members of these teams. `@owner` is the team that owns the service.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<String>,
    /// Holders of these roles, where the role's scope covers the change.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// Persons with one of these claims.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub claims: BTreeSet<String>,
}

/// Who has to say yes to which changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Its name.
    pub name: RuleName,
    /// Why it exists, shown to those who wait for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Which deployments it speaks of.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
    /// Risk levels from which on it applies.
    #[serde(default)]
    pub min_risk: RiskLevel,
    /// Types of change it applies to; empty: every one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kinds: BTreeSet<ChangeKind>,
    /// Who may approve.
    pub approvers: Approvers,
    /// How many different persons are needed, at least 1.
    #[serde(default = "one")]
    pub quorum: u32,
    /// Hours after which a given approval no longer counts.
    #[serde(default = "seven_days")]
    pub expires_hours: u32,
    /// Hours of waiting after which approvers are reminded; 0: never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub remind_hours: u32,
    /// Risk levels at which somebody involved in the change counts all the same.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub involved_may_approve: BTreeSet<RiskLevel>,
}

/// Evidence that a change has to bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRule {
    /// Its name.
    pub name: RuleName,
    /// Which deployments it speaks of.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
    /// Types of evidence needed, such as `test_report`, `scan`, `rollback_plan`.
    pub requires: BTreeSet<String>,
    /// Risk levels from which on it applies.
    #[serde(default)]
    pub min_risk: RiskLevel,
    /// The control it serves, such as `SOX ITGC-CM-2`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub control: String,
}

/// A template for standard changes. Earned and lost by outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeModel {
    /// Its name.
    pub name: ModelName,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Which deployments it may be used for.
    pub scope: Scope,
    /// The highest risk it carries.
    #[serde(default)]
    pub max_risk: RiskLevel,
    /// The steps, as people read them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// Types of evidence asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub evidence: BTreeSet<String>,
    /// Successful changes in a row, of its scope, by which it is earned; 0: trusted from the start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub earned_after: u32,
    /// Unsuccessful changes among the last ten by which it is lost.
    #[serde(default = "one")]
    pub lost_after: u32,
}

/// How a policy file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyFormat {
    /// A Rego module.
    Rego,
    /// A Rego module with tests.
    RegoTest,
    /// Guardrails in YAML, compiled to Rego.
    Guardrails,
}

/// One file of the policy. Its text is kept by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Path within the organisation's folder, with `/`.
    pub path: String,
    /// How it is written.
    pub format: PolicyFormat,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// A secret, named but not contained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretRef {
    /// In an environment variable of the server.
    Env(String),
    /// In a file that the server can read; one trailing line feed is cut.
    File(String),
    /// Kept by Sluice under its master key.
    Stored(SecretName),
}

/// A configured connector: one instance of an external system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its name.
    pub name: LinkName,
    /// Which connector, as in the registry (`github`, `gitlab`, ...).
    pub connector: String,
    /// Secrets that deliveries may be signed with, the newest first; at most two.
    pub secrets: Vec<SecretRef>,
    /// What we show over there, by the names that the connector gives them (`password`, `token`, ...).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, SecretRef>,
    /// From which day on (UTC) credentials are no longer taken over there, as far as whoever made them has said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credential_expires: BTreeMap<String, Date>,
    /// What it wants to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell: Option<Subscription>,
    /// What the connector needs to know, in its own shape.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub settings: serde_json::Value,
}

impl Link {
    /// Whether approvals that people give over there count here.
    pub fn says_who_may(&self) -> bool {
        self.settings.get("authority").is_some_and(|authority| authority != "sluice")
    }
}

/// One declared item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "spec", rename_all = "snake_case")]
pub enum Item {
    /// What holds for the whole organisation; there is one.
    Settings(Settings),
    /// An environment.
    Environment(Environment),
    /// A team.
    Team(Team),
    /// A person.
    Person(Person),
    /// A service.
    Service(Box<Service>),
    /// A window of the calendar.
    Window(Box<Window>),
    /// An approval rule.
    ApprovalRule(ApprovalRule),
    /// An evidence rule.
    EvidenceRule(EvidenceRule),
    /// A change model.
    ChangeModel(ChangeModel),
    /// A file of the policy.
    PolicyFile(PolicyFile),
    /// A link.
    Link(Link),
    /// A rule that believes some pipelines.
    TrustRule(TrustRule),
    /// Roles that a group gives.
    GroupMapping(GroupMapping),
}

/// Which kind of item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// See [`Item::Settings`].
    Settings,
    /// See [`Item::Environment`].
    Environment,
    /// See [`Item::Team`].
    Team,
    /// See [`Item::Person`].
    Person,
    /// See [`Item::Service`].
    Service,
    /// See [`Item::Window`].
    Window,
    /// See [`Item::ApprovalRule`].
    ApprovalRule,
    /// See [`Item::EvidenceRule`].
    EvidenceRule,
    /// See [`Item::ChangeModel`].
    ChangeModel,
    /// See [`Item::PolicyFile`].
    PolicyFile,
    /// See [`Item::Link`].
    Link,
    /// See [`Item::TrustRule`].
    TrustRule,
    /// See [`Item::GroupMapping`].
    GroupMapping,
}

impl ItemKind {
    /// Every kind, in the order in which items are declared: what is referred to comes first.
    pub const ALL: [Self; 13] = [
        Self::Settings,
        Self::Environment,
        Self::Team,
        Self::Person,
        Self::Service,
        Self::Window,
        Self::ApprovalRule,
        Self::EvidenceRule,
        Self::ChangeModel,
        Self::PolicyFile,
        Self::Link,
        Self::TrustRule,
        Self::GroupMapping,
    ];

    /// The word for the kind, as in events and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Environment => "environment",
            Self::Team => "team",
            Self::Person => "person",
            Self::Service => "service",
            Self::Window => "window",
            Self::ApprovalRule => "approval_rule",
            Self::EvidenceRule => "evidence_rule",
            Self::ChangeModel => "change_model",
            Self::PolicyFile => "policy_file",
            Self::Link => "link",
            Self::TrustRule => "trust_rule",
            Self::GroupMapping => "group_mapping",
        }
    }
}

impl Item {
    /// Which kind it is.
    pub fn kind(&self) -> ItemKind {
        match self {
            Self::Settings(_) => ItemKind::Settings,
            Self::Environment(_) => ItemKind::Environment,
            Self::Team(_) => ItemKind::Team,
            Self::Person(_) => ItemKind::Person,
            Self::Service(_) => ItemKind::Service,
            Self::Window(_) => ItemKind::Window,
            Self::ApprovalRule(_) => ItemKind::ApprovalRule,
            Self::EvidenceRule(_) => ItemKind::EvidenceRule,
            Self::ChangeModel(_) => ItemKind::ChangeModel,
            Self::PolicyFile(_) => ItemKind::PolicyFile,
            Self::Link(_) => ItemKind::Link,
            Self::TrustRule(_) => ItemKind::TrustRule,
            Self::GroupMapping(_) => ItemKind::GroupMapping,
        }
    }

    /// Its name, unique within its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Settings(_) => "settings",
            Self::Environment(item) => item.name.as_str(),
            Self::Team(item) => item.name.as_str(),
            Self::Person(item) => item.id.as_str(),
            Self::Service(item) => item.name.as_str(),
            Self::Window(item) => &item.name,
            Self::ApprovalRule(item) => item.name.as_str(),
            Self::EvidenceRule(item) => item.name.as_str(),
            Self::ChangeModel(item) => item.name.as_str(),
            Self::PolicyFile(item) => &item.path,
            Self::Link(item) => item.name.as_str(),
            Self::TrustRule(item) => item.name.as_str(),
            Self::GroupMapping(item) => item.name.as_str(),
        }
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field by reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn one() -> u32 {
    1
}

fn seven_days() -> u32 {
    7 * 24
}
