//! `group_roles`: which group of which provider of identities gives which roles.

use sluice_core::ids::RuleName;
use sluice_core::organisation::{GroupMapping, Item, ItemKind};

use super::person;
use crate::desk::{Desk, shortened};
use crate::yaml::Node;

const HELP: &str = "write the group exactly as the provider does: 1 to 256 characters, none of them a pattern or a \
    control character";

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let known = &["name", "provider", "group", "roles"];
    let Some(table) = desk.table(node, "a mapping of a group", known) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: RuleName = desk.name(&text, node.at)?;
        desk.declare(ItemKind::GroupMapping, &text, &text, node.at).then_some(name)
    });
    let provider = table.required(desk, "provider").and_then(|node| {
        let text = desk.text(node, "`provider`")?;
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(word) {
            return Some(text);
        }
        let message = format!("`{}` is not the name of a login", shortened(&text));
        let help =
            "write the name of a `[[login]]` of the server, or `scim` for provisioned groups";
        desk.error(node.at, "bad_value", message, help);
        None
    });
    let group = table.required(desk, "group").and_then(|node| {
        let text = desk.loose_text(node, "`group`")?;
        let plain = (1..=256).contains(&text.chars().count())
            && !text.contains(['*', '?'])
            && !text.chars().any(char::is_control)
            && text.trim() == text;
        if !plain {
            let message = format!("`{}` is not the name of a group", shortened(&text));
            desk.error(node.at, "bad_value", message, HELP);
        }
        plain.then_some(text)
    });
    let roles = person::roles(desk, &table);
    let (Some(name), Some(provider), Some(group)) = (name, provider, group) else { return };
    if roles.is_empty() {
        let message = format!("the mapping `{name}` gives no role");
        desk.error(node.at, "missing_key", message, "name at least one under `roles`");
        return;
    }
    let mapping = GroupMapping { name, provider, group, roles };
    desk.findings.items.push(Item::GroupMapping(mapping));
}
