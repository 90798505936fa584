//! Patches (RFC 7644, 3.5.2), with the habits of those who send them: `Add` for `add`, truth as text, no path and
//! dotted names instead, members to be removed named in the value.

use serde_json::{Map, Value};

use super::filter::{Filter, member};
use super::path::Path;
use crate::problem::Problem;
use crate::status;

/// Operations of one patch at the most.
const OPERATIONS: usize = 200;

/// What a provider sends.
#[derive(Debug)]
pub(super) struct PatchRequest {
    operations: Vec<Operation>,
}

impl PatchRequest {
    /// Reads what was sent. Letters' case of names does not count.
    pub(super) fn read(sent: &Value) -> Result<Self, Problem> {
        let wrong = |why: String| Problem::of(&status::SCIM_SYNTAX, why);
        let operations = member(sent, "Operations").and_then(Value::as_array);
        let operations = operations.ok_or_else(|| wrong("`Operations` is missing".into()))?;
        if operations.len() > OPERATIONS {
            return Err(wrong(format!("there are more than {OPERATIONS} operations")));
        }
        let read = |one: &Value| {
            let op = member(one, "op").and_then(Value::as_str).map(str::to_owned);
            let op = op.ok_or_else(|| wrong("an operation has no `op`".into()))?;
            let value = member(one, "value").cloned().unwrap_or_default();
            let path = match member(one, "path") {
                None | Some(Value::Null) => None,
                Some(Value::String(path)) => Some(path.clone()),
                Some(_) => return Err(wrong("`path` is a text".into())),
            };
            Ok(Operation { op, path, value })
        };
        let operations: Result<Vec<Operation>, Problem> = operations.iter().map(read).collect();
        Ok(Self { operations: operations? })
    }
}

#[derive(Debug)]
struct Operation {
    op: String,
    path: Option<String>,
    value: Value,
}

/// An attribute that we have.
pub(super) struct Known {
    /// As we write it.
    pub(super) name: &'static str,
    /// How it is made.
    pub(super) form: Form,
}

/// How an attribute is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    One,
    Parts(&'static [&'static str]),
    Many(&'static [&'static str]),
    /// Given by us.
    Ours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Add,
    Replace,
    Remove,
}

/// Alters a resource. Attributes that we do not have are passed over.
pub(super) fn apply(
    resource: &mut Map<String, Value>,
    request: PatchRequest,
    known: &[Known],
) -> Result<(), Problem> {
    let count = request.operations.len();
    if count == 0 || count > OPERATIONS {
        let detail = format!("`Operations` has 1 to {OPERATIONS} operations");
        return Err(Problem::of(&status::SCIM_SYNTAX, detail));
    }
    for Operation { op, path, value } in request.operations {
        let deed = match op.to_ascii_lowercase().as_str() {
            "add" => Deed::Add,
            "replace" => Deed::Replace,
            "remove" => Deed::Remove,
            _ => return Err(Problem::of(&status::SCIM_SYNTAX, "`op` is add, replace or remove")),
        };
        match (path.as_deref().filter(|path| !path.is_empty()), deed) {
            (Some(path), _) => one(resource, deed, &Path::read(path)?, value, known, true)?,
            (None, Deed::Remove) => return Err(no_target("`remove` needs a path")),
            (None, _) => {
                let Value::Object(members) = value else {
                    return Err(Problem::of(
                        &status::SCIM_SYNTAX,
                        "without a path, `value` is an object",
                    ));
                };
                for (name, value) in members.into_iter().filter(|(name, _)| !is_ours(name)) {
                    // Some put a path in the place of a name.
                    one(resource, deed, &Path::read(&name)?, value, known, false)?;
                }
            }
        }
    }
    Ok(())
}

fn is_ours(name: &str) -> bool {
    name.eq_ignore_ascii_case("schemas") || name.to_ascii_lowercase().starts_with("urn:")
}

fn one(
    resource: &mut Map<String, Value>,
    deed: Deed,
    path: &Path,
    value: Value,
    known: &[Known],
    named: bool,
) -> Result<(), Problem> {
    let Some(attribute) = known.iter().find(|one| one.name.eq_ignore_ascii_case(&path.name)) else {
        return Ok(());
    };
    let name = attribute.name;
    match attribute.form {
        Form::Ours if named => {
            Err(Problem::of(&status::SCIM_MUTABILITY, format!("`{name}` is given by this server")))
        }
        Form::Ours => Ok(()),
        Form::One => {
            if deed == Deed::Remove {
                resource.remove(name);
            } else {
                resource.insert(name.to_owned(), value);
            }
            Ok(())
        }
        Form::Parts(parts) => {
            part(resource, deed, attribute.name, parts, path.sub.as_deref(), value);
            Ok(())
        }
        Form::Many(parts) => many(resource, deed, name, parts, path, value),
    }
}

