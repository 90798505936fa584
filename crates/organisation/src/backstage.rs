//! Backstage's `catalog-info.yaml`: components, resources, groups and users.
//!
//! These files are written for another program, so what is not known is passed over. A team or a
//! dependency that nothing declares is a warning, not an error: in a catalogue alone it is the
//! usual case. Format: <https://backstage.io/docs/features/software-catalog/descriptor-format>.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::ids::{ServiceName, TeamName};
use sluice_core::organisation::{Item, ItemKind, Service, Team};

use crate::desk::{Desk, shortened};
use crate::findings::{EntityKind, ImpliedTeam, Membership, SoftDependency};
use crate::sections::{PersonDraft, declare_handle, is_email, record_person, repository_name};
use crate::yaml::{Node, Position, Scalar, Value};

/// Types of resources that are services to somebody, and the class they have.
const RESOURCE_CLASSES: &[(&str, &str)] = &[
    ("database", "database"),
    ("db", "database"),
    ("postgres", "database"),
    ("postgresql", "database"),
    ("mysql", "database"),
    ("cache", "cache"),
    ("redis", "cache"),
    ("queue", "queue"),
    ("topic", "queue"),
    ("kafka-topic", "queue"),
    ("message-broker", "queue"),
    ("bucket", "storage"),
    ("s3-bucket", "storage"),
    ("gcs-bucket", "storage"),
    ("storage", "storage"),
    ("search", "search"),
    ("kubernetes-cluster", "infrastructure"),
    ("cluster", "infrastructure"),
    ("infrastructure", "infrastructure"),
];

/// Whether a document is an entity of Backstage.
pub(crate) fn is_entity(document: &Node) -> bool {
    let version = document.member("apiVersion").and_then(Node::scalar);
    matches!(version, Some(Scalar::Text(text)) if text.starts_with("backstage.io/"))
        && document.member("kind").is_some()
}

/// Reads an entity; kinds that mean nothing to us are passed over.
pub(crate) fn read(desk: &mut Desk<'_>, document: &Node) {
    let kind = text_at(document, &["kind"]).unwrap_or_default();
    let class = match kind.as_str() {
        "Component" => component_class(&text_at(document, &["spec", "type"]).unwrap_or_default()),
        "Resource" => {
            let given = text_at(document, &["spec", "type"]).unwrap_or_default();
            match RESOURCE_CLASSES.iter().find(|(name, _)| *name == given) {
                Some((_, class)) => (*class).to_owned(),
                None => return,
            }
        }
        "Group" | "User" => String::new(),
        _ => return,
    };
    let Some(Named { name, at }) = name_of(desk, document) else { return };
    match kind.as_str() {
        "Group" => read_group(desk, document, &name, at),
        "User" => read_user(desk, document, &name, at),
        "Resource" => {
            read_service(desk, document, &name, at, class);
            desk.findings.entities.entry(name).or_insert(EntityKind::Resource);
        }
        _ => {
            read_service(desk, document, &name, at, class);
            desk.findings.entities.entry(name).or_insert(EntityKind::Component);
        }
    }
}

struct Named {
    name: String,
    at: Position,
}

/// `metadata.name`, with the namespace before it unless that is the default one.
fn name_of(desk: &mut Desk<'_>, document: &Node) -> Option<Named> {
    let metadata = document.member("metadata").filter(|node| !node.is_null());
    let Some(node) = metadata.and_then(|node| node.member("name")) else {
        let at = metadata.map_or(document.at, |node| node.at);
        let message = "`metadata.name` of an entity is missing";
        desk.error(at, "missing_key", message, "add `name: ...` below `metadata:`");
        return None;
    };
    let text = desk.loose_text(node, "`metadata.name`")?;
    if is_placeholder(&text) {
        let message = "the entity is passed over: its name is yet to be filled in";
        let help = "keep templates outside of the organisation's folder";
        desk.warn(node.at, "placeholder", message, help);
        return None;
    }
    Some(Named { name: within(&namespace_of(document), &text), at: node.at })
}

/// The namespace of an entity; empty for the default one.
fn namespace_of(document: &Node) -> String {
    let said = text_at(document, &["metadata", "namespace"]);
    said.filter(|namespace| !is_default(namespace)).unwrap_or_default()
}

fn is_default(namespace: &str) -> bool {
    namespace.is_empty() || namespace.eq_ignore_ascii_case("default")
}

