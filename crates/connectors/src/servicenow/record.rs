//! Finding a change request by its correlation id.
//!
//! A query with a part that the instance does not understand is answered as if that part were not there, so that every
//! row that comes back is compared with what was asked for.

use super::config::Config;
use super::wire::{CANCELED, FIELDS, Row, many, plain};
use crate::kit::answers::{json, not_understood};
use crate::tell::{Ask, Exchange, Step, Verb};

/// What a search found.
pub(super) enum Found {
    None,
    One(Row),
    /// They made more than one: the one that is known is kept, else the oldest that lives.
    Several {
        kept: Row,
        surplus: Vec<Row>,
    },
}

pub(super) fn search(config: &Config, correlation: &str, step: &'static str) -> Ask {
    search_in(config, ("change_request", FIELDS), correlation, step)
}

/// The same in a table, for its fields.
pub(super) fn search_in(
    config: &Config,
    (table, fields): (&str, &str),
    correlation: &str,
    step: &'static str,
) -> Ask {
    let query = format!("correlation_id={}^ORDERBYsys_created_on", plain(correlation));
    let parameters = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("sysparm_query", &query)
        .append_pair("sysparm_fields", fields)
        .append_pair("sysparm_limit", "20")
        .append_pair("sysparm_exclude_reference_link", "true")
        .append_pair("sysparm_suppress_pagination_header", "true")
        .finish();
    let url = format!("{}/api/now/table/{table}?{parameters}", config.url);
    Ask::new(step, Verb::Get, url).header("accept", "application/json")
}

/// What a search found: the record that is known, whatever else bears its number; where none is known, one that the
/// account has made.
pub(super) fn found<T>(
    config: &Config,
    search: &Exchange,
    correlation: &str,
    known: Option<&str>,
) -> Result<Found, Step<T>> {
    found_in(config, search, correlation, known, CANCELED)
}

/// The same, where another state than that of changes says that a record was given up.
pub(super) fn found_in<T>(
    config: &Config,
    search: &Exchange,
    correlation: &str,
    known: Option<&str>,
    canceled: i64,
) -> Result<Found, Step<T>> {
    let answer = json(search)?;
    let odd = || not_understood("the answer is not a list of records");
    let listed = many(&answer).ok_or_else(odd)?;
    let mut rows: Vec<Row> =
        listed.iter().map(|record| Row::read(record).ok_or_else(odd)).collect::<Result<_, _>>()?;
    if rows.iter().any(|row| row.correlation != correlation) {
        return Err(not_understood("the search gave records that were not asked for"));
    }
    rows.retain(|row| known == Some(&row.sys_id) || config.is_made_by_us(&row.created_by));
    rows.sort_by(|a, b| (&a.created, &a.sys_id).cmp(&(&b.created, &b.sys_id)));
    let kept = match known {
        Some(known) => rows.iter().position(|row| row.sys_id == known),
        // What was canceled by hand is the record all the same: no second one is made in its place.
        None => rows.iter().position(|row| row.state != canceled).or(Some(0)),
    };
    let Some(kept) = kept.filter(|kept| *kept < rows.len()) else { return Ok(Found::None) };
    let kept = rows.remove(kept);
    rows.retain(|row| row.state != canceled);
    Ok(if rows.is_empty() { Found::One(kept) } else { Found::Several { kept, surplus: rows } })
}

pub(super) fn address(config: &Config, sys_id: &str) -> String {
    address_in(config, "change_request", sys_id)
}

pub(super) fn address_in(config: &Config, table: &str, sys_id: &str) -> String {
    format!("{}/api/now/table/{table}/{sys_id}", config.url)
}

pub(super) fn plain_json(ask: Ask) -> Ask {
    ask.header("accept", "application/json")
}
