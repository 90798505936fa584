//! The world as the gate needs it: everything that is open, in force or declared, folded from the ledger.
//!
//! [`Standing`] is a pure fold over all entries in their order. It lives in memory, costs nothing to
//! clone, and is bounded by open work, not by history: closed changes leave it, only what they taught
//! stays. The same prefix of the ledger makes the same standing on every replica and after every restart.

mod apply;
mod behind;
mod disturbed;
mod lookups;
mod pairs;
mod provisioned;
mod recorded;
mod remember;
mod topics;
mod trail;

pub use behind::Behind;
pub use recorded::{Actor, Recorded};
pub use topics::{Topic, topics_of};

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::calendar::Window;
use crate::calendar::made::MadeWindows;
use crate::calendar::theirs::TheirWindow;
use crate::change::Change;
use crate::deployment::{Deployment, Place};
use crate::housekeeping::{RunSeen, SourceSeen};
use crate::ids::{
    ChangeNumber, CommitId, DeploymentNumber, Digest, EnvironmentName, ExceptionId, IncidentNumber,
    LinkName, ModelName, PassId, ProblemNumber, SecretName, ServiceName, StopId, TeamName, TokenId,
};
use crate::incident::Incident;
use crate::organisation::Organisation;
use crate::pass::GivenPass;
use crate::problem::Problem;
use crate::run::RunRef;
use crate::stop::{Exception, Stop};

/// Names the rules that fold a standing: a hash of their source. What other rules came to may be something else.
pub const RULES: &str = env!("SLUICE_RULES");

/// Everything that is open, in force or declared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Number of ledger entries folded.
    pub size: u64,
    /// Time of the last entry; no later entry is earlier.
    pub last_time: Option<Timestamp>,
    /// The number the next change gets, less one.
    pub changes_counted: u64,
    /// The number the next deployment gets, less one.
    pub deployments_counted: u64,
    /// The number the next incident gets, less one.
    #[serde(default)]
    pub incidents_counted: u64,
    /// The number the next problem gets, less one.
    #[serde(default)]
    pub problems_counted: u64,
    /// What is declared.
    pub organisation: Organisation,
    /// The policy in force.
    pub policy: Option<Arc<PolicyInForce>>,
    /// Open changes, and those that still owe something.
    pub changes: OrdMap<ChangeNumber, Arc<Change>>,
    /// Open changes of a service.
    pub changes_of_service: OrdMap<ServiceName, OrdSet<ChangeNumber>>,
    /// Open changes that bring a commit.
    pub changes_of_commit: OrdMap<CommitId, OrdSet<ChangeNumber>>,
    /// Open changes that a run asked for, by [`crate::run::RunRef::key`].
    pub changes_of_run: OrdMap<String, OrdSet<ChangeNumber>>,
    /// Changes that owe something, by the teams that own their services now.
    pub owing: OrdMap<TeamName, OrdSet<ChangeNumber>>,
    /// Deployments under way, and those of open changes.
    pub deployments: OrdMap<DeploymentNumber, Arc<Deployment>>,
    /// What is remembered of each service in each environment.
    #[serde(with = "pairs")]
    pub places: OrdMap<(ServiceName, EnvironmentName), Arc<Place>>,
    /// Passes that may still be redeemed.
    pub passes: OrdMap<PassId, Arc<GivenPass>>,
    /// When the last pass of an open change ends.
    pub passes_of: OrdMap<ChangeNumber, Timestamp>,
    /// Stops in force.
    pub stops: OrdMap<StopId, Arc<Stop>>,
    /// Exceptions granted and not over.
    pub exceptions: OrdMap<ExceptionId, Arc<Exception>>,
    /// Windows that people made, and what is proposed for the calendar.
    #[serde(default)]
    pub made: MadeWindows,
    /// Windows that links read from other systems, by name.
    #[serde(default)]
    pub theirs: OrdMap<String, Arc<TheirWindow>>,
    /// Digests refused, with the deployment they failed in.
    pub denied_digests: OrdMap<Digest, Arc<DeniedDigest>>,
    /// Digests in the order in which they were first refused, so that the oldest leave first.
    pub denied_order: Vector<Digest>,
    /// How change models have fared.
    pub models: OrdMap<ModelName, ModelRecord>,
    /// Open incidents.
    pub incidents: OrdMap<IncidentNumber, Arc<Incident>>,
    /// Open incidents by what told of them.
    pub incidents_by_source: OrdMap<String, IncidentNumber>,
    /// Open problems.
    pub problems: OrdMap<ProblemNumber, Arc<Problem>>,
    /// Accounts, sessions and roles of people.
    #[serde(default)]
    pub access: Access,
    /// Tokens that are good.
    pub tokens: OrdMap<TokenId, Arc<TokenInForce>>,
    /// Tokens of pipelines' systems that were shown, until they can no longer be shown.
    #[serde(default)]
    pub shown_once: OrdMap<Digest, Timestamp>,
    /// Secrets that are kept, without what is secret.
    #[serde(default)]
    pub secrets: OrdMap<SecretName, KeptSecret>,
    /// Links that nothing is sent by.
    #[serde(default)]
    pub paused: OrdSet<LinkName>,
    /// Commits that pushes and merges brought lately, by tip.
    pub sources: OrdMap<CommitId, Arc<SourceSeen>>,
    /// Tips in the order in which they came, so that the oldest leave first.
    pub source_order: Vector<CommitId>,
    /// Runs that were seen lately, by [`crate::run::RunRef::key`].
    pub runs: OrdMap<String, Arc<RunSeen>>,
    /// Keys of runs in the order in which they came, so that the oldest leave first.
    pub run_order: Vector<String>,
    /// Where each topic was last touched: the size of the ledger after it.
    #[serde(with = "pairs")]
    pub touched: OrdMap<Topic, u64>,
}

