//! People in lists: by handle, where the list has their opaque id.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Client, encode};

/// The most people that are looked up for one list.
const MOST: usize = 100;

/// Puts handles in place of the ids at `pointer` of each row, for people to read. Whoever cannot be looked up (erased, or not
/// to be seen with this token) stays an id; JSON has the ids in any case.
pub(crate) fn name(client: &Client, answer: &mut Value, pointer: &str, as_json: bool) {
    if as_json {
        return;
    }
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let rows = answer.get_mut("items").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten() {
        let Some(shown) = row.pointer_mut(pointer) else { continue };
        let Some(id) = shown.as_str().filter(|id| id.starts_with("person/")) else { continue };
        if known.len() >= MOST && !known.contains_key(id) {
            continue;
        }
        let handle = known.entry(id.to_owned()).or_insert_with_key(|id| handle_of(client, id));
        if let Some(handle) = handle {
            *shown = Value::from(handle.as_str());
        }
    }
}

fn handle_of(client: &Client, id: &str) -> Option<String> {
    let (_, part) = id.split_once('/')?;
    let card = client.get(&format!("/api/v1/people/{}", encode(part))).ok()?;
    let handle = card.get("handle").and_then(Value::as_str)?;
    (!handle.is_empty()).then(|| handle.to_owned())
}
