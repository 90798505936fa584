//! Whether a window that somebody wants can hold.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::PREFIX;
use crate::calendar::{HORIZON_DAYS, Window};
use crate::ids::PersonId;
use crate::organisation::{EnvironmentTier, Organisation};
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::stop::reason_given;

/// The most selectors of those who may grant an exception.
const GRANTS: usize = 20;

/// Whether a window can hold: it is understood, it still comes, and it speaks of what there is.
pub fn check(organisation: &Organisation, window: &Window, now: Timestamp) -> Result<(), Refusal> {
    if organisation.windows.contains_key(&window.name) || !window.name.starts_with(PREFIX) {
        return Err(Refusal::conflict(
            "declared_in_files",
            format!("the window `{}` belongs to the organisation's files", window.name),
            "alter it there, and apply them: `sluice apply DIR`",
        ));
    }
    let length = window.title.trim().chars().count();
    if !(1..=120).contains(&length) || window.title.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            "bad_title",
            "a title has 1 to 120 characters, none of them a control character",
            "say in a few words what the window is",
        ));
    }
    if !window.reason.is_empty() {
        reason_given(&window.reason)?;
    }
    if let Err(problem) = window.validate() {
        return Err(Refusal::invalid("bad_window", problem.to_string(), problem.help()));
    }
    if window.ahead(now).is_empty() {
        let message = format!("the window never comes within {HORIZON_DAYS} days");
        return Err(Refusal::invalid("window_over", message, "give a later end, or a rule"));
    }
    let odd = |text: &String| PersonId::parse(text).is_err() && !is_selector(text);
    if window.grants.len() > GRANTS || window.grants.iter().any(odd) {
        return Err(Refusal::invalid(
            "bad_grants",
            format!("who may grant exceptions is at most {GRANTS} persons, teams, roles or claims"),
            "write `role:change_manager`, `team:NAME`, `claim:NAME=VALUE` or a person's id",
        ));
    }
    known_scope(organisation, &window.scope)
}

fn is_selector(text: &str) -> bool {
    let known = text.split_once(':').filter(|(kind, _)| ["team", "role", "claim"].contains(kind));
    known.is_some_and(|(_, name)| !name.is_empty() && name.len() <= 200)
}

/// A scope that names what is not there holds nothing, and looks as if it did.
pub(in crate::calendar) fn known_scope(
    organisation: &Organisation,
    scope: &Scope,
) -> Result<(), Refusal> {
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
