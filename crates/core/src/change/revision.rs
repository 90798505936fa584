//! What an approval is bound to: the digest over everything that was shown.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{CommitId, Digest, EnvironmentName, ServiceName};

/// One revision of a change, by digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision {
    /// Counts from 1 within the change.
    pub counter: u32,
    /// Digest over [`RevisionInput`].
    pub digest: Digest,
}

/// Everything that an approver is shown and that must not change behind their back.
///
/// The digest is the SHA-256 of this struct as JSON, its members in the order below, its sets and
/// maps sorted: a contract, since old approvals have to be checked for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RevisionInput<'a> {
    /// Repository the commits are of.
    pub repository: Option<&'a str>,
    /// Commits.
    pub commits: &'a [CommitId],
    /// Artifact digests by service.
    pub artifacts: &'a BTreeMap<ServiceName, BTreeSet<Digest>>,
    /// Environment.
    pub environment: &'a EnvironmentName,
    /// Services.
    pub services: &'a BTreeSet<ServiceName>,
    /// Digests of evidence that is a plan (`*_plan`): rollback plan, deployment plan.
    pub plans: BTreeMap<&'a str, &'a Digest>,
    /// Digest of the policy bundle in force when the revision was made.
    pub policy: &'a Digest,
}

impl RevisionInput<'_> {
    /// The digest that approvals are bound to.
    pub fn digest(&self) -> Digest {
        // A struct of strings and ordered maps has a JSON form always.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}
