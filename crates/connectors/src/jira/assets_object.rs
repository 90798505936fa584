//! Objects of Assets and their attributes, as far as they are read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_core::effect::ItemCard;

use super::assets_config::{Config, Part};
use crate::kit::answers::{self, not_understood};
use crate::kit::text::is_number;
use crate::tell::{Because, Exchange, Receipt, Step, Trouble};

/// The ids of the attributes that the settings name.
pub(super) struct Attributes {
    pub(super) key: String,
    parts: BTreeMap<Part, String>,
}

impl Attributes {
    /// Reads the attributes of the object type.
    pub(super) fn read<T>(config: &Config, listed: &Exchange) -> Result<Self, Step<T>> {
        let answer = answers::json(listed)?;
        let listed = answer.as_array();
        let listed = listed.ok_or_else(|| not_understood("the answer is no list of attributes"))?;
        let named = |name: &str| {
            let of_name = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(name);
            listed.iter().find(of_name).and_then(|one| id(one.get("id")?))
        };
        let missing = || {
            let detail =
                "the object type has no attribute of a name that `key` or `attributes` says";
            Step::GiveUp(Trouble::new(Because::Client, detail))
        };
        let key = named(&config.key).ok_or_else(missing)?;
        let parts = config.attributes.iter();
        let parts = parts.map(|(part, name)| named(name).map(|id| (*part, id)));
        let parts = parts.collect::<Option<_>>().ok_or_else(missing)?;
        Ok(Self { key, parts })
    }

    pub(super) fn id(&self, part: Part) -> &str {
        self.parts.get(&part).map_or("", String::as_str)
    }

    /// Every attribute of a new object.
    pub(super) fn all(&self, card: &ItemCard) -> Vec<Value> {
        let parts = self.parts.iter().filter(|(_, id)| **id != self.key);
        let parts = parts.map(|(part, id)| Self::one(id, &part.of(card)));
        std::iter::once(Self::one(&self.key, card.service.as_str())).chain(parts).collect()
    }

    /// What an object says otherwise than we do: which part, and what we say.
    pub(super) fn differing(&self, card: &ItemCard, object: &Object) -> Vec<(Part, String)> {
        let parts = self.parts.iter().filter(|(_, id)| **id != self.key);
        let said = parts.map(|(part, id)| (*part, part.of(card), object.value(id)));
        said.filter(|(_, ours, theirs)| ours != theirs)
            .map(|(part, ours, _)| (part, ours))
            .collect()
    }

    /// An attribute with its value, as it is written.
    pub(super) fn one(id: &str, value: &str) -> Value {
        json!({ "objectTypeAttributeId": id, "objectAttributeValues": [{ "value": value }] })
    }
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) id: String,
    /// The first value of each attribute, by its id.
    values: BTreeMap<String, String>,
}

impl Object {
    pub(super) fn read(object: &Value) -> Option<Self> {
        let id = id(object.get("id")?)?;
        let attributes = object.get("attributes").and_then(Value::as_array);
        let values = attributes.into_iter().flatten().filter_map(|one| {
            let id = self::id(one.get("objectTypeAttributeId")?)?;
            let value = one.pointer("/objectAttributeValues/0")?;
            // References and statuses have no plain value.
            let text = ["value", "displayValue"].into_iter().find_map(|name| {
                value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
            });
            Some((id, text?.trim().to_owned()))
        });
        Some(Self { id, values: values.collect() })
    }

    /// What a search found.
    pub(super) fn listed(searched: &Exchange) -> Result<Vec<Self>, Step<Receipt>> {
        let odd = || not_understood("the answer is not a list of objects");
        let answer = answers::json(searched)?;
        let listed = answer.get("values").and_then(Value::as_array).ok_or_else(odd)?;
        listed.iter().map(|object| Self::read(object).ok_or_else(odd)).collect()
    }

    /// Its value of an attribute; empty where it has none.
    pub(super) fn value(&self, attribute: &str) -> &str {
        self.values.get(attribute).map_or("", String::as_str)
    }
}

/// An id is a number, written in either way.
fn id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    is_number(&text).then_some(text)
}
