//! A person, as they are written: the one form of what providers send, and nothing of what is not needed here.

use serde_json::{Map, Value, json};
use sluice_engine::{UserRecord, UserWish};

use super::filter::member;
use super::patch::{Form, Known};
use super::wire;
use crate::problem::Problem;
use crate::status;

/// Name of the schema.
pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Addresses of one person at the most.
const EMAILS: usize = 20;

/// What is kept of a person. The rest is passed over: what is not kept cannot leak.
pub(super) const KNOWN: &[Known] = &[
    Known { name: "userName", form: Form::One },
    Known { name: "externalId", form: Form::One },
    Known { name: "displayName", form: Form::One },
    Known { name: "active", form: Form::One },
    Known { name: "name", form: Form::Parts(&["formatted", "familyName", "givenName"]) },
    Known { name: "emails", form: Form::Many(&["value", "display", "type", "primary"]) },
    Known { name: "id", form: Form::Ours },
    Known { name: "meta", form: Form::Ours },
    Known { name: "groups", form: Form::Ours },
];

/// What it means that nothing is said about `active`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// Whoever is made, or set as a whole, is active.
    Active,
    /// Whoever had it removed is not, until it is set again: removing a word opens no door.
    Inactive,
}

/// Makes what was sent, or patched, into the one form.
pub(super) fn read(sent: &Value, absent: Absent) -> Result<UserWish, Problem> {
    let mut kept = Map::new();
    let user_name = text(sent, "userName", 256)?.filter(|name| !name.trim().is_empty());
    let user_name = user_name.ok_or_else(|| bad("`userName` is needed"))?;
    kept.insert("userName".into(), user_name.clone().into());
    let external_id = text(sent, "externalId", 256)?.filter(|id| !id.is_empty());
    if let Some(id) = &external_id {
        kept.insert("externalId".into(), id.clone().into());
    }
    let display = text(sent, "displayName", 256)?;
    if let Some(display) = &display {
        kept.insert("displayName".into(), display.clone().into());
    }
    let name = name(sent)?;
    let full = full_name(&name);
    if !name.is_empty() {
        kept.insert("name".into(), Value::Object(name));
    }
    let emails = emails(sent)?;
    let addresses: Vec<String> =
        emails.iter().filter_map(|one| one.get("value")?.as_str().map(str::to_owned)).collect();
    if !emails.is_empty() {
        kept.insert("emails".into(), emails.into_iter().map(Value::Object).collect());
    }
    let said = truth(sent, "active")?;
    let active = said.unwrap_or(absent == Absent::Active);
    if said.is_some() || active {
        kept.insert("active".into(), active.into());
    }
    let body = serde_json::to_string(&kept).unwrap_or_default();
    let shown = display.or(full).filter(|name| !name.is_empty());
    Ok(UserWish {
        name: shown.unwrap_or_else(|| user_name.clone()),
        user_name,
        external_id,
        emails: addresses,
        active,
        body,
    })
}

/// A person as they are shown.
pub(super) fn write(record: &UserRecord, base: &str) -> Value {
    let mut shown = kept(record);
    shown.insert("schemas".into(), json!([SCHEMA]));
    shown.insert("id".into(), record.id.as_str().into());
    if !record.groups.is_empty() {
        let groups = record.groups.iter().map(|(id, name)| {
            json!({"value": id, "$ref": format!("{base}/Groups/{id}"), "display": name, "type": "direct"})
        });
        shown.insert("groups".into(), groups.collect());
    }
    let location = format!("{base}/Users/{}", record.id);
    shown.insert("meta".into(), wire::meta("User", &location, record.times(), record.user.version));
    Value::Object(shown)
}

/// What was kept of a person, as a patch begins with it.
pub(super) fn kept(record: &UserRecord) -> Map<String, Value> {
    serde_json::from_str(&record.body).unwrap_or_default()
}

fn name(sent: &Value) -> Result<Map<String, Value>, Problem> {
    let mut kept = Map::new();
    let Some(name) = member(sent, "name").filter(|name| !name.is_null()) else { return Ok(kept) };
    if !name.is_object() {
        return Err(bad("`name` is an object"));
    }
    for part in ["formatted", "familyName", "givenName"] {
        if let Some(text) = text(name, part, 256)? {
            kept.insert(part.into(), text.into());
        }
    }
    Ok(kept)
}

fn full_name(name: &Map<String, Value>) -> Option<String> {
    let part = |key: &str| name.get(key).and_then(Value::as_str);
    part("formatted").map(str::to_owned).or_else(|| {
        let parts: Vec<&str> =
            [part("givenName"), part("familyName")].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    })
}

fn emails(sent: &Value) -> Result<Vec<Map<String, Value>>, Problem> {
    let given = match member(sent, "emails") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(given)) => given,
        Some(_) => return Err(bad("`emails` is a list")),
    };
    if given.len() > EMAILS {
        return Err(bad(format!("there are more than {EMAILS} addresses")));
    }
    let mut kept: Vec<Map<String, Value>> = Vec::new();
    let mut has_primary = false;
    for one in given {
        let value = text(one, "value", 320)?.filter(|value| is_address(value));
        let value = value.ok_or_else(|| bad("each of `emails` has a mail address as `value`"))?;
        if kept.iter().any(|other| other.get("value").and_then(Value::as_str) == Some(&value)) {
            continue;
        }
        let mut email = Map::from_iter([("value".to_owned(), Value::from(value))]);
        for part in ["type", "display"] {
            if let Some(text) = text(one, part, 128)? {
                email.insert(part.into(), text.into());
            }
        }
        if let Some(primary) = truth(one, "primary")? {
            // There is one primary address (RFC 7643, 2.4): the first that says so.
            email.insert("primary".into(), (primary && !has_primary).into());
            has_primary |= primary;
        }
        kept.push(email);
    }
    Ok(kept)
}

fn is_address(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    text.chars().all(plain)
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// A text of a member, of at most so many characters, none of them a control character.
pub(super) fn text(object: &Value, name: &str, most: usize) -> Result<Option<String>, Problem> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let plain = text.chars().count() <= most && !text.chars().any(char::is_control);
            if plain {
                Ok(Some(text.clone()))
            } else {
                Err(bad(format!(
                    "`{name}` has at most {most} characters, none of them a control character"
                )))
            }
        }
        Some(_) => Err(bad(format!("`{name}` is a text"))),
    }
}

/// A truth value; some providers write it as text.
fn truth(object: &Value, name: &str) -> Result<Option<bool>, Problem> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(*truth)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(bad(format!("`{name}` is true or false"))),
    }
}

pub(super) fn bad(why: impl Into<String>) -> Problem {
    Problem::of(&status::SCIM_VALUE, why)
}
