//! `trust`: which pipelines are believed.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::ids::RuleName;
use sluice_core::organisation::{Item, ItemKind, PipelineIssuer, PipelineSystem, TrustRule};
use sluice_core::permission::Permission;

use super::scope;
use crate::desk::{Desk, Table, shortened};
use crate::yaml::Node;

const SYSTEMS: &[(&str, PipelineSystem)] = &[
    ("github", PipelineSystem::Github),
    ("gitlab", PipelineSystem::Gitlab),
    ("jenkins", PipelineSystem::Jenkins),
];

/// What a pipeline may have, and has where a rule does not say.
const PERMISSIONS: [Permission; 3] =
    [Permission::GateEvaluate, Permission::GateRedeem, Permission::DeploymentReport];

const CLAIMS_HELP: &str =
    "name claims with their exact values, such as `repository_id: \"123456\"`";
const VALUES: usize = 50;

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let known = &["name", "issuer", "claims", "scope", "permissions"];
    let Some(table) = desk.table(node, "a trust rule", known) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: RuleName = desk.name(&text, node.at)?;
        desk.declare(ItemKind::TrustRule, &text, &text, node.at).then_some(name)
    });
    let issuer = table.required(desk, "issuer").and_then(|node| issuer(desk, node));
    let claims = table.required(desk, "claims").map(|node| claims(desk, node));
    let scope = table.required(desk, "scope").map(|node| scope::read(desk, node));
    let permissions = permissions(desk, &table);
    let (Some(name), Some(issuer), Some(claims), Some(scope)) = (name, issuer, claims, scope)
    else {
        return;
    };
    let anchors = issuer.system.anchors();
    if !anchors.iter().any(|anchor| claims.contains_key(*anchor)) {
        let message = format!("the rule `{name}` would believe whoever takes a name over");
        let help = format!(
            "name at least one of `{}`: no other can come to have it",
            anchors.join("`, `")
        );
        desk.error(table.key_at("claims"), "trust_without_anchor", message, help);
        return;
    }
    if let Some(other) = differing(desk, &issuer) {
        let url = &issuer.url;
        let message =
            format!("the rules `{other}` and `{name}` say different things of the issuer `{url}`");
        let help =
            "write the same `issuer` in both: its tokens are verified, and taken once, in one way";
        desk.error(table.key_at("issuer"), "trust_issuers_differ", message, help);
    }
    let rule = TrustRule { name, issuer, claims, scope, permissions };
    desk.findings.items.push(Item::TrustRule(rule));
}

/// A rule before that says something else of the same issuer.
fn differing(desk: &Desk<'_>, issuer: &PipelineIssuer) -> Option<RuleName> {
    desk.findings.items.iter().find_map(|item| match item {
        Item::TrustRule(rule) if rule.issuer.url == issuer.url && rule.issuer != *issuer => {
            Some(rule.name.clone())
        }
        _ => None,
    })
}

/// `github`, or a mapping for an instance of one's own.
fn issuer(desk: &mut Desk<'_>, node: &Node) -> Option<PipelineIssuer> {
    if node.scalar().is_some() {
        let system = desk.word(node, "`issuer`", SYSTEMS)?;
        let Some(url) = system.usual_issuer() else {
            let message = format!("`{}` is not one service for all", system.as_str());
            let help = "write `{system: jenkins, url: https://ci.example.org/oidc}`";
            desk.error(node.at, "missing_key", message, help);
            return None;
        };
        return Some(usual(system, url.to_owned()));
    }
    let known = &["system", "url", "keys", "networks", "max_age_minutes"];
    let table = desk.table(node, "an issuer", known)?;
    let system =
        table.required(desk, "system").and_then(|node| desk.word(node, "`system`", SYSTEMS))?;
    let url = match (address(desk, &table, "url"), system.usual_issuer()) {
        (Some(url), _) => url,
        (None, Some(usual)) if table.get("url").is_none() => usual.to_owned(),
        (None, _) => {
            table.required(desk, "url")?;
            return None;
        }
    };
    let mut issuer = usual(system, url);
    if let Some(keys) = address(desk, &table, "keys") {
        issuer.keys = keys;
    }
    for (range, at) in desk.texts_of(&table, "networks") {
        if is_range(&range) {
            issuer.networks.insert(range);
        } else {
            let message = format!("`{}` is not a private range", shortened(&range));
            desk.error(at, "bad_value", message, "write one such as `10.20.0.0/16`");
        }
    }
    if let Some(node) = table.get("max_age_minutes") {
        issuer.max_age_minutes =
            desk.number(node, "`max_age_minutes`", 1..=PipelineIssuer::LONGEST_AGE_MINUTES)?;
    }
    Some(issuer)
}

