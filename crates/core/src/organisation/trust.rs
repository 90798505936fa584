//! Which pipelines are believed: rules over what their system says of them in a signed token.
//!
//! Names of repositories, groups and branches can be given up and taken by somebody else, so each
//! rule has to name something that cannot: the system's own id of the repository or its owner. Values
//! are compared as they are; there are no patterns.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::EnvironmentTier;
use crate::ids::RuleName;
use crate::organisation::Organisation;
use crate::scope::Scope;

/// A rule that believes some pipelines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRule {
    /// Its name.
    pub name: RuleName,
    /// Who signs for the pipelines.
    pub issuer: PipelineIssuer,
    /// What the token has to say: each claim with the values that are accepted.
    pub claims: BTreeMap<String, BTreeSet<String>>,
    /// What the pipelines may ask about.
    pub scope: Scope,
    /// Permissions of the session, such as `gate.evaluate`.
    pub permissions: BTreeSet<String>,
}

/// Who signs tokens of pipelines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineIssuer {
    /// Which system it is.
    pub system: PipelineSystem,
    /// The issuer, exactly as its tokens say.
    pub url: String,
    /// Where its keys are.
    pub keys: String,
    /// Private networks that may be entered on the way to the keys.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub networks: BTreeSet<String>,
    /// How long ago a token may have been issued, in minutes; at most [`Self::LONGEST_AGE_MINUTES`].
    pub max_age_minutes: u32,
}

impl PipelineIssuer {
    /// The oldest that a token may be, whatever the rules say: for so long it has to be remembered that it was shown.
    pub const LONGEST_AGE_MINUTES: u32 = 60;
}

/// A pipeline system whose tokens are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PipelineSystem {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Jenkins with the OpenID Connect provider plugin.
    Jenkins,
}

impl PipelineSystem {
    /// The word for the system.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Jenkins => "jenkins",
        }
    }

    /// The issuer where none is named: that of the public service.
    pub fn usual_issuer(self) -> Option<&'static str> {
        match self {
            Self::Github => Some("https://token.actions.githubusercontent.com"),
            Self::Gitlab => Some("https://gitlab.com"),
            Self::Jenkins => None,
        }
    }

    /// Where an issuer of this system has its keys.
    pub fn keys_of(self, issuer: &str) -> String {
        let issuer = issuer.trim_end_matches('/');
        match self {
            Self::Github => format!("{issuer}/.well-known/jwks"),
            Self::Gitlab => format!("{issuer}/oauth/discovery/keys"),
            Self::Jenkins => format!("{issuer}/jwks"),
        }
    }

    /// Claims that nobody else can come to have. A rule names at least one of them.
    pub fn anchors(self) -> &'static [&'static str] {
        match self {
            Self::Github => &["repository_id", "repository_owner_id"],
            Self::Gitlab => &["project_id", "namespace_id"],
            // The address of the job, of an issuer that belongs to the organisation.
            Self::Jenkins => &["sub"],
        }
    }
}

impl TrustRule {
    /// Whether the rule believes a pipeline of which its system says this. The first claim that does
    /// not fit is named.
    pub fn admits(&self, said: &BTreeMap<String, String>) -> Result<(), &str> {
        let unfit = self
            .claims
            .iter()
            .find(|(name, values)| !said.get(*name).is_some_and(|value| values.contains(value)));
        unfit.map_or(Ok(()), |(name, _)| Err(name))
    }

    /// Whether its sessions may ask about something in production.
    pub fn reaches_production(&self, organisation: &Organisation) -> bool {
        let reaches = |set: &BTreeSet<String>, word: &str| set.is_empty() || set.contains(word);
        organisation.environments.values().any(|environment| {
            environment.tier == EnvironmentTier::Production
                && reaches(&self.scope.environments, environment.name.as_str())
                && reaches(&self.scope.environment_tiers, environment.tier.as_str())
        })
    }
}