fn part(
    resource: &mut Map<String, Value>,
    deed: Deed,
    name: &str,
    parts: &[&str],
    sub: Option<&str>,
    value: Value,
) {
    if deed == Deed::Remove && sub.is_none() {
        resource.remove(name);
        return;
    }
    let whole = resource.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !whole.is_object() {
        *whole = Value::Object(Map::new());
    }
    let Some(whole) = whole.as_object_mut() else { return };
    let given = match sub {
        Some(sub) => vec![(sub.to_owned(), value)],
        None => match value {
            Value::Object(members) => members.into_iter().collect(),
            _ => Vec::new(),
        },
    };
    for (given, value) in given {
        let Some(part) = parts.iter().find(|part| part.eq_ignore_ascii_case(&given)) else {
            continue;
        };
        if deed == Deed::Remove || value.is_null() {
            whole.remove(*part);
        } else {
            whole.insert((*part).to_owned(), value);
        }
    }
    if whole.is_empty() {
        resource.remove(name);
    }
}

fn many(
    resource: &mut Map<String, Value>,
    deed: Deed,
    name: &str,
    parts: &[&str],
    path: &Path,
    value: Value,
) -> Result<(), Problem> {
    let mut all = match resource.remove(name) {
        Some(Value::Array(all)) => all,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let done = match (&path.only, &path.sub) {
        (None, None) => {
            whole(&mut all, deed, value);
            Ok(())
        }
        (only, sub) => some(&mut all, deed, parts, only.as_ref(), sub.as_deref(), value),
    };
    if !all.is_empty() {
        resource.insert(name.to_owned(), Value::Array(all));
    }
    done
}

/// The whole list: set, added to, emptied, or without those that the value names.
fn whole(all: &mut Vec<Value>, deed: Deed, value: Value) {
    let given = match value {
        Value::Array(given) => given,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let id = |value: &Value| match value {
        Value::Object(_) => member(value, "value").and_then(Value::as_str).map(str::to_owned),
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    match deed {
        Deed::Replace => *all = given,
        Deed::Remove if given.is_empty() => all.clear(),
        Deed::Remove => {
            let gone: std::collections::BTreeSet<_> = given.iter().filter_map(id).collect();
            all.retain(|one| id(one).is_none_or(|one| !gone.contains(&one)));
        }
        Deed::Add => {
            let mut there: std::collections::BTreeSet<_> = all.iter().filter_map(id).collect();
            all.extend(given.into_iter().filter(|one| id(one).is_none_or(|one| there.insert(one))));
        }
    }
}

/// Those of the list that a filter finds.
fn some(
    all: &mut Vec<Value>,
    deed: Deed,
    parts: &[&str],
    only: Option<&Filter>,
    sub: Option<&str>,
    value: Value,
) -> Result<(), Problem> {
    let found = |one: &Value| only.is_none_or(|only| only.holds(one));
    if deed == Deed::Remove && sub.is_none() {
        all.retain(|one| !found(one));
        return Ok(());
    }
    let given = match (sub, value) {
        (Some(sub), value) => vec![(sub.to_owned(), value)],
        (None, Value::Object(members)) => members.into_iter().collect(),
        (None, value) => vec![("value".to_owned(), value)],
    };
    if !all.iter().any(found) && deed != Deed::Remove {
        // What would be found if it were there is made, where the filter says what it is like.
        let demands = only.and_then(Filter::demands).filter(|_| sub.is_some() || deed == Deed::Add);
        let Some(demands) = demands else { return Err(no_target("nothing is found there")) };
        let like = demands.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
        all.push(Value::Object(named(like, parts)));
    }
    for one in all.iter_mut().filter(|one| found(one)) {
        let Some(one) = one.as_object_mut() else { continue };
        for (name, value) in named(given.iter().cloned(), parts) {
            if deed == Deed::Remove || value.is_null() {
                one.remove(&name);
            } else {
                one.insert(name, value);
            }
        }
    }
    all.retain(|one| one.as_object().is_none_or(|one| one.contains_key("value")));
    Ok(())
}

/// Parts as we write them, without those that we do not have.
fn named(given: impl Iterator<Item = (String, Value)>, parts: &[&str]) -> Map<String, Value> {
    let known = given.filter_map(|(name, value)| {
        let part = parts.iter().find(|part| part.eq_ignore_ascii_case(&name))?;
        Some(((*part).to_owned(), value))
    });
    known.collect()
}

fn no_target(why: &str) -> Problem {
    Problem::of(&status::SCIM_NO_TARGET, why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::user::KNOWN;
    use super::*;

    fn check(before: Value, operations: Value, after: Result<Value, &str>) {
        let request = PatchRequest::read(&json!({"Operations": operations})).expect("a patch");
        let Value::Object(mut resource) = before else { panic!("an object") };
        let done = apply(&mut resource, request, KNOWN);
        match after {
            Ok(after) => {
                assert_eq!(done.map(|()| Value::Object(resource)).ok(), Some(after), "{operations}")
            }
            Err(code) => assert_eq!(done.expect_err("refused").code, code, "{operations}"),
        }
    }

    #[test]
    fn patches_alter_what_they_name() {
        let ada = || {
            json!({"userName": "ada", "active": true, "name": {"givenName": "Ada"},
            "emails": [{"value": "a@x.example", "type": "work"}]})
        };
        let with = |name: &str, value: Value| {
            let mut ada = ada();
            ada[name] = value;
            ada
        };
        for (operations, after) in [
            (
                json!([{"op": "Replace", "path": "active", "value": "False"}]),
                with("active", json!("False")),
            ),
            (json!([{"op": "replace", "value": {"active": false}}]), with("active", json!(false))),
            (
                json!([{"op": "Add", "value": {"name.familyName": "L"}}]),
                with("name", json!({"givenName": "Ada", "familyName": "L"})),
            ),
            (
                json!([{"op": "replace", "path": "name", "value": {"familyname": "L", "nick": "x"}}]),
                with("name", json!({"givenName": "Ada", "familyName": "L"})),
            ),
            (
                json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@x.example"}]),
                with("emails", json!([{"value": "b@x.example", "type": "work"}])),
            ),
            (
                json!([{"op": "add", "path": "emails[type eq \"home\"].value", "value": "h@x.example"}]),
                with(
                    "emails",
                    json!([{"value": "a@x.example", "type": "work"},
                    {"type": "home", "value": "h@x.example"}]),
                ),
            ),
            (json!([{"op": "add", "path": "emails", "value": [{"value": "a@x.example"}]}]), ada()),
            (
                json!([{"op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                "value": "x"}]),
                ada(),
            ),
            (
                json!([{"op": "add", "value": {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {}}}]),
                ada(),
            ),
            (json!([{"op": "remove", "path": "emails[type eq \"home\"]"}]), ada()),
        ] {
            check(ada(), operations, Ok(after));
        }
        let mut without = ada();
        without.as_object_mut().expect("an object").remove("emails");
        for path in ["emails", "emails[type eq \"work\"]", "emails[value co \"x\"]", "emails.value"]
        {
            check(ada(), json!([{"op": "remove", "path": path}]), Ok(without.clone()));
        }
        check(
            ada(),
            json!([{"op": "remove", "path": "emails", "value": [{"value": "a@x.example"}]}]),
            Ok(without),
        );
    }

    #[test]
    fn what_cannot_be_altered_is_refused() {
        for (operation, code) in [
            (json!({"op": "move", "path": "active"}), "scim_syntax"),
            (json!({"op": "remove"}), "scim_no_target"),
            (json!({"op": "replace", "value": "x"}), "scim_syntax"),
            (json!({"op": "replace", "path": "id", "value": "x"}), "scim_mutability"),
            (json!({"op": "replace", "path": "emails[", "value": "x"}), "scim_path"),
            (json!({"op": "replace", "path": "emails[type zz 1]", "value": "x"}), "scim_filter"),
            (
                json!({"op": "replace", "path": "emails[value co \"q\"]", "value": {"type": "x"}}),
                "scim_no_target",
            ),
        ] {
            check(json!({"userName": "ada"}), json!([operation]), Err(code));
        }
        check(json!({}), json!([]), Err("scim_syntax"));
    }
}
