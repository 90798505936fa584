//! `teams`: people who answer for services together.

use sluice_core::ids::TeamName;
use sluice_core::organisation::{Item, ItemKind, Team};

use crate::desk::Desk;
use crate::yaml::Node;

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let Some(table) = desk.table(node, "a team", &["name", "title", "members"]) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: TeamName = desk.name(&text, node.at)?;
        desk.declare(ItemKind::Team, &text, &text, node.at).then_some(name)
    });
    let title = desk.text_of(&table, "title");
    let mut members = std::collections::BTreeSet::new();
    for (handle, at) in desk.texts_of(&table, "members") {
        let by = match &name {
            Some(name) => format!("the team `{name}` has the member"),
            None => "a team has the member".to_owned(),
        };
        members.extend(desk.person(&handle, at, by));
    }
    if let Some(name) = name {
        desk.findings.items.push(Item::Team(Team { name, title, members }));
    }
}
