//! The verdict: what the policy says of the facts of one gate question.
//!
//! Facts are code, judgement is policy. The policy answers with reasons, the approvals it
//! wants, and an explicit grant; `gate::decide` turns that into a decision. A policy that fails in any
//! way yields a [`PolicyFault`], which is always a denial.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::RuleName;
use crate::risk::RiskLevel;

/// What the policy says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The explicit grant. Without it nothing goes, whatever the reasons.
    pub allow: bool,
    /// Everything that speaks against it, or that people should know.
    pub reasons: Vec<Reason>,
    /// Approval rules that have to be met.
    pub require: Vec<Requirement>,
    /// Where the policy sets the risk level itself.
    #[serde(default)]
    pub risk: Option<RiskOverride>,
}

/// One approval rule that has to be met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The rule.
    pub rule: RuleName,
    /// Whether the change may go first and the approval is owed.
    #[serde(default)]
    pub owed: bool,
}

/// A risk level set by policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskOverride {
    /// The level.
    pub level: RiskLevel,
    /// Why.
    pub because: String,
}

/// What a reason does to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It cannot go as it is.
    Deny,
    /// It cannot go yet.
    Wait,
    /// It can go; people should know this.
    Note,
}

/// Which check a reason belongs to. The order is part of the contract: reasons are given in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Who asks.
    Identity,
    /// Whether service, environment and repository are known.
    Registration,
    /// A stop is in force.
    Stop,
    /// A freeze is in force, or no release window is.
    Freeze,
    /// Something else has to go first.
    Order,
    /// Evidence is missing or bad.
    Evidence,
    /// Risk, and the approvals it asks for.
    Approvals,
    /// Other changes are in the way.
    Conflicts,
    /// The organisation's own rules, and faults of the policy.
    Policy,
}

/// One reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Which check it belongs to.
    pub check: Check,
    /// What it does to the answer.
    pub effect: Effect,
    /// The rule that speaks, such as `freeze.in_force`; stable.
    pub rule: String,
    /// What is the matter, for people.
    pub message: String,
    /// Until when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who can act: persons by opaque id, teams as `team:payments`, roles as `role:change_manager`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<String>,
    /// "Would pass if ...": the condition under which this reason would not stand.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pass_if: String,
}

/// The policy did not give a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct PolicyFault {
    /// Stable code: `policy_timeout`, `policy_steps`, `policy_memory`, `policy_error`, `policy_undefined`,
    /// `policy_type`, `policy_busy`.
    pub code: String,
    /// What happened, for the person who writes policies.
    pub message: String,
}
