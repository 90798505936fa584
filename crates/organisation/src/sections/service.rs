//! `services`: what users consume.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::ids::{EnvironmentName, ServiceName, TeamName};
use sluice_core::organisation::{Item, ItemKind, Service};

use super::globs;
use crate::desk::{Desk, Table, shortened};
use crate::yaml::Node;

const KEYS: &[&str] = &[
    "name",
    "title",
    "owner",
    "tier",
    "class",
    "depends_on",
    "repositories",
    "paths",
    "environments",
    "labels",
    "controlled",
];

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let Some(table) = desk.table(node, "a service", KEYS) else { return };
    let name = table.required(desk, "name").and_then(|node| {
        let text = desk.text(node, "`name`")?;
        let name: ServiceName = desk.name(&text, node.at)?;
        desk.declare(ItemKind::Service, &text, &text, node.at).then_some(name)
    });
    let shown = name.as_ref().map_or_else(String::new, ToString::to_string);
    let told = name.as_ref().map_or_else(|| "a service".to_owned(), |name| format!("`{name}`"));
    let owner = table.required(desk, "owner").and_then(|node| {
        let text = desk.text(node, "`owner`")?;
        let owner: TeamName = desk.name(&text, node.at)?;
        desk.refer(ItemKind::Team, &text, node.at, format!("{told} is owned by"));
        Some(owner)
    });
    let title = desk.text_of(&table, "title");
    let tier = table.get("tier").and_then(|node| desk.loose_text(node, "`tier`"));
    let class = table.get("class").and_then(|node| desk.text(node, "`class`"));
    let depends_on = depends_on(desk, &table, &shown, &told);
    let repositories = repositories(desk, &table);
    let paths = desk.texts_of(&table, "paths");
    let paths = globs(desk, paths);
    let environments = environments(desk, &table, &told);
    let labels = labels(desk, &table);
    let controlled = desk.truth_of(&table, "controlled", true);
    let (Some(name), Some(owner)) = (name, owner) else { return };
    desk.findings.items.push(Item::Service(Box::new(Service {
        name,
        title,
        owner,
        tier: tier.unwrap_or_default(),
        class: class.unwrap_or_default(),
        depends_on,
        repositories,
        paths,
        environments,
        labels,
        controlled,
    })));
}

fn depends_on(
    desk: &mut Desk<'_>,
    table: &Table<'_>,
    shown: &str,
    told: &str,
) -> BTreeSet<ServiceName> {
    let mut names = BTreeSet::new();
    for (text, at) in desk.texts_of(table, "depends_on") {
        let Some(name) = desk.name::<ServiceName>(&text, at) else { continue };
        desk.refer(ItemKind::Service, &text, at, format!("{told} depends on"));
        desk.part(ItemKind::Service, shown, &text, at);
        names.insert(name);
    }
    names
}

fn environments(desk: &mut Desk<'_>, table: &Table<'_>, told: &str) -> BTreeSet<EnvironmentName> {
    let mut names = BTreeSet::new();
    for (text, at) in desk.texts_of(table, "environments") {
        let Some(name) = desk.name::<EnvironmentName>(&text, at) else { continue };
        desk.refer(ItemKind::Environment, &text, at, format!("{told} runs in"));
        names.insert(name);
    }
    names
}

fn repositories(desk: &mut Desk<'_>, table: &Table<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (text, at) in desk.texts_of(table, "repositories") {
        match repository_name(&text) {
            Some(name) => {
                names.insert(name);
            }
            None => {
                let message = format!("`{}` is not a repository", shortened(&text));
                let help = "write host and path, such as `github.com/acme/payments`";
                desk.error(at, "bad_repository", message, help);
            }
        }
    }
    names
}

fn labels(desk: &mut Desk<'_>, table: &Table<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    if let Some(node) = table.get("labels") {
        for entry in desk.pairs(node, "`labels`") {
            let value = desk.loose_text(&entry.value, "the value of a label");
            labels.extend(value.map(|value| (entry.key.clone(), value)));
        }
    }
    labels
}

/// A repository as `host/path` in lower case, from that form, a web address or `git@host:path`.
pub(crate) fn repository_name(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = match url::Url::parse(text) {
        Ok(address) if address.has_host() => {
            let host = address.host_str()?.to_owned();
            let port = address.port().filter(|_| !address.scheme().contains("ssh"));
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{host}{port}{}", address.path())
        }
        _ => match text.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
            Some((host, path)) => format!("{host}/{path}"),
            None => text.to_owned(),
        },
    };
    let plain = plain.trim_end_matches('/');
    let name = plain.strip_suffix(".git").unwrap_or(plain).to_lowercase();
    let odd =
        |letter: char| letter.is_whitespace() || letter.is_control() || "\\?#@$".contains(letter);
    let host = name.split('/').next().unwrap_or_default();
    let sound = name.len() <= 512
        && !name.contains(odd)
        && name.split('/').count() >= 2
        && name.split('/').all(|part| !part.is_empty() && part != "..")
        && (host.contains('.') || host.contains(':') || host == "localhost");
    sound.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_have_one_way_of_writing() {
        for (text, name) in [
            ("github.com/Acme/Payments", Some("github.com/acme/payments")),
            ("https://github.com/acme/payments.git", Some("github.com/acme/payments")),
            ("https://git.example.org:8443/a/b/c/", Some("git.example.org:8443/a/b/c")),
            ("git@gitlab.com:acme/web.git", Some("gitlab.com/acme/web")),
            ("ssh://git@git.example.org:2222/acme/web.git", Some("git.example.org/acme/web")),
            ("acme/payments", None),
            ("github.com", None),
            ("github.com//payments", None),
            ("github.com/a b", None),
            ("", None),
        ] {
            assert_eq!(repository_name(text).as_deref(), name, "{text}");
        }
    }
}