/// A name within a namespace, which stands before it unless it is the default one.
fn within(namespace: &str, name: &str) -> String {
    if is_default(namespace) { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn read_service(desk: &mut Desk<'_>, document: &Node, name: &str, at: Position, class: String) {
    let Some(service) = desk.name::<ServiceName>(name, at) else { return };
    if !desk.declare(ItemKind::Service, name, name, at) {
        return;
    }
    let Some(owner) = owner(desk, document, at) else { return };
    let (repositories, paths) = sources(document);
    soft_dependencies(desk, document, name);
    let mut labels: BTreeMap<String, String> = pairs_at(document, &["metadata", "labels"]);
    let system = text_at(document, &["spec", "system"]);
    let system = system.map(|text| EntityRef::parse(&text, "system", document).name);
    let lifecycle = text_at(document, &["spec", "lifecycle"]);
    for (key, value) in [("lifecycle", lifecycle), ("system", system)] {
        if let Some(value) = value {
            labels.entry(key.to_owned()).or_insert(value);
        }
    }
    desk.findings.items.push(Item::Service(Box::new(Service {
        name: service,
        title: text_at(document, &["metadata", "title"]).unwrap_or_default(),
        owner,
        tier: tier(document),
        class,
        depends_on: BTreeSet::new(),
        repositories,
        paths,
        environments: BTreeSet::new(),
        labels,
        controlled: true,
    })));
}

fn component_class(given: &str) -> String {
    match given {
        "service" => "api".to_owned(),
        "website" => "frontend".to_owned(),
        other => other.to_owned(),
    }
}

/// The team that owns an entity. A user who owns something stands as a team of one.
fn owner(desk: &mut Desk<'_>, document: &Node, entity: Position) -> Option<TeamName> {
    let spec = document.member("spec");
    let Some(node) = spec.and_then(|spec| spec.member("owner")).filter(|node| !node.is_null())
    else {
        let at = spec.map_or(entity, |node| node.at);
        let help = "add `owner: group:...` below `spec:`";
        desk.error(at, "missing_key", "`spec.owner` of an entity is missing", help);
        return None;
    };
    let text = desk.loose_text(node, "`spec.owner`")?;
    let reference = EntityRef::parse(&text, "group", document);
    let (name, person) = match reference.kind.as_str() {
        "user" => (format!("user/{}", reference.name), Some(reference.name)),
        _ => (reference.name, None),
    };
    let team: TeamName = desk.name(&name, node.at)?;
    imply_team(desk, &team, node.at, person);
    Some(team)
}

fn imply_team(desk: &mut Desk<'_>, team: &TeamName, at: Position, person: Option<String>) {
    let at = desk.place(at);
    desk.findings.implied_teams.entry(team.clone()).or_insert(ImpliedTeam { at, person });
}

fn soft_dependencies(desk: &mut Desk<'_>, document: &Node, service: &str) {
    let needs = document.member("spec").and_then(|spec| spec.member("dependsOn"));
    for (text, at) in needs.map(texts_of).unwrap_or_default() {
        let reference = EntityRef::parse(&text, "component", document);
        let kind = match reference.kind.as_str() {
            "component" => EntityKind::Component,
            "resource" => EntityKind::Resource,
            _ => continue,
        };
        let Some(needs) = desk.name::<ServiceName>(&reference.name, at) else { continue };
        let (service, at) = (service.to_owned(), desk.place(at));
        desk.findings.soft_dependencies.push(SoftDependency { service, needs, at, kind });
    }
}

fn read_group(desk: &mut Desk<'_>, document: &Node, name: &str, at: Position) {
    let Some(team) = desk.name::<TeamName>(name, at) else { return };
    if !desk.declare(ItemKind::Team, name, name, at) {
        return;
    }
    let title = text_at(document, &["spec", "profile", "displayName"])
        .or_else(|| text_at(document, &["metadata", "title"]));
    let mut members = BTreeSet::new();
    let listed = document.member("spec").and_then(|spec| spec.member("members"));
    for (text, at) in listed.map(texts_of).unwrap_or_default() {
        let handle = EntityRef::parse(&text, "user", document).name;
        members.extend(desk.person(&handle, at, format!("the team `{name}` has the member")));
    }
    let title = title.unwrap_or_default();
    desk.findings.items.push(Item::Team(Team { name: team, title, members }));
}

fn read_user(desk: &mut Desk<'_>, document: &Node, name: &str, at: Position) {
    if !declare_handle(desk, name, at) {
        return;
    }
    let mut identities = Vec::new();
    if let Some(email) = text_at(document, &["spec", "profile", "email"]).filter(|it| is_email(it))
    {
        identities.push(("email", email, at));
    }
    let annotations = pairs_at(document, &["metadata", "annotations"]);
    for (key, realm) in [("github.com/user-login", "github"), ("gitlab.com/user-login", "gitlab")] {
        if let Some(login) = annotations.get(key).filter(|login| !login.is_empty()) {
            identities.push(("account", format!("{realm}:{login}"), at));
        }
    }
    let person = desk.keys.person(name);
    let groups = document.member("spec").and_then(|spec| spec.member("memberOf"));
    for (text, at) in groups.map(texts_of).unwrap_or_default() {
        let Some(team) =
            desk.name::<TeamName>(&EntityRef::parse(&text, "group", document).name, at)
        else {
            continue;
        };
        imply_team(desk, &team, at, None);
        desk.findings.memberships.push(Membership { team, person: person.clone() });
    }
    let (roles, claims, delegates) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let full = text_at(document, &["spec", "profile", "displayName"]).unwrap_or_default();
    let handle = name.to_owned();
    record_person(desk, PersonDraft { handle, name: full, identities, roles, claims, delegates });
}

/// `metadata.labels.tier`, or an annotation `tier` or `.../tier`.
fn tier(document: &Node) -> String {
    let labels = pairs_at(document, &["metadata", "labels"]);
    let annotations = pairs_at(document, &["metadata", "annotations"]);
    let is_tier = |key: &str| key == "tier" || key.ends_with("/tier");
    let mut all = labels.into_iter().chain(annotations);
    all.find(|(key, _)| is_tier(key)).map(|(_, value)| value).unwrap_or_default()
}

/// Repositories, and patterns of the paths within them, that an entity's annotations name.
fn sources(document: &Node) -> (BTreeSet<String>, BTreeSet<String>) {
    let annotations = pairs_at(document, &["metadata", "annotations"]);
    let mut repositories = BTreeSet::new();
    let mut paths = BTreeSet::new();
    let gitlab = annotations.get("gitlab.com/instance").map_or("gitlab.com", String::as_str);
    for (key, host) in
        [("github.com/project-slug", "github.com"), ("gitlab.com/project-slug", gitlab)]
    {
        let slug = annotations.get(key).filter(|slug| !is_placeholder(slug));
        repositories.extend(slug.and_then(|slug| repository_name(&format!("{host}/{slug}"))));
    }
    if let Some(location) = annotations.get("backstage.io/source-location") {
        let address = location.strip_prefix("url:").unwrap_or(location);
        let mut parts = ["/-/tree/", "/-/blob/", "/tree/", "/blob/", "/src/"].iter();
        let (address, below) =
            parts.find_map(|mark| address.split_once(mark)).unwrap_or((address, ""));
        repositories.extend(repository_name(address).filter(|_| !is_placeholder(address)));
        // The first part below is the branch.
        let below = below.split_once('/').map_or("", |(_, path)| path).trim_matches('/');
        let pattern = format!("{below}/**");
        if !below.is_empty() && globset::Glob::new(&pattern).is_ok() {
            paths.insert(pattern);
        }
    }
    (repositories, paths)
}

/// `[kind:][namespace/]name`; without a namespace it is that of the entity that refers, for every kind of reference
/// (<https://backstage.io/docs/features/software-catalog/descriptor-format>).
struct EntityRef {
    kind: String,
    name: String,
}

impl EntityRef {
    fn parse(text: &str, default_kind: &str, referring: &Node) -> Self {
        let (kind, rest) = text.trim().split_once(':').unwrap_or((default_kind, text.trim()));
        let name = match rest.split_once('/') {
            Some((namespace, name)) => within(namespace, name),
            None => within(&namespace_of(referring), rest),
        };
        Self { kind: kind.to_lowercase(), name }
    }
}

fn is_placeholder(text: &str) -> bool {
    text.contains("${{") || text.contains("{{")
}

fn text_at(node: &Node, path: &[&str]) -> Option<String> {
    let node = path.iter().try_fold(node, |node, key| node.member(key))?;
    match &node.value {
        Value::Scalar { text, .. } if !node.is_null() => Some(shortened(text.trim())),
        Value::Scalar { .. } | Value::List(_) | Value::Map(_) | Value::Broken => None,
    }
}

fn texts_of(node: &Node) -> Vec<(String, Position)> {
    let Value::List(items) = &node.value else { return Vec::new() };
    let read = |item: &Node| match &item.value {
        Value::Scalar { text, .. } => Some((text.trim().to_owned(), item.at)),
        Value::List(_) | Value::Map(_) | Value::Broken => None,
    };
    items.iter().filter_map(read).collect()
}

fn pairs_at(node: &Node, path: &[&str]) -> BTreeMap<String, String> {
    let Some(node) = path.iter().try_fold(node, |node, key| node.member(key)) else {
        return BTreeMap::new();
    };
    let Value::Map(entries) = &node.value else { return BTreeMap::new() };
    let read = |entry: &crate::yaml::Entry| match &entry.value.value {
        Value::Scalar { text, .. } if text.len() <= 1_024 => {
            Some((entry.key.clone(), text.trim().to_owned()))
        }
        Value::Scalar { .. } | Value::List(_) | Value::Map(_) | Value::Broken => None,
    };
    entries.iter().filter_map(read).collect()
}
