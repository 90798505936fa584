//! Events about the installation itself, and what was seen of commits and runs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::Involvement;
use crate::ids::{CommitId, Digest, LinkName, PersonId, RuleName, SecretName, TokenId};
use crate::run::RunRef;
use crate::scope::Scope;
use crate::signal::Listed;

/// The first entry of every ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerOpened {
    /// Origin of the log, as in its checkpoints.
    pub origin: String,
    /// The key that signs its checkpoints, as C2SP verifier key.
    pub log_key: String,
    /// The key that signs passes, as base64url of the raw Ed25519 public key.
    pub pass_key: String,
    /// Version of the program.
    pub version: String,
}

/// A bearer token was made. Its secret is nowhere in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCreated {
    /// Its id.
    pub id: TokenId,
    /// What it is for, as its maker wrote.
    pub label: String,
    /// `pipeline` or `person`.
    pub kind: String,
    /// The person it acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Permissions, such as `gate.evaluate`.
    pub permissions: Vec<String>,
    /// Where it holds.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A pipeline showed a token of its system, and got a session for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenExchanged {
    /// The session.
    pub token: TokenId,
    /// The rule that believed it.
    pub rule: RuleName,
    /// Who signed for the pipeline.
    pub issuer: String,
    /// What stands for the token that was shown, so that it is taken once: a digest of its issuer and id.
    pub once: Digest,
    /// Until when a token can be shown again at all.
    pub once_until: Timestamp,
    /// The run, which the session is bound to.
    pub run: RunRef,
    /// Permissions of the session.
    pub permissions: Vec<String>,
    /// Where it holds.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A bearer token was made void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// Its id.
    pub id: TokenId,
}

/// A secret was kept, in place of the one before it. It is itself nowhere in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretSet {
    /// Its name.
    pub name: SecretName,
    /// How often it was set, from 1.
    pub version: u32,
    /// What names the master key that it is under.
    pub key: String,
}

/// A secret was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRemoved {
    /// Its name.
    pub name: SecretName,
}

/// All secrets were put under another master key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretsRewrapped {
    /// What names it.
    pub key: String,
    /// How many they were.
    pub count: u32,
}

/// A delivery was read, and this is what it was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryHeard {
    /// The link it came by.
    pub link: LinkName,
    /// Its number in the inbox.
    pub inbox: i64,
    /// Digest of its body.
    pub body: Digest,
    /// `signals`, `ignored` or `quarantined`.
    pub outcome: String,
    /// The code of the outcome, or the names of the signals.
    pub detail: String,
}

/// A delivery that was put aside, or of which nothing was understood, is read again by a person's wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryReplayed {
    /// The link that it came by.
    pub link: LinkName,
    /// Its number in the inbox.
    pub inbox: i64,
}

/// Commits became known by a push or a merge: who had a hand in them, what they touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSeen {
    /// Where: host and path.
    pub repository: String,
    /// The tip.
    pub commit: CommitId,
    /// Every commit that came with it, the tip included; at most 200.
    pub commits: Vec<CommitId>,
    /// Who had a hand in them; at most 200.
    pub involved: BTreeSet<Involvement>,
    /// Paths touched, as far as known; at most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The pushes that it came by, the newest last; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pushes: Vec<PushSeen>,
    /// The merge that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeSeen>,
    /// Whether more people had a hand in them than an entry holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub people_cut: bool,
}

/// A push to a branch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PushSeen {
    /// The branch.
    pub branch: String,
    /// How many of its commits are known.
    pub listed: Listed,
    /// Where the branch stood before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<CommitId>,
    /// Whether the branch came into being.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created: bool,
}

/// A merge of a proposal's branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeSeen {
    /// The branch merged into.
    pub branch: String,
    /// The last commit that was proposed.
    pub head: CommitId,
    /// How many commits were proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_count: Option<u64>,
}

impl SourceSeen {
    /// Every commit that it speaks of, the tip last.
    pub fn every_commit(&self) -> impl Iterator<Item = &CommitId> {
        let others = self.commits.iter().filter(|commit| **commit != self.commit);
        others.chain(std::iter::once(&self.commit))
    }
}

/// A pipeline run became known: who started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSeen {
    /// The run.
    pub run: RunRef,
    /// Commit it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Who started it. Of more than [`Self::PEOPLE`] the others are one who is nobody.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub involved: BTreeSet<Involvement>,
}

impl RunSeen {
    /// The most people that are known of one run.
    pub const PEOPLE: usize = 200;

    /// The same, with those who are known to have started it before. Where they become too many, `others` stands for those who
    /// are left out: an identity that nobody can claim, so that no approval counts of what the run brings.
    #[must_use]
    pub fn and_before(mut self, known: Option<&Self>, others: Involvement) -> Self {
        let before = known.map(|known| known.involved.clone()).unwrap_or_default();
        let new = std::mem::replace(&mut self.involved, before);
        for one in new {
            if self.involved.contains(&one) {
                continue;
            }
            let full = self.involved.len() >= Self::PEOPLE;
            self.involved.insert(if full { others.clone() } else { one });
        }
        self
    }
}
