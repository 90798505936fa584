//! `settings`: what holds for the whole organisation.

use std::collections::BTreeSet;

use sluice_core::organisation::{
    Authorship, Item, ItemKind, Settings, Stages, SubjectIs, Subjects, Together,
};

use super::{globs, set};
use crate::desk::{Desk, Table};
use crate::duration::Unit;
use crate::yaml::{Node, Value};
use crate::zone::check_zone;

const KEYS: &[&str] = &[
    "title",
    "production_branches",
    "production_environment",
    "pass",
    "pass_minutes",
    "debt_limit",
    "debt",
    "debt_days",
    "review",
    "review_hours",
    "outcome",
    "outcome_hours",
    "zone",
    "business_hours",
    "business_days",
    "stages",
    "authorship",
    "provisioned_login",
    "approve_together",
    "second_person",
    "second_factor",
    "cool_off",
    "cool_off_minutes",
];

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    if node.is_null() {
        return;
    }
    let Some(table) = desk.table(node, "the settings", KEYS) else { return };
    if !desk.declare(ItemKind::Settings, "settings", "settings", node.at) {
        return;
    }
    let mut settings = Settings { title: desk.text_of(&table, "title"), ..Settings::default() };
    if table.get("production_branches").is_some() {
        let branches = desk.texts_of(&table, "production_branches");
        settings.production_branches = globs(desk, branches);
    }
    if let Some(node) = table.get("production_environment")
        && let Some(name) = desk.text(node, "`production_environment`")
    {
        settings.production_environment = desk.name(&name, node.at);
        let by = "`production_environment` names".to_owned();
        desk.refer(ItemKind::Environment, &name, node.at, by);
    }
    if let Some(node) = table.get("second_person") {
        let words = &[("always", Some(true)), ("never", Some(false)), ("when-possible", None)];
        let text = desk.text(node, "`second_person`").unwrap_or_default();
        let word = desk.word_of(&text, node.at, "`second_person`", words);
        settings.second_person = word.unwrap_or_default();
    }
    if let Some(node) = table.get("second_factor") {
        let words = &[("required", true), ("optional", false)];
        let text = desk.text(node, "`second_factor`").unwrap_or_default();
        let word = desk.word_of(&text, node.at, "`second_factor`", words);
        settings.second_factor = word.unwrap_or_default();
    }
    if let Some(node) = table.get("authorship") {
        let word = desk.text(node, "`authorship`");
        let read = word.and_then(|word| desk.word_of(&word, node.at, "`authorship`", AUTHORSHIP));
        settings.authorship = read.unwrap_or_default();
    }
    if let Some(node) = table.get("provisioned_login") {
        settings.provisioned_login = subjects(desk, node);
    }
    if let Some(node) = table.get("approve_together") {
        let word = desk.text(node, "`approve_together`");
        let read =
            word.and_then(|word| desk.word_of(&word, node.at, "`approve_together`", TOGETHER));
        settings.approve_together = read.unwrap_or_default();
    }
    read_numbers(desk, &table, &mut settings);
    read_time_of_day(desk, &table, &mut settings);
    if let Some(node) = table.get("stages")
        && let Some(stages) = desk.table(node, "the stages", &["deploy", "verify"])
    {
        let (deploy, verify) = (desk.texts_of(&stages, "deploy"), desk.texts_of(&stages, "verify"));
        settings.stages = Stages { deploy: globs(desk, deploy), verify: globs(desk, verify) };
    }
    // Settings that say nothing new are no item: the organisation has them already.
    if settings != Settings::default() {
        desk.findings.items.push(Item::Settings(settings));
    }
}

