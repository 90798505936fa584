//! The pass: what an `allow` yields, and what it is bound to.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{
    ChangeNumber, CommitId, DecisionId, Digest, EnvironmentName, PassId, ServiceName,
};
use crate::run::RunRef;

/// Everything a pass is bound to. Signed, it is a JWT of type `sluice-pass+jwt` with `aud` = `environment:<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassClaims {
    /// Its id, `jti`.
    pub pass: PassId,
    /// The decision that gave it.
    pub decision: DecisionId,
    /// The change; none where no record is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// The revision that was decided on.
    pub revision: Digest,
    /// Service.
    pub service: ServiceName,
    /// Environment.
    pub environment: EnvironmentName,
    /// Commit.
    pub commit: CommitId,
    /// Artifact digests; redeeming with any other is refused.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub artifacts: BTreeSet<Digest>,
    /// Digest of the policy bundle that judged.
    pub policy: Digest,
    /// The run and attempt that asked.
    pub run: RunRef,
    /// Not before.
    pub not_before: Timestamp,
    /// Not after: at most 15 minutes later, and never beyond the start of the next freeze.
    pub expires_at: Timestamp,
}

/// A pass that was given, as long as it matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenPass {
    /// What it is bound to.
    pub claims: PassClaims,
    /// When it was redeemed.
    pub redeemed_at: Option<Timestamp>,
}
