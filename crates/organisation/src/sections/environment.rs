//! `environments`: where services run.

use std::collections::BTreeSet;

use sluice_core::ids::EnvironmentName;
use sluice_core::organisation::{Environment, EnvironmentTier, Item, ItemKind};

use super::environment_tiers;
use crate::desk::{Desk, Table};
use crate::duration::Unit;
use crate::yaml::{Node, Position};

const KEYS: &[&str] = &["name", "tier", "controlled", "aliases", "after", "soak", "soak_minutes"];
/// Ninety days.
const SOAK_LIMIT_MINUTES: u32 = 90 * 24 * 60;

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let Some(table) = desk.table(node, "an environment", KEYS) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: EnvironmentName = desk.name(&text, node.at)?;
        desk.declare(ItemKind::Environment, &text, &text, node.at).then_some((name, node.at))
    });
    let tier = table
        .required(desk, "tier")
        .and_then(|node| desk.word(node, "`tier`", &environment_tiers()));
    let upper = matches!(tier, Some(EnvironmentTier::Production | EnvironmentTier::Staging));
    let controlled = desk.truth_of(&table, "controlled", upper);
    let soak = desk.counted(&table, "soak", "soak_minutes", Unit::Minutes, 0..=SOAK_LIMIT_MINUTES);
    let (Some((name, at)), Some(tier)) = (name, tier) else { return };
    let environment = Environment {
        aliases: aliases(desk, &table, &name, at),
        after: after(desk, &table, &name),
        name,
        tier,
        controlled,
        soak_minutes: soak.unwrap_or(0),
    };
    if environment.soak_minutes > 0 && environment.after.is_none() {
        let at = table.get("soak").or(table.get("soak_minutes")).map_or(at, |node| node.at);
        let message = "`soak` says how long a version runs in the environment before this one";
        desk.error(at, "conflicting_keys", message, "name that environment: `after: ...`");
    }
    desk.findings.items.push(Item::Environment(environment));
}

fn aliases(
    desk: &mut Desk<'_>,
    table: &Table<'_>,
    name: &EnvironmentName,
    name_at: Position,
) -> BTreeSet<String> {
    let mut aliases = BTreeSet::new();
    take_alias(desk, name.as_str(), name.as_str(), name_at);
    for (alias, at) in desk.texts_of(table, "aliases") {
        if alias.is_empty() || alias.len() > 255 {
            let message = "an alias has 1 to 255 letters";
            desk.error(at, "bad_name", message, "write the name as pipelines write it");
        } else if alias.to_lowercase() != name.as_str().to_lowercase()
            && take_alias(desk, &alias, name.as_str(), at)
        {
            aliases.insert(alias);
        }
    }
    aliases
}

/// Names and aliases are told apart without regard to letters' case.
fn take_alias(desk: &mut Desk<'_>, alias: &str, name: &str, at: Position) -> bool {
    let place = desk.place(at);
    let lower = alias.to_lowercase();
    if let Some((other, first)) =
        desk.findings.aliases.get(&lower).filter(|(other, _)| other != name)
    {
        let message = format!("`{alias}` already means the environment `{other}`, see {first}");
        desk.error(at, "duplicate_name", message, "give it to one of them only");
        return false;
    }
    desk.findings.aliases.insert(lower, (name.to_owned(), place));
    true
}

fn after(
    desk: &mut Desk<'_>,
    table: &Table<'_>,
    name: &EnvironmentName,
) -> Option<EnvironmentName> {
    let node = table.get("after")?;
    let text = desk.text(node, "`after`")?;
    let after: EnvironmentName = desk.name(&text, node.at)?;
    desk.refer(ItemKind::Environment, &text, node.at, format!("`{name}` comes after"));
    desk.part(ItemKind::Environment, name.as_str(), &text, node.at);
    Some(after)
}
