//! Bounds on builtins that can make much out of little in one call, where no other limit reaches.

use anyhow::{Error, Result};
use regorus::Value;

use super::{Builtin, engine, text};
use crate::fault::{Fault, FaultCode};
use crate::limits::{
    MAX_NUMBER_BITS, MAX_NUMBER_DIGITS, MAX_RANGE, MAX_TEXT_BYTES, MAX_VALUE_DEPTH, MAX_VALUE_NODES,
};

pub(super) const TABLE: &[(&str, u8, Builtin)] = &[
    ("bits.lsh", 2, shift),
    ("concat", 2, concat),
    ("format_int", 2, |args| written("format_int", args)),
    ("json.marshal", 1, |args| written("json.marshal", args)),
    ("json.unmarshal", 1, |args| parsed("json.unmarshal", args)),
    ("net.cidr_expand", 1, cidr_expand),
    ("numbers.range", 2, range),
    ("numbers.range_step", 3, range_step),
    ("product", 1, product),
    ("regex.replace", 3, regex_replace),
    ("replace", 3, replace),
    ("sprintf", 2, sprintf),
    ("strings.replace_n", 2, replace_n),
    ("to_number", 1, |args| numeric("to_number", args)),
    ("units.parse", 1, |args| numeric("units.parse", args)),
    ("units.parse_bytes", 1, |args| numeric("units.parse_bytes", args)),
    ("yaml.marshal", 1, |args| written("yaml.marshal", args)),
    ("yaml.unmarshal", 1, |args| parsed("yaml.unmarshal", args)),
];

fn too_much(name: &str, what: &str) -> Error {
    Fault::new(FaultCode::Memory, format!("`{name}` {what}")).into()
}

