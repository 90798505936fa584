//! How CloudEvents travel in HTTP (HTTP protocol binding 1.0.3): which mode a delivery is in, and
//! the events in it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::cdevents::cloudevent::{CloudEvent, is_json};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, unreadable};
use crate::kit::limits::Limits;
use crate::kit::percent;
use crate::kit::reading::{check, read};

/// How the events of a delivery are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Attributes in headers, data in the body.
    Binary,
    /// One event as JSON.
    Structured,
    /// An array of events as JSON.
    Batch,
    /// A CDEvent without CloudEvents around it, as simple scripts send it.
    Bare,
}

/// The mode; the batch prefix is tested before the one that it begins with.
pub(crate) fn mode(delivery: &Delivery) -> Result<Mode, Halt> {
    let media_type = delivery.media_type().unwrap_or_default();
    if media_type.starts_with("application/cloudevents") {
        let batch = media_type.starts_with("application/cloudevents-batch");
        if !["application/cloudevents+json", "application/cloudevents-batch+json"]
            .contains(&media_type.as_str())
        {
            let reason = "only the JSON format of CloudEvents is understood";
            return Err(unreadable("media_type", reason));
        }
        return Ok(if batch { Mode::Batch } else { Mode::Structured });
    }
    if delivery.headers.iter().any(|(name, _)| name.starts_with("ce-")) {
        return Ok(Mode::Binary);
    }
    if is_json(&media_type) {
        return Ok(Mode::Bare);
    }
    let reason = "neither `Content-Type` nor `ce-` headers say that this is an event";
    Err(unreadable("event_header_missing", reason))
}

/// What a body without headers most likely is.
pub(crate) fn guess(body: &[u8]) -> Option<&'static str> {
    check(body, &Limits::HOOK).ok()?;
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    match value {
        serde_json::Value::Array(_) => Some("application/cloudevents-batch+json"),
        value if value.get("specversion").is_some() => Some("application/cloudevents+json"),
        value if value.get("context").is_some() => Some("application/json"),
        _ => None,
    }
}

/// The event whose attributes stand in `ce-` headers.
pub(crate) fn binary(delivery: &Delivery) -> Result<CloudEvent<'_>, Halt> {
    let mut attributes = BTreeMap::new();
    for (name, value) in &delivery.headers {
        let Some(name) = name.strip_prefix("ce-") else { continue };
        if name == "datacontenttype" {
            let reason = "`ce-datacontenttype` is forbidden: `Content-Type` says it";
            return Err(unreadable("forbidden_header", reason));
        }
        let value = header_value(value.trim()).ok_or_else(|| {
            unreadable("not_utf8", "a `ce-` header is not UTF-8 after percent-decoding")
        })?;
        if attributes.insert(name.to_owned(), value).is_some() {
            return Err(unreadable("duplicate_header", "a `ce-` header is there twice"));
        }
    }
    if let Some(media_type) = delivery.media_type() {
        attributes.insert("datacontenttype".to_owned(), media_type);
    }
    CloudEvent::of_attributes(&attributes, &delivery.body)
}

/// First the quotes are undone, then one round of percent-encoding (HTTP binding, 3.1.3.2).
fn header_value(value: &str) -> Option<String> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = quoted else { return percent::decode(value.as_bytes()) };
    let mut unquoted = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => unquoted.extend(characters.next()),
            other => unquoted.push(other),
        }
    }
    percent::decode(unquoted.as_bytes())
}

/// The texts of the events in a batch.
pub(crate) fn batch(body: &[u8]) -> Result<Vec<&RawValue>, Halt> {
    Ok(read(body)?)
}
