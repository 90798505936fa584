//! What the settings of all systems of the family have in common.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::kit::account::Account;
use crate::kit::settings::Settings;
use crate::tell::{Outlet, Pace, Talk};

/// Checked settings.
pub(crate) struct Config {
    /// Base address.
    pub(super) url: String,
    pub(super) account: Account,
    /// What else a system wants: an index, a panel.
    pub(super) own: BTreeMap<&'static str, String>,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

impl Config {
    pub(super) fn of(url: String, account: Account) -> Self {
        let outlet = Outlet { urls: vec![url.clone()], networks: Vec::new() };
        let pace = Pace { per_minute: 120, settle_s: 10 };
        Self { url, account, own: BTreeMap::new(), outlet, pace }
    }

    pub(super) fn with_own(mut self, name: &'static str, value: Option<String>) -> Self {
        self.own.extend(value.map(|value| (name, value)));
        self
    }

    pub(super) fn with_pace(mut self, settings: &mut Settings<'_>) -> Self {
        self.outlet.networks = settings.networks();
        self.pace.per_minute = settings.number("per_minute", 120, (1, 6_000));
        self
    }
}

/// What is said beside the line, as short names and values.
pub(super) fn facts(talk: &Talk<'_>) -> Vec<(&'static str, String)> {
    let effect = talk.effect;
    let mut facts = vec![("event", effect.tell.as_str().to_owned()), ("key", key(talk))];
    facts.extend(effect.services.iter().map(|service| ("service", service.to_string())));
    facts.extend(effect.environment.iter().map(|name| ("environment", name.to_string())));
    if let Some(card) = &effect.change {
        facts.push(("change", card.number.to_string()));
    }
    if let Some(card) = &effect.deployment {
        facts.push(("deployment", card.number.clone()));
        facts.push(("state", card.state.clone()));
        facts.extend(card.version.clone().map(|version| ("version", version)));
        facts.extend(card.commit.as_ref().map(|commit| ("commit", commit.to_string())));
    }
    if let Some(decision) = &effect.decision {
        facts.push(("decision", decision.answer.as_str().to_owned()));
    }
    facts
}

/// The same, each name once, in order; a name that stands for several things has all of them.
pub(super) fn grouped(talk: &Talk<'_>) -> Vec<(&'static str, Vec<String>)> {
    let mut grouped: Vec<(&'static str, Vec<String>)> = Vec::new();
    for (name, value) in facts(talk) {
        match grouped.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => grouped.push((name, vec![value])),
        }
    }
    grouped
}

/// As members of a document: one thing as text, several as a list.
pub(super) fn members(talk: &Talk<'_>) -> Map<String, Value> {
    let member = |values: Vec<String>| match <[String; 1]>::try_from(values) {
        Ok([value]) => Value::from(value),
        Err(values) => Value::from(values),
    };
    grouped(talk).into_iter().map(|(name, values)| (name.to_owned(), member(values))).collect()
}

/// The same for each attempt, and other than that of every other effect.
pub(super) fn key(talk: &Talk<'_>) -> String {
    format!("sluice-{}", talk.effect.key.replace([':', '.'], "-"))
}
