//! Events of the gate. Decisions are on the stream `gate/<decision>`, passes on `pass/<pass>`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Decision;
use crate::ids::{
    ChangeNumber, DecisionId, Digest, EnvironmentName, PassId, RuleName, ServiceName,
};
use crate::pass::PassClaims;
use crate::risk::RiskLevel;
use crate::run::RunRef;
use crate::verdict::{Check, Effect, Reason};

/// A question was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateDecided {
    /// Id of the decision.
    pub decision: DecisionId,
    /// The answer.
    pub answer: Decision,
    /// The change it is under; none where no record is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// Service.
    pub service: ServiceName,
    /// Environment.
    pub environment: EnvironmentName,
    /// Digest of the whole typed input ([`crate::facts::GateFacts`] as JSON), kept by digest.
    pub input: Digest,
    /// Digest of the policy bundle that judged.
    pub policy: Digest,
    /// Level of the risk.
    pub risk: RiskLevel,
    /// All reasons, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// The pass, where the answer is `allow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassClaims>,
    /// When it is worth asking again, at the latest, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The approval rules for which people had said yes by then, so many as they ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<RuleName>,
    /// The run that asked, where no pass names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunRef>,
}

impl GateDecided {
    /// The run that asked; none in entries from before it was recorded with every answer.
    pub fn run(&self) -> Option<&RunRef> {
        self.pass.as_ref().map(|pass| &pass.run).or(self.run.as_ref())
    }

    /// Whether it waits for people to approve; it may wait for something else too.
    pub fn awaits_people(&self) -> bool {
        let awaited = |it: &Reason| it.check == Check::Approvals && it.effect == Effect::Wait;
        self.answer == Decision::Wait && self.reasons.iter().any(awaited)
    }
}

/// A pass was used. There is at most one of these for a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassRedeemed {
    /// The pass.
    pub pass: PassId,
    /// The change it is under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
}

/// A pass was shown and not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassRefused {
    /// The pass.
    pub pass: PassId,
    /// Stable code: `pass_expired`, `pass_redeemed`, `pass_superseded`, `digest_mismatch`, `freeze_started`, ...
    pub code: String,
    /// In words.
    pub message: String,
}
