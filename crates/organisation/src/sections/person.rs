//! `people`: human beings, their identities, roles and delegates.

use std::collections::BTreeSet;

use sluice_core::ids::{IdentityKey, PersonId};
use sluice_core::organisation::{Item, ItemKind, Person, RoleGrant, login_of};

use super::{is_short_word, scope};
use crate::desk::{Desk, Table, shortened};
use crate::findings::{IdentityRecord, PersonRecord};
use crate::keys::normalise_identity;
use crate::yaml::{Node, Position};

const KEYS: &[&str] = &[
    "handle",
    "name",
    "emails",
    "accounts",
    "logins",
    "provisioned_as",
    "roles",
    "claims",
    "delegates",
];
const HANDLE_HELP: &str =
    "1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit";

/// A person before their identities have keys.
pub(crate) struct PersonDraft {
    pub(crate) handle: String,
    pub(crate) name: String,
    pub(crate) identities: Vec<(&'static str, String, Position)>,
    pub(crate) roles: Vec<RoleGrant>,
    pub(crate) claims: BTreeSet<String>,
    pub(crate) delegates: BTreeSet<PersonId>,
}

pub(super) fn read(desk: &mut Desk<'_>, node: &Node) {
    let Some(table) = desk.table(node, "a person", KEYS) else { return };
    let handle = table.required(desk, "handle").and_then(|node| {
        let text = desk.text(node, "`handle`")?;
        declare_handle(desk, &text, node.at).then_some(text)
    });
    let name = desk.text_of(&table, "name");
    let identities = identities(desk, &table);
    let roles = roles(desk, &table);
    let claims = claims(desk, &table);
    let delegates = delegates(desk, &table, handle.as_deref().unwrap_or_default());
    let Some(handle) = handle else { return };
    record_person(desk, PersonDraft { handle, name, identities, roles, claims, delegates });
}

/// Checks a handle and notes that it is declared. Letters' case does not tell people apart.
pub(crate) fn declare_handle(desk: &mut Desk<'_>, handle: &str, at: Position) -> bool {
    if !is_handle(handle) {
        let message = format!("`{}` is not a handle", shortened(handle));
        desk.error(at, "bad_name", message, HANDLE_HELP);
        return false;
    }
    let id = desk.keys.person(handle);
    desk.declare(ItemKind::Person, &handle.to_lowercase(), id.as_str(), at)
}

/// Gives a person their keys and adds them to the findings.
pub(crate) fn record_person(desk: &mut Desk<'_>, draft: PersonDraft) {
    let id = desk.keys.person(&draft.handle);
    let mut keys = BTreeSet::new();
    let mut records = Vec::new();
    for (kind, value, at) in draft.identities {
        let value = normalise_identity(kind, &value);
        let key = desk.keys.identity(kind, &value);
        if take_identity(desk, &key, &draft.handle, at) && keys.insert(key.clone()) {
            records.push(IdentityRecord { kind: kind.to_owned(), value, key });
        }
    }
    let (handle, name) = (draft.handle, draft.name);
    desk.findings.people.push(PersonRecord { id: id.clone(), handle, name, identities: records });
    let (roles, claims, delegates) = (draft.roles, draft.claims, draft.delegates);
    desk.findings.items.push(Item::Person(Person {
        id,
        identities: keys,
        roles,
        claims,
        delegates,
    }));
}

fn take_identity(desk: &mut Desk<'_>, key: &IdentityKey, handle: &str, at: Position) -> bool {
    let place = desk.place(at);
    if let Some((other, first)) = desk.findings.identities.get(key) {
        let message = format!("this identity already belongs to `{other}`, see {first}");
        desk.error(at, "shared_identity", message, "an identity belongs to one person, once");
        return false;
    }
    desk.findings.identities.insert(key.clone(), (handle.to_owned(), place));
    true
}

fn identities(desk: &mut Desk<'_>, table: &Table<'_>) -> Vec<(&'static str, String, Position)> {
    let mut identities = Vec::new();
    for (email, at) in desk.texts_of(table, "emails") {
        if is_email(&email) {
            identities.push(("email", email, at));
        } else {
            let help = "write an address such as `alice@example.org`";
            desk.error(at, "bad_identity", "this is not a mail address", help);
        }
    }
    for (account, at) in desk.texts_of(table, "accounts") {
        if is_account(&account) {
            identities.push(("account", account, at));
        } else {
            let help = "write the system and the name there, such as `github:alice-a`";
            desk.error(at, "bad_identity", "this is not an account", help);
        }
    }
    for (user_name, at) in desk.texts_of(table, "provisioned_as") {
        if is_user_name(&user_name) {
            identities.push(("user_name", user_name, at));
        } else {
            let help = "write the `userName` by which the provider of identities keeps the person";
            desk.error(at, "bad_identity", "this is not a user name", help);
        }
    }
    if let Some(node) = table.get("logins") {
        for item in desk.list(node, "`logins`") {
            identities.extend(login(desk, item).map(|login| ("login", login, item.at)));
        }
    }
    identities
}

/// A user name as providers keep it (SCIM).
fn is_user_name(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Who somebody is for a provider of identities: its issuer and the subject there, both exactly as its tokens say.
fn login(desk: &mut Desk<'_>, node: &Node) -> Option<String> {
    let table = desk.table(node, "a login", &["issuer", "subject"])?;
    let issuer = table.required(desk, "issuer").and_then(|node| desk.text(node, "`issuer`"));
    let subject =
        table.required(desk, "subject").and_then(|node| desk.loose_text(node, "`subject`"));
    let (issuer, subject) = (issuer?, subject?);
    if !issuer.starts_with("http") || subject.is_empty() || subject.len() > 255 {
        let help = "write such as `{issuer: \"https://login.example.org\", subject: 00u1ab2c3}`";
        desk.error(node.at, "bad_identity", "this is not a login", help);
        return None;
    }
    Some(login_of(&issuer, &subject))
}

pub(super) fn roles(desk: &mut Desk<'_>, table: &Table<'_>) -> Vec<RoleGrant> {
    let Some(node) = table.get("roles") else { return Vec::new() };
    let mut roles = Vec::new();
    for item in desk.list(node, "`roles`") {
        let given = match item.scalar() {
            Some(_) => desk.text(item, "a role").map(|role| (role, item.at, None)),
            None => desk.table(item, "a role", &["role", "scope"]).and_then(|table| {
                let node = table.required(desk, "role")?;
                Some((desk.text(node, "`role`")?, node.at, table.get("scope")))
            }),
        };
        let Some((role, at, scope)) = given else { continue };
        let scope = scope.map(|node| scope::read(desk, node)).unwrap_or_default();
        if is_short_word(&role) {
            roles.push(RoleGrant { role, scope });
        } else {
            let message = format!("`{}` is not a role", shortened(&role));
            desk.error(at, "bad_name", message, "write a word such as `change_manager`");
        }
    }
    roles
}

fn claims(desk: &mut Desk<'_>, table: &Table<'_>) -> BTreeSet<String> {
    let mut claims = BTreeSet::new();
    for (claim, at) in desk.texts_of(table, "claims") {
        claims.extend(check_claim(desk, claim, at));
    }
    claims
}

/// A claim as an identity provider would assert it.
pub(super) fn check_claim(desk: &mut Desk<'_>, claim: String, at: Position) -> Option<String> {
    let sound = claim.len() <= 256 && claim.split_once('=').is_some_and(|(key, _)| !key.is_empty());
    if !sound {
        let message = format!("`{}` is not a claim", shortened(&claim));
        desk.error(at, "bad_value", message, "write `name=value`, such as `department=finance`");
    }
    sound.then_some(claim)
}

fn delegates(desk: &mut Desk<'_>, table: &Table<'_>, handle: &str) -> BTreeSet<PersonId> {
    let mut delegates = BTreeSet::new();
    for (delegate, at) in desk.texts_of(table, "delegates") {
        if delegate.eq_ignore_ascii_case(handle) {
            let message = format!("`{handle}` cannot be their own delegate");
            desk.error(at, "delegate_to_self", message, "name somebody else, or nobody");
            continue;
        }
        delegates.extend(desk.person(&delegate, at, format!("`{handle}` delegates to")));
    }
    delegates
}

impl Desk<'_> {
    /// The id of somebody who is named by handle and has to be declared.
    pub(crate) fn person(&mut self, handle: &str, at: Position, by: String) -> Option<PersonId> {
        if !is_handle(handle) {
            let message = format!("`{}` is not a handle", shortened(handle));
            self.error(at, "bad_name", message, HANDLE_HELP);
            return None;
        }
        self.refer(ItemKind::Person, &handle.to_lowercase(), at, by);
        Some(self.keys.person(handle))
    }
}

pub(crate) fn is_handle(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

pub(crate) fn is_email(text: &str) -> bool {
    let odd =
        |letter: char| letter.is_whitespace() || letter.is_control() || "<>,;".contains(letter);
    text.len() <= 254
        && !text.contains(odd)
        && text.rsplit_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.starts_with('.')
        })
}

fn is_account(text: &str) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control();
    text.len() <= 254
        && !text.contains(odd)
        && text
            .split_once(':')
            .is_some_and(|(realm, name)| is_short_word(realm) && !name.is_empty())
}