/// By which issuer people who are provisioned come in, and as whom.
fn subjects(desk: &mut Desk<'_>, node: &Node) -> Option<Subjects> {
    let words = &[("external_id", SubjectIs::ExternalId), ("user_name", SubjectIs::UserName)];
    let table = desk.table(node, "`provisioned_login`", &["issuer", "subject"])?;
    let at = table.required(desk, "issuer")?;
    let issuer = desk.text(at, "`issuer`")?;
    if !issuer.starts_with("http") || issuer.len() > 512 {
        let help = "write it exactly as its tokens say, such as `https://login.example.org`";
        desk.error(at.at, "bad_value", "this is not an issuer", help);
        return None;
    }
    let subject = match table.get("subject") {
        Some(node) => desk.word(node, "`subject`", words)?,
        None => SubjectIs::default(),
    };
    Some(Subjects { issuer, subject })
}

fn read_numbers(desk: &mut Desk<'_>, table: &Table<'_>, settings: &mut Settings) {
    if let Some(minutes) = desk.counted(table, "pass", "pass_minutes", Unit::Minutes, 1..=15) {
        settings.pass_minutes = minutes;
    }
    if let Some(node) = table.get("debt_limit")
        && let Some(limit) = desk.number(node, "`debt_limit`", 0..=1_000)
    {
        settings.debt_limit = limit;
    }
    if let Some(days) = desk.counted(table, "debt", "debt_days", Unit::Days, 1..=365) {
        settings.debt_days = days;
    }
    if let Some(minutes) =
        desk.counted(table, "cool_off", "cool_off_minutes", Unit::Minutes, 0..=10_080)
    {
        settings.cool_off_minutes = minutes;
    }
    if let Some(hours) = desk.counted(table, "review", "review_hours", Unit::Hours, 1..=8_760) {
        settings.review_hours = hours;
    }
    if let Some(hours) = desk.counted(table, "outcome", "outcome_hours", Unit::Hours, 1..=8_760) {
        settings.outcome_hours = hours;
    }
}

fn read_time_of_day(desk: &mut Desk<'_>, table: &Table<'_>, settings: &mut Settings) {
    if let Some(node) = table.get("zone")
        && let Some(zone) = desk.text(node, "`zone`")
        && check_zone(desk, &zone, node.at)
    {
        settings.zone = zone;
    }
    if let Some(node) = table.get("business_hours")
        && let Some(hours) = business_hours(desk, node)
    {
        settings.business_hours = hours;
    }
    if let Some(node) = table.get("business_days") {
        settings.business_days = business_days(desk, node);
    }
}

/// `[8, 18]` or `8-18`.
fn business_hours(desk: &mut Desk<'_>, node: &Node) -> Option<(u8, u8)> {
    let help = "write the first hour and the first that is not part of it, such as `[8, 18]`";
    let numbers: Vec<u32> = match &node.value {
        Value::List(items) => {
            let what = "an hour of `business_hours`";
            items.iter().filter_map(|item| desk.number(item, what, 0..=24)).collect()
        }
        Value::Scalar { .. } | Value::Map(_) | Value::Broken => {
            desk.wrong_type(node, "`business_hours` must be a list of two hours", help);
            return None;
        }
    };
    match numbers.as_slice() {
        [from, to] if from < to => Some((u8::try_from(*from).ok()?, u8::try_from(*to).ok()?)),
        _ => {
            desk.error(
                node.at,
                "bad_value",
                "`business_hours` are two hours, the later last",
                help,
            );
            None
        }
    }
}

const AUTHORSHIP: &[(&str, Authorship)] =
    &[("required", Authorship::Required), ("reported", Authorship::Reported)];

const TOGETHER: &[(&str, Together)] =
    &[("never", Together::Never), ("low", Together::Low), ("medium", Together::Medium)];

const DAYS: &[(&str, u8)] =
    &[("mon", 1), ("tue", 2), ("wed", 3), ("thu", 4), ("fri", 5), ("sat", 6), ("sun", 7)];

/// `[mon, tue]`.
fn business_days(desk: &mut Desk<'_>, node: &Node) -> BTreeSet<u8> {
    let texts = set(desk.texts(node, "`business_days`"));
    let read = |text: &String| desk.word_of(&text.to_lowercase(), node.at, "`business_days`", DAYS);
    texts.iter().filter_map(read).collect()
}
