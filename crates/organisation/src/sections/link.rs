//! `links`: configured connectors. What the settings mean is checked by whoever knows connectors;
//! the places of all their values are kept for that.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Map, Number, Value as Json};
use sluice_core::effect::{Subject, Subscription};
use sluice_core::ids::LinkName;
use sluice_core::organisation::{Item, ItemKind, Link, SecretRef};

use super::{is_short_word, scope};
use crate::desk::{Desk, Table, shortened};
use crate::problem::SECRET_IN_FILE;
use crate::yaml::{Node, Position, Scalar, Value};

/// The newest and, while it is being changed, the one before.
const SECRETS_LIMIT: usize = 2;
/// The longest pointer whose place is kept.
const POINTER_LIMIT_BYTES: usize = 256;
/// The most places that are kept.
const PARTS_LIMIT: usize = 100_000;
const SUBJECTS_HELP: &str = "a list of `change`, `approval`, `decision`, `deployment`, `stop`, `incident`, `problem`, `item`, `calendar`";
const SECRET_HELP: &str =
    "name where it is kept: `{env: ACME_SECRET}` or `{file: /run/secrets/acme}`";

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let known =
        &["name", "connector", "secrets", "credentials", "credential_expires", "tell", "settings"];
    let Some(table) = desk.table(node, "a link", known) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: LinkName = desk.name(&text, node.at)?;
        if text.contains('/') {
            let message = format!(
                "the name of a link is one part of addresses, and `{}` has `/`",
                shortened(&text)
            );
            desk.error(node.at, "bad_name", message, "write `-` in its place");
            return None;
        }
        desk.declare(ItemKind::Link, &text, &text, node.at).then_some(name)
    });
    let shown = name.as_ref().map_or("", LinkName::as_str).to_owned();
    let connector = table.required(desk, "connector").and_then(|node| {
        let text = desk.text(node, "`connector`")?;
        desk.part(ItemKind::Link, &shown, "/connector", node.at);
        if !is_short_word(&text) {
            let message = format!("`{}` is not a connector", shortened(&text));
            desk.error(node.at, "bad_name", message, "write its name, such as `github`");
            return None;
        }
        Some(text)
    });
    let tell = table.get("tell").map(|node| subscription(desk, node));
    // Who is only told sends nothing that would have to be verified.
    let is_told_only = tell.is_some() && table.get("secrets").is_none();
    let secrets = if is_told_only { Vec::new() } else { secrets(desk, &table) };
    let credentials = credentials(desk, &table);
    let credential_expires = expiries(desk, &table, &credentials);
    let settings = table.get("settings").map_or(Json::Null, |node| {
        desk.part(ItemKind::Link, &shown, "/settings", node.at);
        refuse_secrets(desk, node);
        json(desk, node, &shown, "/settings")
    });
    let (Some(name), Some(connector)) = (name, connector) else { return };
    let link = Link { name, connector, secrets, credentials, credential_expires, tell, settings };
    desk.findings.items.push(Item::Link(link));
}

fn secrets(desk: &mut Desk<'_>, table: &Table<'_>) -> Vec<SecretRef> {
    let Some(node) = table.get("secrets") else {
        let message = "a link without a secret would believe anybody";
        desk.error(table.key_at("secrets"), "link_without_secret", message, SECRET_HELP);
        return Vec::new();
    };
    let single = std::slice::from_ref(node);
    let nodes = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Scalar { .. } | Value::Map(_) | Value::Broken => single,
    };
    if nodes.is_empty() {
        let message = "a link without a secret would believe anybody";
        desk.error(node.at, "link_without_secret", message, SECRET_HELP);
    }
    if let Some(extra) = nodes.get(SECRETS_LIMIT) {
        let message = format!("a link has at most {SECRETS_LIMIT} secrets");
        let help = "keep the newest and the one before, the newest first";
        desk.error(extra.at, "too_many_secrets", message, help);
    }
    nodes.iter().take(SECRETS_LIMIT).filter_map(|node| secret(desk, node)).collect()
}

/// `tell: [change, decision]`, or with a scope.
fn subscription(desk: &mut Desk<'_>, node: &Node) -> Subscription {
    let (words, scope) = match &node.value {
        Value::Map(_) => {
            let Some(table) = desk.table(node, "`tell`", &["about", "scope"]) else {
                return Subscription::default();
            };
            let scope = table.get("scope").map(|node| scope::read(desk, node));
            (desk.texts_of(&table, "about"), scope.unwrap_or_default())
        }
        Value::List(_) | Value::Scalar { .. } | Value::Broken => {
            (desk.texts(node, "`tell`"), Default::default())
        }
    };
    if words.is_empty() {
        desk.error(node.at, "missing_key", "it is not said what is told", SUBJECTS_HELP);
    }
    let mut about = BTreeSet::new();
    for (word, at) in words {
        match Subject::parse(&word) {
            Some(subject) => drop(about.insert(subject)),
            None => {
                let message = format!("nobody is told of `{}`", shortened(&word));
                desk.error(at, "bad_value", message, SUBJECTS_HELP);
            }
        }
    }
    Subscription { about, scope }
}

fn credentials(desk: &mut Desk<'_>, table: &Table<'_>) -> BTreeMap<String, SecretRef> {
    let Some(node) = table.get("credentials") else { return BTreeMap::new() };
    let mut named = BTreeMap::new();
    for entry in desk.pairs(node, "`credentials`") {
        if !is_short_word(&entry.key) {
            desk.error(entry.key_at, "bad_name", "a credential has a short name", SECRET_HELP);
        } else if let Some(reference) = secret(desk, &entry.value) {
            named.insert(entry.key.clone(), reference);
        }
    }
    named
}

