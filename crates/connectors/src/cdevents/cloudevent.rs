//! CloudEvents 1.0: the attributes that are read, checked as the specification demands.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::kit::halt::{Halt, unreadable};
use crate::kit::reading::{need, read};

/// One event with its data as JSON.
pub(crate) struct CloudEvent<'a> {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) data: Option<Cow<'a, [u8]>>,
}

impl<'a> CloudEvent<'a> {
    /// An event of which only text attributes are known (binary mode).
    pub(crate) fn of_attributes(
        attributes: &BTreeMap<String, String>,
        data: &'a [u8],
    ) -> Result<Self, Halt> {
        let content_type = attributes.get("datacontenttype").map(String::as_str);
        let data = (!data.is_empty()).then_some(Cow::Borrowed(data));
        Self::checked(attributes, content_type, data)
    }

    /// An event in its JSON format.
    pub(crate) fn of_json(json: &'a [u8]) -> Result<Self, Halt> {
        let members: BTreeMap<String, &RawValue> = read(json)?;
        let mut attributes = BTreeMap::new();
        for (name, value) in &members {
            if ["data", "data_base64"].contains(&name.as_str()) {
                continue;
            }
            if let Some(text) = attribute(name, value)? {
                attributes.insert(name.clone(), text);
            }
        }
        let given = |name: &str| members.get(name).filter(|value| value.get() != "null");
        let data = match (given("data"), given("data_base64")) {
            (Some(_), Some(_)) => {
                return Err(malformed("`data` and `data_base64` exclude each other"));
            }
            (Some(data), None) => Some(Cow::Borrowed(data.get().as_bytes())),
            (None, Some(data)) => Some(Cow::Owned(decoded(data)?)),
            (None, None) => None,
        };
        let content_type = attributes.get("datacontenttype").cloned();
        Self::checked(&attributes, content_type.as_deref(), data)
    }

    fn checked(
        attributes: &BTreeMap<String, String>,
        content_type: Option<&str>,
        data: Option<Cow<'a, [u8]>>,
    ) -> Result<Self, Halt> {
        let required = |name: &str| -> Result<String, Halt> {
            let value = attributes.get(name).filter(|value| !value.is_empty()).cloned();
            Ok(need(value, name)?)
        };
        if required("specversion")? != "1.0" {
            return Err(unreadable("cloudevents_version", "`specversion` is not `1.0`"));
        }
        if let Some(time) = attributes.get("time")
            && time.parse::<jiff::Timestamp>().is_err()
        {
            return Err(malformed("`time` is not a time by RFC 3339"));
        }
        let event = Self {
            id: required("id")?,
            source: required("source")?,
            kind: required("type")?,
            data,
        };
        match content_type {
            Some(media_type) if event.data.is_some() && !is_json(media_type) => {
                event.without_data()
            }
            _ => Ok(event),
        }
    }

    /// Data of another type can be no CDEvent; for other events it does not matter.
    fn without_data(mut self) -> Result<Self, Halt> {
        if self.kind.starts_with("dev.cdevents") {
            return Err(unreadable("media_type", "the data of the event is not JSON"));
        }
        self.data = None;
        Ok(self)
    }
}

/// The text form of an attribute; `null` stands for an absent one (JSON format, 2.2).
fn attribute(name: &str, value: &RawValue) -> Result<Option<String>, Halt> {
    let well_named = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !well_named {
        return Err(malformed("an attribute's name has other characters than a-z and 0-9"));
    }
    match serde_json::from_str(value.get()) {
        Ok(serde_json::Value::Null) => Ok(None),
        Ok(serde_json::Value::String(text)) => Ok(Some(text)),
        Ok(serde_json::Value::Bool(flag)) => Ok(Some(flag.to_string())),
        Ok(serde_json::Value::Number(number)) => Ok(Some(number.to_string())),
        _ => Err(malformed("an attribute is neither text, number nor boolean")),
    }
}

fn decoded(data: &RawValue) -> Result<Vec<u8>, Halt> {
    let text: Option<String> = serde_json::from_str(data.get()).ok();
    text.and_then(|text| data_encoding::BASE64.decode(text.as_bytes()).ok())
        .ok_or_else(|| malformed("`data_base64` is not Base64"))
}

/// Whether a media type is JSON or built on it.
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

fn malformed(reason: &str) -> Halt {
    unreadable("not_a_cloudevent", reason)
}
