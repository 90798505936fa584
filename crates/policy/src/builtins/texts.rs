//! Texts: where the engine counts otherwise than OPA, or panics.

use anyhow::Result;
use regorus::Value;

use super::{Builtin, cannot, engine, text};

pub(super) const TABLE: &[(&str, u8, Builtin)] = &[
    ("json.is_valid", 1, |args| valid("json.is_valid", args)),
    ("strings.count", 2, count),
    ("yaml.is_valid", 1, |args| valid("yaml.is_valid", args)),
];

/// Counts without overlaps; nothing is found once more often than there are characters.
fn count(args: &[Value]) -> Result<Value> {
    let (Some(source), Some(wanted)) = (text(args, 0), text(args, 1)) else {
        return cannot("`strings.count` takes two texts");
    };
    let found =
        if wanted.is_empty() { source.chars().count() + 1 } else { source.matches(wanted).count() };
    Ok(Value::from(u64::try_from(found).unwrap_or(u64::MAX)))
}

/// What is no text is no valid text.
fn valid(name: &str, args: &[Value]) -> Result<Value> {
    match text(args, 0) {
        Some(_) => engine(name, args),
        None => Ok(Value::from(false)),
    }
}
