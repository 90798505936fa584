//! Whether a scope names what is declared, and by which names.

use std::collections::BTreeSet;

use super::{EnvironmentTier, Organisation};
use crate::refusal::Refusal;
use crate::scope::Scope;

/// A scope with every environment by its own name, where it was called by another: what is recorded is compared by own
/// names. What is not declared stays as it is.
pub fn own_names(organisation: &Organisation, mut scope: Scope) -> Scope {
    let own = |name: String| match organisation.environment_named(&name) {
        Some(found) => found.name.to_string(),
        None => name,
    };
    scope.environments = scope.environments.into_iter().map(own).collect();
    scope
}

/// A scope that names what is not there holds nothing, and looks as if it did.
pub fn known_scope(organisation: &Organisation, scope: &Scope) -> Result<(), Refusal> {
    let services = || organisation.services.values();
    let first = |set: &BTreeSet<String>, known: &dyn Fn(&str) -> bool| {
        set.iter().find(|name| !known(name)).cloned()
    };
    let labelled =
        |key: &String, value: &String| services().any(|it| it.labels.get(key) == Some(value));
    let mut labels = scope.labels.iter();
    let checks = [
        ("service", first(&scope.services, &|name| organisation.services.contains_key(name))),
        (
            "tier of services",
            first(&scope.service_tiers, &|name| services().any(|it| it.tier == name)),
        ),
        ("team", first(&scope.teams, &|name| organisation.teams.contains_key(name))),
        (
            "environment",
            first(&scope.environments, &|name| organisation.environments.contains_key(name)),
        ),
        (
            "tier of environments",
            first(&scope.environment_tiers, &|name| {
                EnvironmentTier::ALL.iter().any(|it| it.as_str() == name)
            }),
        ),
        (
            "service with the label",
            labels
                .find(|(key, value)| !labelled(key, value))
                .map(|(key, value)| format!("{key}={value}")),
        ),
    ];
    let unknown = checks.into_iter().find_map(|(what, name)| Some((what, name?)));
    let Some((what, name)) = unknown else { return Ok(()) };
    let message = format!("there is no {what} `{name}`");
    Err(Refusal::invalid("scope_unknown", message, "name what is declared"))
}
