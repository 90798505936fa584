//! `evidence_rules`: evidence that a change has to bring.

use sluice_core::ids::RuleName;
use sluice_core::organisation::{EvidenceRule, Item, ItemKind};

use super::{RISKS, scope, short_words};
use crate::desk::Desk;
use crate::yaml::Node;

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let known = &["name", "scope", "requires", "min_risk", "control"];
    let Some(table) = desk.table(node, "an evidence rule", known) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: RuleName = desk.name(&text, node.at)?;
        desk.declare(ItemKind::EvidenceRule, &text, &text, node.at).then_some(name)
    });
    let scope = table.get("scope").map(|node| scope::read(desk, node)).unwrap_or_default();
    let requires = table.required(desk, "requires").map(|node| {
        let texts = desk.texts(node, "`requires`");
        if texts.is_empty() && !node.is_broken() {
            let help = "name types of evidence, such as `[test_report]`";
            desk.error(node.at, "bad_value", "the rule asks for nothing", help);
        }
        short_words(desk, texts, "a type of evidence")
    });
    let min_risk = table.get("min_risk").and_then(|node| desk.word(node, "`min_risk`", RISKS));
    let control = desk.text_of(&table, "control");
    let (Some(name), Some(requires)) = (name, requires) else { return };
    let min_risk = min_risk.unwrap_or_default();
    let rule = EvidenceRule { name, scope, requires, min_risk, control };
    desk.findings.items.push(Item::EvidenceRule(rule));
}
