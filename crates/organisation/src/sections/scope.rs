//! Scopes, wherever they stand.

use sluice_core::scope::Scope;

use super::{environment_tiers, set};
use crate::desk::Desk;
use crate::findings::Dimension;
use crate::yaml::{Node, Position};

const KEYS: &[&str] =
    &["services", "teams", "service_tiers", "environments", "environment_tiers", "labels"];

/// Reads a scope. Words that match nothing are looked at when all files are read.
pub(crate) fn read(desk: &mut Desk<'_>, node: &Node) -> Scope {
    let Some(table) = desk.table(node, "a scope", KEYS) else { return Scope::default() };
    let mut mentioned = |key: &str, dimension: Dimension| -> Vec<(String, Position)> {
        let words = desk.texts_of(&table, key);
        for (word, at) in &words {
            desk.mention(dimension.clone(), word, *at);
        }
        words
    };
    let mut scope = Scope {
        services: set(mentioned("services", Dimension::Service)),
        teams: set(mentioned("teams", Dimension::Team)),
        service_tiers: set(mentioned("service_tiers", Dimension::ServiceTier)),
        environments: set(mentioned("environments", Dimension::Environment)),
        ..Scope::default()
    };
    for (tier, at) in desk.texts_of(&table, "environment_tiers") {
        if desk.word_of(&tier, at, "`environment_tiers`", &environment_tiers()).is_some() {
            desk.mention(Dimension::EnvironmentTier, &tier, at);
            scope.environment_tiers.insert(tier);
        }
    }
    if let Some(node) = table.get("labels") {
        for entry in desk.pairs(node, "`labels`") {
            if let Some(value) = desk.loose_text(&entry.value, "the value of a label") {
                desk.mention(Dimension::Label(entry.key.clone()), &value, entry.value.at);
                scope.labels.insert(entry.key.clone(), value);
            }
        }
    }
    scope
}
