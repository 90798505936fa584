//! A group, as it is written.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sluice_core::ids::ProvisionedId;
use sluice_core::provision::Group;
use sluice_engine::GroupWish;

use super::filter::member;
use super::patch::{Form, Known};
use super::user::{bad, text};
use super::wire;
use crate::problem::Problem;

/// Name of the schema.
pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Members of one group at the most.
const MEMBERS: usize = 10_000;

/// What is kept of a group.
pub(super) const KNOWN: &[Known] = &[
    Known { name: "displayName", form: Form::One },
    Known { name: "externalId", form: Form::One },
    Known { name: "members", form: Form::Many(&["value", "type", "display", "$ref"]) },
    Known { name: "id", form: Form::Ours },
    Known { name: "meta", form: Form::Ours },
];

/// Makes what was sent, or patched, into the one form.
pub(super) fn read(sent: &Value) -> Result<GroupWish, Problem> {
    let name = text(sent, "displayName", 256)?.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| bad("`displayName` is needed"))?;
    let external_id = text(sent, "externalId", 256)?.filter(|id| !id.is_empty());
    let given = match member(sent, "members") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(given)) => given.iter().collect(),
        Some(_) => return Err(bad("`members` is a list")),
    };
    if given.len() > MEMBERS {
        return Err(bad(format!("there are more than {MEMBERS} members")));
    }
    let id = |one: &Value| {
        let value = text(one, "value", 64)?;
        let id = value.and_then(|value| ProvisionedId::parse(&value).ok());
        id.ok_or_else(|| bad("each of `members` has the id of a user as `value`"))
    };
    let members: Result<BTreeSet<ProvisionedId>, Problem> = given.into_iter().map(id).collect();
    Ok(GroupWish { name, external_id, members: members? })
}

/// A group as it is shown.
pub(super) fn write(id: &ProvisionedId, group: &Group, base: &str, with_members: bool) -> Value {
    let mut shown = kept(group, with_members);
    if let Some(Value::Array(members)) = shown.get_mut("members") {
        for member in members {
            let id = member["value"].as_str().unwrap_or_default().to_owned();
            member["$ref"] = format!("{base}/Users/{id}").into();
        }
    }
    shown.insert("schemas".into(), json!([SCHEMA]));
    shown.insert("id".into(), id.as_str().into());
    let location = format!("{base}/Groups/{id}");
    let times = (group.since, group.changed);
    shown.insert("meta".into(), wire::meta("Group", &location, times, group.version));
    Value::Object(shown)
}

/// What is kept of a group, as a patch begins with it.
pub(super) fn kept(group: &Group, with_members: bool) -> Map<String, Value> {
    let mut kept = Map::new();
    kept.insert("displayName".into(), group.set.name.clone().into());
    if let Some(id) = &group.set.external_id {
        kept.insert("externalId".into(), id.clone().into());
    }
    if with_members && !group.members.is_empty() {
        let members = group.members.iter().map(|id| json!({"value": id, "type": "User"}));
        kept.insert("members".into(), members.collect());
    }
    kept
}
