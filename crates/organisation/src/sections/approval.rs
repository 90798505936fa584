//! `approval_rules`: who has to say yes to which changes.

use std::collections::BTreeSet;

use sluice_core::ids::RuleName;
use sluice_core::organisation::{ApprovalRule, Approvers, Item, ItemKind};

use super::{CHANGE_KINDS, RISKS, person, scope, short_words};
use crate::desk::{Desk, Table};
use crate::duration::Unit;
use crate::findings::Dimension;
use crate::yaml::Node;

const KEYS: &[&str] = &[
    "name",
    "reason",
    "scope",
    "min_risk",
    "kinds",
    "approvers",
    "quorum",
    "expires",
    "expires_hours",
    "remind",
    "remind_hours",
    "involved_may_approve",
];
const YEAR_HOURS: u32 = 366 * 24;
/// The team that owns the service in question.
pub(crate) const OWNER: &str = "@owner";

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let Some(table) = desk.table(node, "an approval rule", KEYS) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: RuleName = desk.name(&text, node.at)?;
        desk.declare(ItemKind::ApprovalRule, &text, &text, node.at).then_some(name)
    });
    let shown = name.as_ref().map_or_else(String::new, ToString::to_string);
    let told = name.as_ref().map_or_else(|| "an approval rule".to_owned(), |it| format!("`{it}`"));
    let reason = desk.text_of(&table, "reason");
    let scope = table.get("scope").map(|node| scope::read(desk, node)).unwrap_or_default();
    let min_risk = table.get("min_risk").and_then(|node| desk.word(node, "`min_risk`", RISKS));
    let kinds = words(desk, &table, "kinds", CHANGE_KINDS);
    let involved_may_approve = words(desk, &table, "involved_may_approve", RISKS);
    let approvers = table.required(desk, "approvers").and_then(|node| {
        desk.part(ItemKind::ApprovalRule, &shown, "approvers", table.key_at("approvers"));
        approvers(desk, node, &told)
    });
    let quorum = table.get("quorum").and_then(|node| {
        desk.part(ItemKind::ApprovalRule, &shown, "quorum", node.at);
        desk.number(node, "`quorum`", 1..=100)
    });
    let expires = desk.counted(&table, "expires", "expires_hours", Unit::Hours, 1..=YEAR_HOURS);
    let remind = desk.counted(&table, "remind", "remind_hours", Unit::Hours, 0..=YEAR_HOURS);
    let (Some(name), Some(approvers)) = (name, approvers) else { return };
    desk.findings.items.push(Item::ApprovalRule(ApprovalRule {
        name,
        reason,
        scope,
        min_risk: min_risk.unwrap_or_default(),
        kinds,
        approvers,
        quorum: quorum.unwrap_or(1),
        expires_hours: expires.unwrap_or(7 * 24),
        remind_hours: remind.unwrap_or(0),
        involved_may_approve,
    }));
}

fn words<T: Copy + Ord>(
    desk: &mut Desk<'_>,
    table: &Table<'_>,
    key: &str,
    words: &[(&str, T)],
) -> BTreeSet<T> {
    let given = desk.texts_of(table, key);
    let what = format!("`{key}`");
    given.iter().filter_map(|(text, at)| desk.word_of(text, *at, &what, words)).collect()
}

fn approvers(desk: &mut Desk<'_>, node: &Node, told: &str) -> Option<Approvers> {
    let known = &["persons", "teams", "roles", "claims"];
    let table = desk.table(node, "the approvers", known)?;
    let mut approvers = Approvers::default();
    for (handle, at) in desk.texts_of(&table, "persons") {
        approvers.persons.extend(desk.person(&handle, at, format!("{told} asks for")));
    }
    for (team, at) in desk.texts_of(&table, "teams") {
        if team != OWNER {
            if desk.name::<sluice_core::ids::TeamName>(&team, at).is_none() {
                continue;
            }
            desk.refer(ItemKind::Team, &team, at, format!("{told} asks for the team"));
        }
        approvers.teams.insert(team);
    }
    let roles = desk.texts_of(&table, "roles");
    for (role, at) in &roles {
        desk.mention(Dimension::Role, role, *at);
    }
    approvers.roles = short_words(desk, roles, "a role");
    for (claim, at) in desk.texts_of(&table, "claims") {
        desk.mention(Dimension::Claim, &claim, at);
        approvers.claims.extend(person::check_claim(desk, claim, at));
    }
    Some(approvers)
}
