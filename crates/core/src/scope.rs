//! Scope: which deployments a window, a stop, an exception, a role or a rule speaks of.
//!
//! A scope names sets along several dimensions. Dimensions are joined by *and*, the members of one
//! dimension by *or*; a dimension that is left out matches everything. The empty scope is the
//! whole organisation.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A set of deployments, described by the properties of their service and environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Names of services.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// Names of owner teams.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<String>,
    /// Tiers of services, such as `tier-1`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub service_tiers: BTreeSet<String>,
    /// Names of environments.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<String>,
    /// Tiers of environments: `development`, `test`, `staging`, `production`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environment_tiers: BTreeSet<String>,
    /// Labels of the service that must all be present with exactly this value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// One deployment as a scope sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Name of the service.
    pub service: String,
    /// Owner team of the service.
    pub team: String,
    /// Tier of the service.
    pub service_tier: String,
    /// Name of the environment.
    pub environment: String,
    /// Tier of the environment.
    pub environment_tier: String,
    /// Labels of the service.
    pub labels: BTreeMap<String, String>,
}

impl Scope {
    /// Whether `target` lies within this scope.
    pub fn covers(&self, target: &Target) -> bool {
        let admits = |set: &BTreeSet<String>, value: &str| set.is_empty() || set.contains(value);
        admits(&self.services, &target.service)
            && admits(&self.teams, &target.team)
            && admits(&self.service_tiers, &target.service_tier)
            && admits(&self.environments, &target.environment)
            && admits(&self.environment_tiers, &target.environment_tier)
            && self.labels.iter().all(|(key, value)| target.labels.get(key) == Some(value))
    }

    /// Whether this is the scope of the whole organisation.
    pub fn is_everything(&self) -> bool {
        *self == Scope::default()
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_everything() {
            return f.write_str("the whole organisation");
        }
        let mut parts = Vec::new();
        for (name, set) in [
            ("service", &self.services),
            ("team", &self.teams),
            ("service tier", &self.service_tiers),
            ("environment", &self.environments),
            ("environment tier", &self.environment_tiers),
        ] {
            if !set.is_empty() {
                let members: Vec<&str> = set.iter().map(String::as_str).collect();
                parts.push(format!("{name} {}", members.join(" or ")));
            }
        }
        parts.extend(self.labels.iter().map(|(key, value)| format!("label {key}={value}")));
        f.write_str(&parts.join(", "))
    }
}
