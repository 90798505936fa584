//! `models`: templates for standard changes.

use sluice_core::ids::ModelName;
use sluice_core::organisation::{ChangeModel, Item, ItemKind};

use super::{RISKS, scope, short_words};
use crate::desk::Desk;
use crate::yaml::Node;

const KEYS: &[&str] =
    &["name", "title", "scope", "max_risk", "steps", "evidence", "earned_after", "lost_after"];

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let Some(table) = desk.table(node, "a change model", KEYS) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: ModelName = desk.name(&text, node.at)?;
        desk.declare(ItemKind::ChangeModel, &text, &text, node.at).then_some(name)
    });
    let title = desk.text_of(&table, "title");
    let scope = table.required(desk, "scope").map(|node| scope::read(desk, node));
    let max_risk = table.get("max_risk").and_then(|node| desk.word(node, "`max_risk`", RISKS));
    let steps = desk.texts_of(&table, "steps").into_iter().map(|(step, _)| step).collect();
    let evidence = desk.texts_of(&table, "evidence");
    let evidence = short_words(desk, evidence, "a type of evidence");
    let number = |desk: &mut Desk<'_>, key: &str, least: u32, most: u32| {
        table.get(key).and_then(|node| desk.number(node, &format!("`{key}`"), least..=most))
    };
    let earned_after = number(desk, "earned_after", 0, 1_000).unwrap_or(0);
    let lost_after = number(desk, "lost_after", 1, 10).unwrap_or(1);
    let (Some(name), Some(scope)) = (name, scope) else { return };
    let max_risk = max_risk.unwrap_or_default();
    desk.findings.items.push(Item::ChangeModel(ChangeModel {
        name,
        title,
        scope,
        max_risk,
        steps,
        evidence,
        earned_after,
        lost_after,
    }));
}