fn usual(system: PipelineSystem, url: String) -> PipelineIssuer {
    let keys = system.keys_of(&url);
    PipelineIssuer { system, url, keys, networks: BTreeSet::new(), max_age_minutes: 10 }
}

fn address(desk: &mut Desk<'_>, table: &Table<'_>, key: &'static str) -> Option<String> {
    let node = table.get(key)?;
    let text = desk.text(node, &format!("`{key}`"))?;
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
    if rest.is_empty() || rest.starts_with('/') || text.len() > 512 || !rest.chars().all(plain) {
        let message = format!("`{}` is not an address that keys can come from", shortened(&text));
        let help = "write one that begins with `https://`, without user, query and fragment";
        desk.error(node.at, "bad_value", message, help);
        return None;
    }
    Some(text)
}

/// Whether the text reads as a range; whether it may be opened is said where it is opened.
fn is_range(text: &str) -> bool {
    let (address, bits) = text.split_once('/').unwrap_or((text, "0"));
    let letter = |byte: u8| byte.is_ascii_hexdigit() || byte == b'.' || byte == b':';
    let separated = address.contains(['.', ':']) && address.bytes().all(letter);
    separated && bits.parse::<u8>().is_ok_and(|bits| bits <= 128)
}

fn claims(desk: &mut Desk<'_>, node: &Node) -> BTreeMap<String, BTreeSet<String>> {
    let mut claims = BTreeMap::new();
    for entry in desk.pairs(node, "`claims`") {
        let values = match entry.value.scalar() {
            Some(_) => desk
                .loose_text(&entry.value, "the value of a claim")
                .map(|text| vec![(text, entry.value.at)])
                .unwrap_or_default(),
            None => desk.texts(&entry.value, "the values of a claim"),
        };
        let mut accepted = BTreeSet::new();
        for (value, at) in values.into_iter().take(VALUES) {
            if value.is_empty() || value.contains(['*', '?']) {
                let message = format!("`{}` is a pattern", shortened(&value));
                desk.error(at, "trust_with_pattern", message, CLAIMS_HELP);
            } else {
                accepted.insert(value);
            }
        }
        if accepted.is_empty() {
            let message = format!("the claim `{}` has no value", shortened(&entry.key));
            desk.error(entry.key_at, "bad_value", message, CLAIMS_HELP);
        }
        claims.insert(entry.key.clone(), accepted);
    }
    claims
}

fn permissions(desk: &mut Desk<'_>, table: &Table<'_>) -> BTreeSet<String> {
    let mut permissions = BTreeSet::new();
    for (name, at) in desk.texts_of(table, "permissions") {
        let known = PERMISSIONS.into_iter().find(|permission| permission.as_str() == name);
        match known {
            Some(permission) => drop(permissions.insert(permission.as_str().to_owned())),
            None => {
                let message = format!("a pipeline's session cannot have `{}`", shortened(&name));
                let help = "it can have `gate.evaluate`, `gate.redeem` and `deployment.report`";
                desk.error(at, "bad_value", message, help);
            }
        }
    }
    if table.get("permissions").is_none() {
        permissions.extend(PERMISSIONS.map(|permission| permission.as_str().to_owned()));
    }
    permissions
}