/// `credential_expires: {token: 2026-12-31}`.
fn expiries(
    desk: &mut Desk<'_>,
    table: &Table<'_>,
    credentials: &BTreeMap<String, SecretRef>,
) -> BTreeMap<String, Date> {
    let Some(node) = table.get("credential_expires") else { return BTreeMap::new() };
    let mut named = BTreeMap::new();
    for entry in desk.pairs(node, "`credential_expires`") {
        if !credentials.contains_key(&entry.key) {
            let message = format!("there is no credential `{}`", shortened(&entry.key));
            desk.error(entry.key_at, "bad_name", message, "name one that stands in `credentials`");
            continue;
        }
        let Some(text) = desk.text(&entry.value, "a day") else { continue };
        match text.parse::<Date>() {
            Ok(day) => drop(named.insert(entry.key.clone(), day)),
            Err(_) => {
                let message = format!("`{}` is not a day", shortened(&text));
                desk.error(entry.value.at, "bad_value", message, "write it as `2026-12-31`");
            }
        }
    }
    named
}

/// Settings are recorded; a secret among them would be known to everybody who reads the record.
fn refuse_secrets(desk: &mut Desk<'_>, settings: &Node) {
    let Some(table) = desk.open_table(settings, "the settings of a link") else { return };
    for key in ["secret", "secrets", "token", "password"] {
        if table.get(key).is_some() {
            let message = format!("`{key}` does not belong into the settings");
            let help = format!("{SECRET_HELP}, under `secrets`");
            desk.error(table.key_at(key), SECRET_IN_FILE, message, help);
        }
    }
}

/// Notes the place of a part of the settings, unless it lies too deep to be worth it.
fn note(desk: &mut Desk<'_>, link: &str, pointer: &str, at: Position) {
    if pointer.len() <= POINTER_LIMIT_BYTES && desk.findings.parts.len() < PARTS_LIMIT {
        desk.part(ItemKind::Link, link, pointer, at);
    }
}

/// The value is never quoted: a secret itself may stand where its name should.
fn secret(desk: &mut Desk<'_>, node: &Node) -> Option<SecretRef> {
    if node.scalar().is_some() {
        desk.error(node.at, SECRET_IN_FILE, "a secret is named, not written here", SECRET_HELP);
        return None;
    }
    let table = desk.table(node, "a secret", &["env", "file", "stored"])?;
    if let Some(node) = table.get("stored") {
        if table.entries.len() > 1 {
            let message = "a secret is in one place, not in two";
            desk.error(node.at, "conflicting_keys", message, "keep one of `env`, `file`, `stored`");
            return None;
        }
        let text = desk.text(node, "`stored`")?;
        return desk.name(&text, node.at).map(SecretRef::Stored);
    }
    match (table.get("env"), table.get("file")) {
        (Some(node), None) => {
            let name = desk.text(node, "`env`")?;
            let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            let sound = (1..=128).contains(&name.len()) && name.bytes().all(word);
            if !sound {
                let message = "`env` is not the name of an environment variable";
                desk.error(node.at, "bad_name", message, SECRET_HELP);
            }
            sound.then_some(SecretRef::Env(name))
        }
        (None, Some(node)) => {
            let path = desk.text(node, "`file`")?;
            if path.is_empty() || path.contains('\0') {
                desk.error(node.at, "bad_value", "`file` is not a path", SECRET_HELP);
                return None;
            }
            Some(SecretRef::File(path))
        }
        (Some(_), Some(node)) => {
            let message = "a secret is in one place, not in two";
            desk.error(node.at, "conflicting_keys", message, "keep `env` or `file`");
            None
        }
        (None, None) => {
            desk.error(node.at, "missing_key", "it is not said where the secret is", SECRET_HELP);
            None
        }
    }
}

/// The value as JSON; the place of every part is noted by JSON pointer.
fn json(desk: &mut Desk<'_>, node: &Node, link: &str, pointer: &str) -> Json {
    match &node.value {
        Value::Broken => Json::Null,
        Value::Scalar { .. } => match node.scalar() {
            None | Some(Scalar::Null) => Json::Null,
            Some(Scalar::Bool(truth)) => Json::Bool(truth),
            Some(Scalar::Integer(number)) => Json::Number(number.into()),
            Some(Scalar::Text(text)) => Json::String(text.to_owned()),
            Some(Scalar::Float(number)) => match Number::from_f64(number) {
                Some(number) => Json::Number(number),
                None => {
                    let message = "this number cannot be written as JSON";
                    desk.error(node.at, "bad_value", message, "put it in quotes");
                    Json::Null
                }
            },
        },
        Value::List(items) => {
            let mut values = Vec::new();
            for (position, item) in items.iter().enumerate() {
                let pointer = format!("{pointer}/{position}");
                note(desk, link, &pointer, item.at);
                values.push(json(desk, item, link, &pointer));
            }
            Json::Array(values)
        }
        Value::Map(entries) => {
            let mut members = Map::new();
            for entry in entries {
                let key = entry.key.replace('~', "~0").replace('/', "~1");
                let pointer = format!("{pointer}/{key}");
                note(desk, link, &pointer, entry.key_at);
                members.insert(entry.key.clone(), json(desk, &entry.value, link, &pointer));
            }
            Json::Object(members)
        }
    }
}
