//! Assets of Jira Service Management: objects of one type, whose attributes have ids, and a search that lags.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Neighbour, Said, Seen};

/// The object type that there is.
const TYPE: &str = "23";

/// An object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Id.
    pub id: u64,
    /// Values by the names of their attributes.
    pub values: BTreeMap<String, String>,
    visible_at: Timestamp,
}

/// A workspace.
#[derive(Debug)]
pub struct JiraAssets {
    /// Objects.
    pub objects: Vec<Object>,
    /// Names of the attributes; their ids are 101 and what follows.
    pub attributes: Vec<&'static str>,
    /// Attributes that are not taken, as where a rule of the schema sets them.
    pub refused: Vec<&'static str>,
    /// For so many seconds a new object is not found by a search.
    pub search_lag_s: i64,
    counted: u64,
}

impl Default for JiraAssets {
    fn default() -> Self {
        Self {
            objects: Vec::new(),
            attributes: vec!["Name", "Sluice key", "Owner team", "Tier", "Notes"],
            refused: Vec::new(),
            search_lag_s: 0,
            counted: 0,
        }
    }
}

impl JiraAssets {
    /// The objects with a value of an attribute.
    pub fn of(&self, name: &str, value: &str) -> Vec<&Object> {
        let of = |object: &&Object| object.values.get(name).is_some_and(|known| known == value);
        self.objects.iter().filter(of).collect()
    }

    /// Somebody makes an object by hand; gives its id.
    pub fn add(&mut self, values: &[(&str, &str)], now: Timestamp) -> u64 {
        self.counted += 1;
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let lag = SignedDuration::from_secs(self.search_lag_s);
        let visible_at = now.checked_add(lag).unwrap_or(now);
        self.objects.push(Object { id: self.counted, values: values.collect(), visible_at });
        self.counted
    }

    fn name_of(&self, id: &Value) -> Option<&'static str> {
        let id = id.as_str().and_then(|id| id.parse::<usize>().ok())?;
        self.attributes.get(id.checked_sub(101)?).copied()
    }

    /// The values that a body gives; none where it names an attribute that there is not.
    fn given(&self, body: &Value) -> Option<Vec<(&'static str, String)>> {
        let listed = body["attributes"].as_array()?.iter().map(|one| {
            let name = self.name_of(&one["objectTypeAttributeId"])?;
            let value = one.pointer("/objectAttributeValues/0/value")?.as_str()?;
            Some((name, value.to_owned()))
        });
        let given = listed.collect::<Option<Vec<_>>>()?;
        Some(given.into_iter().filter(|(name, _)| !self.refused.contains(name)).collect())
    }

    fn shown(&self, object: &Object) -> Value {
        let attributes = (101..).zip(&self.attributes).filter_map(|(id, name)| {
            let value = object.values.get(*name)?;
            // What refers to something else has no plain value.
            let values = match *name {
                "Tier" => json!([{ "displayValue": value, "searchValue": value }]),
                _ => json!([{ "value": value, "displayValue": value }]),
            };
            Some(
                json!({ "objectTypeAttributeId": id.to_string(), "objectAttributeValues": values }),
            )
        });
        json!({
            "id": object.id.to_string(), "objectKey": format!("SVC-{}", object.id),
            "objectType": { "id": TYPE }, "attributes": attributes.collect::<Vec<_>>(),
        })
    }

    /// `objectTypeId = 23 AND "Sluice key" = "payments"`.
    fn search(&self, seen: &Seen, now: Timestamp) -> Said {
        let body = seen.json();
        let query = body["qlQuery"].as_str().unwrap_or_default();
        let parts: Vec<&str> = query.split('"').collect();
        let [head, name, " = ", value, ""] = parts.as_slice() else { return problem(400) };
        if *head != format!("objectTypeId = {TYPE} AND ") || !self.attributes.contains(name) {
            return problem(400);
        }
        let found = self.of(name, value).into_iter().filter(|object| object.visible_at <= now);
        let values: Vec<Value> = found.map(|object| self.shown(object)).collect();
        Said::json(
            200,
            &json!({ "startAt": 0, "maxResults": 50, "total": values.len(), "isLast": true, "values": values }),
        )
    }

    fn create(&mut self, seen: &Seen, now: Timestamp) -> Said {
        let body = seen.json();
        let Some(given) = self.given(&body).filter(|_| body["objectTypeId"] == TYPE) else {
            return problem(400);
        };
        if !given.iter().any(|(name, _)| *name == "Name") {
            return problem(400);
        }
        let given: Vec<(&str, &str)> =
            given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let id = self.add(&given, now);
        Said::json(201, &json!({ "id": id.to_string(), "objectKey": format!("SVC-{id}") }))
    }

    fn update(&mut self, id: &str, seen: &Seen) -> Said {
        let Some(given) = self.given(&seen.json()) else { return problem(400) };
        let found = self.objects.iter_mut().find(|object| object.id.to_string() == id);
        let Some(object) = found else { return problem(404) };
        object.values.extend(given.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let shown = object.clone();
        Said::json(200, &self.shown(&shown))
    }
}

impl Neighbour for JiraAssets {
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said {
        if seen.headers.get("authorization").is_none_or(|shown| !shown.starts_with("Basic ")) {
            return problem(401);
        }
        let parts = seen.parts();
        let Some(rest) = parts.strip_prefix(["jsm", "assets", "workspace", "w1", "v1"].as_slice())
        else {
            return problem(404);
        };
        match (seen.method.as_str(), rest) {
            ("GET", ["objecttype", TYPE, "attributes"]) => {
                let listed = (101..).zip(&self.attributes);
                let listed = listed.map(|(id, name)| json!({ "id": id.to_string(), "name": name }));
                Said::json(200, &Value::Array(listed.collect()))
            }
            ("POST", ["object", "aql"]) => self.search(seen, now),
            ("POST", ["object", "create"]) => self.create(seen, now),
            ("GET", ["object", id]) => {
                match self.objects.iter().find(|object| object.id.to_string() == *id) {
                    Some(object) => Said::json(200, &self.shown(object)),
                    None => problem(404),
                }
            }
            ("PUT", ["object", id]) => self.update(id, seen),
            _ => problem(404),
        }
    }

    fn again(&mut self, seen: &Seen, now: Timestamp) {
        if seen.path.ends_with("/object/create") {
            self.create(seen, now);
        }
    }

    fn alters(&self, seen: &Seen) -> bool {
        seen.method != "GET" && !seen.path.ends_with("/object/aql")
    }
}

fn problem(status: u16) -> Said {
    Said::json(status, &json!({ "errorMessages": ["no"], "errors": {} }))
}
