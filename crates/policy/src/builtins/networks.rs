//! Networks: merging and comparing address ranges, which the engine lacks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use regorus::Value;

use super::{Builtin, cannot, text};

pub(super) const TABLE: &[(&str, u8, Builtin)] = &[
    ("net.cidr_contains_matches", 2, contains_matches),
    ("net.cidr_intersects", 2, intersects),
    ("net.cidr_merge", 1, merge),
];

/// A range of addresses of one kind, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    wide: bool,
    first: u128,
    last: u128,
}

fn parse(cidr: &str) -> Option<Range> {
    let (address, bits) = match cidr.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (cidr, None),
    };
    let (wide, number) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (false, u128::from(address.to_bits())),
        IpAddr::V6(address) => (true, address.to_bits()),
    };
    let width = if wide { 128 } else { 32 };
    let bits = bits.unwrap_or(width);
    if bits > width {
        return None;
    }
    let hosts = width - bits;
    let mask = if hosts == 128 { u128::MAX } else { (1u128 << hosts) - 1 };
    Some(Range { wide, first: number & !mask, last: number | mask })
}

fn intersects(args: &[Value]) -> Result<Value> {
    match (text(args, 0).and_then(parse), text(args, 1).and_then(parse)) {
        (Some(left), Some(right)) => Ok(Value::from(
            left.wide == right.wide && left.first <= right.last && right.first <= left.last,
        )),
        _ => cannot("`net.cidr_intersects` takes two ranges such as `10.0.0.0/8`"),
    }
}

/// Every pair of a range and something within it, as `[key, key]`.
fn contains_matches(args: &[Value]) -> Result<Value> {
    let (Some(outer), Some(inner)) = (args.first().and_then(keyed), args.get(1).and_then(keyed))
    else {
        return cannot("`net.cidr_contains_matches` takes ranges, or collections of them");
    };
    let mut out = Value::new_set();
    for (outer_key, outer) in &outer {
        for (inner_key, inner) in &inner {
            if outer.wide == inner.wide && outer.first <= inner.first && inner.last <= outer.last {
                out.as_set_mut()?.insert(Value::from(vec![outer_key.clone(), inner_key.clone()]));
            }
        }
    }
    Ok(out)
}

/// Ranges with the keys by which they are told: index, key, or the member itself.
fn keyed(value: &Value) -> Option<Vec<(Value, Range)>> {
    let range = |value: &Value| match value {
        Value::String(text) => parse(text),
        Value::Array(items) => items.iter().next().and_then(|first| parse(first.as_string().ok()?)),
        _ => None,
    };
    match value {
        Value::String(text) => Some(vec![(value.clone(), parse(text)?)]),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| Some((Value::from(u64::try_from(index).ok()?), range(item)?)))
            .collect(),
        Value::Set(items) => items.iter().map(|item| Some((item.clone(), range(item)?))).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, item)| Some((key.clone(), range(item)?))).collect()
        }
        _ => None,
    }
}

fn merge(args: &[Value]) -> Result<Value> {
    let items: Vec<&Value> = match args.first() {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Set(items)) => items.iter().collect(),
        _ => return cannot("`net.cidr_merge` takes an array or a set of ranges"),
    };
    let mut ranges = Vec::new();
    for item in items {
        let Ok(cidr) = item.as_string() else { return cannot("`net.cidr_merge` takes texts") };
        match parse(cidr) {
            // A range of the newer kind without its length is not told from a single address.
            Some(range) if cidr.contains('/') => ranges.push(range),
            Some(range) if !range.wide => ranges.push(classful(range)),
            _ => return cannot(format!("`{cidr}` is no range of addresses")),
        }
    }
    ranges.sort();
    let mut merged: Vec<Range> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last)
                if last.wide == range.wide
                    && (last.last == u128::MAX || range.first <= last.last + 1) =>
            {
                last.last = last.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    let mut out = Value::new_set();
    for range in merged {
        for cidr in blocks(range) {
            out.as_set_mut()?.insert(Value::from(cidr));
        }
    }
    Ok(out)
}

/// The network that a lone address was in before there were lengths, as OPA takes it.
fn classful(address: Range) -> Range {
    let hosts = match address.first >> 24 {
        0..128 => 24,
        128..192 => 16,
        192..224 => 8,
        _ => 0,
    };
    Range { first: address.first & !size(hosts), last: address.first | size(hosts), ..address }
}

/// The fewest ranges of a power of two that make up a range.
fn blocks(range: Range) -> Vec<String> {
    let width: u32 = if range.wide { 128 } else { 32 };
    let mut out = Vec::new();
    let mut first = range.first;
    loop {
        let aligned = if first == 0 { width } else { first.trailing_zeros().min(width) };
        let mut hosts = aligned;
        while hosts > 0 && first.checked_add(size(hosts)).is_none_or(|last| last > range.last) {
            hosts -= 1;
        }
        let address = if range.wide {
            IpAddr::V6(Ipv6Addr::from_bits(first))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(first).unwrap_or(u32::MAX)))
        };
        out.push(format!("{address}/{}", width - hosts));
        match first.checked_add(size(hosts)).and_then(|last| last.checked_add(1)) {
            Some(next) if next <= range.last => first = next,
            _ => return out,
        }
    }
}

/// How far the last address of a block is from its first.
fn size(hosts: u32) -> u128 {
    if hosts >= 128 { u128::MAX } else { (1u128 << hosts) - 1 }
}