/// The policy in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInForce {
    /// Digest of the bundle.
    pub bundle: Digest,
    /// Digests of its modules by path.
    pub modules: std::collections::BTreeMap<String, Digest>,
    /// Since when.
    pub since: Timestamp,
}

/// A digest that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedDigest {
    /// The service it was of.
    pub service: ServiceName,
    /// The deployment in which it failed.
    pub deployment: DeploymentNumber,
    /// What happened.
    pub reason: String,
}

/// How a change model has fared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Whether it may be used.
    pub earned: bool,
    /// The last outcomes of changes in its scope, newest last, at most ten: whether they were good.
    pub recent: Vec<bool>,
}

/// A secret that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSecret {
    /// How often it was set.
    pub version: u32,
    /// What names the master key that it is under.
    pub key: String,
    /// When it was set last.
    pub at: Timestamp,
}

/// A token that is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInForce {
    /// What it may.
    pub token: crate::housekeeping::TokenCreated,
    /// Its permissions as a set.
    pub permissions: BTreeSet<String>,
    /// The run it is bound to, where it was got by one.
    #[serde(default)]
    pub run: Option<RunRef>,
    /// The person who made it, or made the token that made it; none where the console did.
    #[serde(default)]
    pub maker: Option<crate::ids::PersonId>,
}

impl Standing {
    /// The entry count after which `topic` was last touched; 0 for never.
    pub fn touched_at(&self, topic: &Topic) -> u64 {
        self.touched.get(topic).copied().unwrap_or(0)
    }

    /// Whether none of `topics` was touched after the ledger had `size` entries.
    pub fn untouched_since<'a>(
        &self,
        topics: impl IntoIterator<Item = &'a Topic>,
        size: u64,
    ) -> bool {
        topics.into_iter().all(|topic| self.touched_at(topic) <= size)
    }

    /// Every window there is: those declared in files, those that people made, those that links read.
    pub fn windows(&self) -> impl Iterator<Item = &Arc<Window>> {
        let made = self.made.windows.values().map(|made| &made.window);
        let theirs = self.theirs.values().map(|theirs| &theirs.window);
        self.organisation.windows.values().chain(made).chain(theirs)
    }

    /// A window by its name.
    pub fn window(&self, name: &str) -> Option<&Arc<Window>> {
        let made = || self.made.windows.get(name).map(|made| &made.window);
        let theirs = || self.theirs.get(name).map(|theirs| &theirs.window);
        self.organisation.windows.get(name).or_else(made).or_else(theirs)
    }

    /// What is remembered of a service in an environment.
    pub fn place(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Option<&Arc<Place>> {
        self.places.get(&(service.clone(), environment.clone()))
    }

    /// Open changes of a service in an environment, oldest first.
    pub fn open_changes<'a>(
        &'a self,
        service: &'a ServiceName,
        environment: &'a EnvironmentName,
    ) -> impl Iterator<Item = &'a Arc<Change>> {
        self.changes_of_service
            .get(service)
            .into_iter()
            .flatten()
            .filter_map(|number| self.changes.get(number))
            .filter(move |change| change.environment == *environment)
    }
}