fn fits(name: &str, bytes: usize) -> Result<()> {
    if bytes > MAX_TEXT_BYTES {
        return Err(too_much(name, &format!("would yield more than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(())
}

fn shift(args: &[Value]) -> Result<Value> {
    if args.get(1).and_then(|by| by.as_u64().ok()).is_some_and(|by| by > 65_536) {
        return Err(too_much("bits.lsh", "would shift by more than 65536 bits"));
    }
    engine("bits.lsh", args)
}

fn concat(args: &[Value]) -> Result<Value> {
    let separator = text(args, 0).map_or(0, str::len);
    let lengths = |item: &Value| item.as_string().map_or(0, |text| text.len()) + separator;
    let bytes = match args.get(1) {
        Some(Value::Array(items)) => items.iter().map(lengths).sum(),
        Some(Value::Set(items)) => items.iter().map(lengths).sum(),
        _ => 0,
    };
    fits("concat", bytes)?;
    engine("concat", args)
}

/// How many bytes a value is on paper, at least; counts no further than the limit.
fn size(value: &Value, depth: usize, seen: &mut usize) -> Option<usize> {
    *seen += 1;
    if *seen > MAX_VALUE_NODES || depth > MAX_VALUE_DEPTH {
        return None;
    }
    let mut bytes = 2usize;
    match value {
        Value::String(text) => bytes += text.len(),
        Value::Array(items) => {
            for item in items.iter() {
                bytes = bytes.saturating_add(size(item, depth + 1, seen)?);
            }
        }
        Value::Set(items) => {
            for item in items.iter() {
                bytes = bytes.saturating_add(size(item, depth + 1, seen)?);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields.iter() {
                bytes = bytes.saturating_add(size(key, depth + 1, seen)?);
                bytes = bytes.saturating_add(size(item, depth + 1, seen)?);
            }
        }
        Value::Number(_) => bytes = bytes.saturating_add(digits(value)?),
        Value::Null | Value::Bool(_) | Value::Undefined => {}
    }
    Some(bytes)
}

/// How many bits a whole number has; a few where it is a fraction.
pub(crate) fn bits(value: &Value) -> u64 {
    let number = value.as_number().ok().filter(|number| number.as_i128().is_none());
    number.and_then(|number| number.as_big()).map_or(0, |number| number.bits())
}

/// How long a number is on paper, in whatever base; none where that is too long.
fn digits(value: &Value) -> Option<usize> {
    let bits = bits(value);
    usize::try_from(bits).ok().filter(|_| bits <= MAX_NUMBER_BITS)
}

fn paper(name: &str, args: &[Value]) -> Result<()> {
    let mut seen = 0;
    let mut bytes = 0usize;
    for arg in args {
        match size(arg, 0, &mut seen) {
            Some(more) => bytes = bytes.saturating_add(more),
            None => return Err(too_much(name, "would write out too large a value")),
        }
    }
    fits(name, bytes)
}

fn written(name: &str, args: &[Value]) -> Result<Value> {
    paper(name, args)?;
    engine(name, args)
}

fn sprintf(args: &[Value]) -> Result<Value> {
    paper("sprintf", args)?;
    let padding = padding(text(args, 0).unwrap_or(""))
        .ok_or_else(|| too_much("sprintf", "would pad to more than 9999 places"))?;
    fits("sprintf", padding)?;
    engine("sprintf", args)
}

/// How many places the widths and precisions of a format come to; none where one has more than four digits.
fn padding(format: &str) -> Option<usize> {
    let (mut all, mut one, mut digits) = (0usize, 0usize, 0);
    let mut after_percent = false;
    for char in format.chars() {
        match char.to_digit(10) {
            Some(digit) if after_percent => {
                digits += 1;
                one = one * 10 + usize::try_from(digit).unwrap_or(0);
                if digits > 4 {
                    return None;
                }
            }
            _ => {
                all = all.saturating_add(one);
                (one, digits) = (0, 0);
                after_percent = match char {
                    '%' => !after_percent,
                    '.' | '+' | '-' | ' ' | '#' => after_percent,
                    _ => false,
                };
            }
        }
    }
    Some(all.saturating_add(one))
}

fn product(args: &[Value]) -> Result<Value> {
    let all: u64 = match args.first() {
        Some(Value::Array(items)) => items.iter().map(bits).fold(0, u64::saturating_add),
        Some(Value::Set(items)) => items.iter().map(bits).fold(0, u64::saturating_add),
        _ => 0,
    };
    if all > MAX_NUMBER_BITS {
        return Err(too_much("product", &format!("would have more than {MAX_NUMBER_BITS} bits")));
    }
    engine("product", args)
}

fn parsed(name: &str, args: &[Value]) -> Result<Value> {
    let source = text(args, 0).unwrap_or("");
    fits(name, source.len())?;
    let mut depth = 0usize;
    for byte in source.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_VALUE_DEPTH {
            return Err(too_much(
                name,
                &format!("would read a value deeper than {MAX_VALUE_DEPTH}"),
            ));
        }
    }
    if has_long_digits(source) {
        return Err(too_much(
            name,
            &format!("would read a number of more than {MAX_NUMBER_DIGITS} digits"),
        ));
    }
    if has_long_exponent(source) {
        return Err(too_much(
            name,
            "would read a number with an exponent of more than four digits",
        ));
    }
    if name == "yaml.unmarshal" && source.bytes().filter(|byte| *byte == b'*').count() > 64 {
        return Err(too_much(name, "would follow more than 64 aliases"));
    }
    engine(name, args)
}

fn numeric(name: &str, args: &[Value]) -> Result<Value> {
    let source = text(args, 0).unwrap_or("");
    if source.len() > 4096 || has_long_exponent(source) {
        return Err(too_much(name, "would read a number of too many digits"));
    }
    engine(name, args)
}

fn has_long_digits(source: &str) -> bool {
    source.split(|char: char| !char.is_ascii_digit()).any(|run| run.len() > MAX_NUMBER_DIGITS)
}

fn has_long_exponent(source: &str) -> bool {
    let mut digits: Option<u32> = None;
    let mut before = ' ';
    for char in source.chars() {
        digits = match (char, digits) {
            ('e' | 'E', _) if before.is_ascii_digit() || before == '.' => Some(0),
            ('+' | '-', Some(0)) => Some(0),
            ('0'..='9', Some(seen)) => Some(seen + 1),
            _ => None,
        };
        if digits.is_some_and(|seen| seen > 4) {
            return true;
        }
        before = char;
    }
    false
}

fn count(from: &Value, to: &Value, step: u64) -> u64 {
    match (from.as_i128(), to.as_i128()) {
        (Ok(from), Ok(to)) => {
            u64::try_from(from.abs_diff(to) / u128::from(step.max(1))).unwrap_or(u64::MAX)
        }
        _ => match (from.as_f64(), to.as_f64()) {
            (Ok(_), Ok(_)) => u64::MAX,
            _ => 0,
        },
    }
}

fn bounded_range(name: &str, args: &[Value], step: u64) -> Result<Value> {
    if let [from, to, ..] = args
        && is_integer(from)
        && is_integer(to)
        && count(from, to, step) > MAX_RANGE
    {
        return Err(too_much(name, &format!("would make more than {MAX_RANGE} numbers")));
    }
    engine(name, args)
}

fn is_integer(value: &Value) -> bool {
    value.as_number().is_ok_and(|number| number.is_integer())
}

fn range(args: &[Value]) -> Result<Value> {
    bounded_range("numbers.range", args, 1)
}

fn range_step(args: &[Value]) -> Result<Value> {
    match args.get(2).map(Value::as_u64) {
        Some(Ok(step)) if step > 0 => bounded_range("numbers.range_step", args, step),
        _ => Ok(Value::Undefined),
    }
}

fn cidr_expand(args: &[Value]) -> Result<Value> {
    if let Some((address, bits)) = text(args, 0).and_then(|cidr| cidr.split_once('/')) {
        let width = if address.contains(':') { 128 } else { 32 };
        if bits.parse::<u32>().is_ok_and(|bits| width > bits + 16) {
            return Err(too_much("net.cidr_expand", "would list more than 65536 addresses"));
        }
    }
    engine("net.cidr_expand", args)
}

fn replace(args: &[Value]) -> Result<Value> {
    if let (Some(source), Some(old), Some(new)) = (text(args, 0), text(args, 1), text(args, 2)) {
        let times = if old.is_empty() { source.len() + 1 } else { source.matches(old).count() };
        fits("replace", times.saturating_mul(new.len()).saturating_add(source.len()))?;
    }
    engine("replace", args)
}

fn replace_n(args: &[Value]) -> Result<Value> {
    if let (Some(Value::Object(patterns)), Some(source)) = (args.first(), text(args, 1)) {
        let longest = patterns
            .iter()
            .filter_map(|(_, new)| new.as_string().ok().map(|new| new.len()))
            .max()
            .unwrap_or(0);
        fits("strings.replace_n", (source.len() + 1).saturating_mul(longest))?;
    }
    engine("strings.replace_n", args)
}

fn regex_replace(args: &[Value]) -> Result<Value> {
    if let (Some(source), Some(new)) = (text(args, 0), text(args, 2)) {
        fits("regex.replace", (source.len() + 1).saturating_mul(new.len()))?;
    }
    engine("regex.replace", args)
}
