//! Events of accounts, sessions and roles. None holds a name, an address or a secret.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RoleTable;
use crate::gate::Question;
use crate::ids::{Digest, GrantId, PersonId, TokenId};
use crate::scope::Scope;

/// The table of roles took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleTableSet {
    /// The table.
    pub table: RoleTable,
}

/// A person got an account of this installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCreated {
    /// Whose.
    pub person: PersonId,
}

/// A way of proving who one is was set, changed or taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorChanged {
    /// Whose.
    pub person: PersonId,
    /// `enrolment`, `password`, `totp` or `recovery_codes`.
    pub factor: String,
    /// Whether it is there now.
    pub present: bool,
}

/// An account was closed: nobody comes in by it, and its sessions are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDisabled {
    /// Whose.
    pub person: PersonId,
    /// Why.
    pub because: String,
}

/// A closed account was opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEnabled {
    /// Whose.
    pub person: PersonId,
}

/// A person came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// Its id; the secret is nowhere in the ledger.
    pub session: TokenId,
    /// Who.
    pub person: PersonId,
    /// `browser` or `cli`.
    pub client: String,
    /// How they proved who they are: `password`, `totp`, `recovery_code`, `oidc`, `device`.
    pub methods: BTreeSet<String>,
    /// When they proved it.
    pub auth_time: Timestamp,
    /// Until when it is good at the longest.
    pub expires_at: Timestamp,
    /// Only these permissions, of those the person has; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrowed_to: Option<BTreeSet<String>>,
    /// Groups that the login said, of those that mappings name; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LoginGroups>,
    /// Whether no provider of identities confirms roles here any more: what one confirmed once narrows nobody then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unconfirmed: bool,
}

impl SessionOpened {
    /// Whether a provider of identities saw the proof just then.
    pub fn is_of_provider(&self) -> bool {
        self.methods.len() == 1 && self.methods.contains("oidc")
    }
}

/// Groups of a person, as a login said them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginGroups {
    /// Name of the provider.
    pub provider: String,
    /// The groups.
    pub names: BTreeSet<String>,
}

impl LoginGroups {
    /// The groups.
    pub fn names(&self) -> BTreeSet<&str> {
        self.names.iter().map(String::as_str).collect()
    }
}

/// A person proved again who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSteppedUp {
    /// The session.
    pub session: TokenId,
    /// Whose.
    pub person: PersonId,
    /// How.
    pub methods: BTreeSet<String>,
}

/// A session is over before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// The session.
    pub session: TokenId,
    /// Whose.
    pub person: PersonId,
    /// `logout`, `revoked`, `password_changed`, `idle`.
    pub because: String,
}

/// So many attempts to come in failed that further ones are held up for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginBlocked {
    /// Whose account.
    pub person: PersonId,
    /// Attempts in a row that failed.
    pub failures: u32,
    /// Seconds for which the next is held up.
    pub seconds: u32,
}

/// Somebody wants another person to have a role. It does nothing until a second person confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleProposed {
    /// Its id.
    pub grant: GrantId,
    /// Who is to have it.
    pub person: PersonId,
    /// The role.
    pub role: String,
    /// Where it is to hold.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
    /// Until when it is to hold; absent: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub by: PersonId,
    /// The groups that their login said, where one did: they may be what gave the right to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LoginGroups>,
}

/// A second person agreed; the role holds from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleConfirmed {
    /// Which grant.
    pub grant: GrantId,
    /// Who confirmed it.
    pub by: PersonId,
    /// When it takes effect: after the cool-off.
    pub from: Timestamp,
}

/// A role that two people agreed on took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGranted {
    /// Which grant.
    pub grant: GrantId,
}

/// A role, or the proposal of one, is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRevoked {
    /// Which grant.
    pub grant: GrantId,
    /// Why.
    pub because: String,
}

/// Name and addresses of a person were erased; from now on they are a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonErased {
    /// Who.
    pub person: PersonId,
}

/// Somebody asks for the emergency path. It does nothing until a second person opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlassAsked {
    /// Its id.
    pub id: GrantId,
    /// What is to be deployed, exactly.
    pub question: Question,
    /// Who asks.
    pub by: PersonId,
    /// The groups that their login said, where one did: they may be what gave the right to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LoginGroups>,
}

/// A second person opened the emergency path. What it lifts stands in the exceptions that follow; the gate is asked as
/// ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlassOpened {
    /// Its id.
    pub id: GrantId,
    /// The second person.
    pub by: PersonId,
    /// Until when it is open.
    pub until: Timestamp,
}

/// Somebody wants to change what needs a second person: policy, rules, windows, roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanProposed {
    /// Digest of the plan: exactly this is to be confirmed.
    pub plan: Digest,
    /// What it touches.
    pub touches: BTreeSet<String>,
    /// Who proposed it, or answers for the machine that did; none where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// The groups that their login said, where one did: they may be what gave the right to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LoginGroups>,
    /// The token of the machine that proposed it, where one did: with the token the proposal is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// When it can be confirmed at the earliest.
    pub from: Timestamp,
}

/// A second person, who gains nothing by it, confirmed a plan; what it does follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanConfirmed {
    /// Digest of the plan.
    pub plan: Digest,
    /// Who.
    pub by: PersonId,
}

/// A plan that waited for a second person was refused, or taken back by whoever proposed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRefused {
    /// Digest of the plan.
    pub plan: Digest,
    /// Who.
    pub by: PersonId,
    /// Why.
    pub because: String,
}

/// An emergency path was refused before it was opened, or is closed because the gate denied what it was opened for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlassRefused {
    /// Its id.
    pub id: GrantId,
    /// Who.
    pub by: PersonId,
    /// Why.
    pub because: String,
}

/// Somebody wants an account set back whose person has a password. It does nothing until a second person agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetAsked {
    /// Whose account.
    pub person: PersonId,
    /// Who asks.
    pub by: PersonId,
    /// The groups that their login said, where one did: they may be what gave the right to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LoginGroups>,
    /// Why.
    pub reason: String,
}

/// A second person agreed to set an account back; that its factors are gone follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetConfirmed {
    /// Whose account.
    pub person: PersonId,
    /// The second person, who has the code.
    pub by: PersonId,
    /// The first.
    pub asked_by: PersonId,
}

/// Nothing becomes of setting an account back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetRefused {
    /// Whose account.
    pub person: PersonId,
    /// Who refused it, or took it back.
    pub by: PersonId,
    /// Why.
    pub because: String,
}
