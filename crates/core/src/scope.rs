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

    /// Whether everything in `other` is certainly in this scope too, whatever is declared.
    pub fn contains(&self, other: &Scope) -> bool {
        let within = |mine: &BTreeSet<String>, theirs: &BTreeSet<String>| {
            mine.is_empty() || (!theirs.is_empty() && theirs.is_subset(mine))
        };
        within(&self.services, &other.services)
            && within(&self.teams, &other.teams)
            && within(&self.service_tiers, &other.service_tiers)
            && within(&self.environments, &other.environments)
            && within(&self.environment_tiers, &other.environment_tiers)
            && self.labels.iter().all(|(key, value)| other.labels.get(key) == Some(value))
    }

    /// Whether something may lie in both scopes.
    pub fn overlaps(&self, other: &Scope) -> bool {
        let meet = |mine: &BTreeSet<String>, theirs: &BTreeSet<String>| {
            mine.is_empty() || theirs.is_empty() || !mine.is_disjoint(theirs)
        };
        let same = |key: &String, value: &String| {
            other.labels.get(key).is_none_or(|theirs| theirs == value)
        };
        meet(&self.services, &other.services)
            && meet(&self.teams, &other.teams)
            && meet(&self.service_tiers, &other.service_tiers)
            && meet(&self.environments, &other.environments)
            && meet(&self.environment_tiers, &other.environment_tiers)
            && self.labels.iter().all(|(key, value)| same(key, value))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(json: &str) -> Scope {
        serde_json::from_str(json).expect("a scope")
    }

    #[test]
    fn a_narrower_scope_is_contained_and_a_wider_one_is_not() {
        let shop = scope(r#"{"services": ["shop", "docs"]}"#);
        for (other, contained) in [
            (r#"{"services": ["shop"]}"#, true),
            (r#"{"services": ["shop"], "environments": ["production"]}"#, true),
            (r#"{"services": ["shop", "payments"]}"#, false),
            (r#"{"environments": ["production"]}"#, false),
            ("{}", false),
        ] {
            assert_eq!(shop.contains(&scope(other)), contained, "{other}");
        }
        assert!(Scope::default().contains(&shop));
    }

    #[test]
    fn dimensions_are_joined_by_and_their_members_by_or() {
        let target = Target {
            service: "shop".into(),
            environment: "production".into(),
            ..Target::default()
        };
        for (text, covers) in [
            ("{}", true),
            (r#"{"services": ["shop", "docs"]}"#, true),
            (r#"{"services": ["docs"]}"#, false),
            (r#"{"services": ["shop"], "environments": ["staging"]}"#, false),
            (r#"{"labels": {"pci": "yes"}}"#, false),
        ] {
            assert_eq!(scope(text).covers(&target), covers, "{text}");
        }
    }
}
