//! Reading back by `sys_updated_on`: approvals given over there, and records moved by hand.
//!
//! Times there have seconds, so that each reading begins a little before the last one ended; what comes twice says
//! the same. A query whose parts were dropped gives rows that were not asked for: they are left out.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_core::signal::{Signal, Who};

use super::config::{Authority, Config};
use super::wire::{many, state_of, text, time};
use crate::kit::answers::{cut, json, not_understood};
use crate::kit::words;
use crate::tell::{Ask, Polled, Polling, Step, Verb};

/// The most rows of one reading; the next one goes on where it ended.
const ROWS: &str = "500";
/// So much is read again each time, in seconds.
const OVERLAP_S: i64 = 10;
/// The first reading looks back so far, in seconds.
const FIRST_S: i64 = 3_600;

type Read = Result<Step<Polled>, Step<Polled>>;

pub(super) fn poll(config: &Config, polling: &Polling<'_>) -> Read {
    let since = polling.cursor.and_then(time);
    let since = since.unwrap_or_else(|| back(polling.now, FIRST_S));
    let from = super::wire::stamp(back(since, OVERLAP_S));
    let step = |step: &'static str| polling.so_far.iter().rev().find(|sent| sent.step == step);
    let Some(records) = step("records") else {
        return Err(Step::Send(records(config, &from).by(polling.session)));
    };
    let records = rows(&json(records)?)?;
    let mut signals = Vec::new();
    let mut newest = since;
    for row in &records {
        signals.extend(moved(config, row));
        newest = newest.max(updated(row).unwrap_or(newest));
    }
    if config.authority == Authority::ServiceNow {
        let Some(approvals) = step("approvals") else {
            return Err(Step::Send(approvals(config, &from).by(polling.session)));
        };
        let approvals = rows(&json(approvals)?)?;
        let full = [&records, &approvals].iter().any(|list| list.len().to_string() == ROWS);
        for row in &approvals {
            signals.extend(approved(config, row));
        }
        let last = approvals.iter().filter_map(updated).max();
        newest = match (full, last) {
            // Where one list was cut, nothing after its end is taken as read.
            (true, Some(last)) => newest.min(last),
            (_, last) => newest.max(last.unwrap_or(newest)),
        };
    }
    Ok(Step::Done(Polled { signals, cursor: super::wire::stamp(newest) }))
}

fn back(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

fn records(config: &Config, from: &str) -> Ask {
    let query = format!(
        "sys_updated_on>={from}^correlation_idSTARTSWITH{}-^ORDERBYsys_updated_on",
        config.prefix
    );
    list(
        config,
        "records",
        "change_request",
        &query,
        "sys_id,number,state,correlation_id,sys_updated_on",
    )
}

fn approvals(config: &Config, from: &str) -> Ask {
    let query = format!(
        "sys_updated_on>={from}^stateINapproved,rejected^sysapproval.correlation_idSTARTSWITH{}-^ORDERBYsys_updated_on",
        config.prefix
    );
    let fields = "sys_id,state,approver.email,sysapproval.correlation_id,sysapproval.description,sys_updated_on,comments";
    list(config, "approvals", "sysapproval_approver", &query, fields)
}

fn list(config: &Config, step: &'static str, table: &str, query: &str, fields: &str) -> Ask {
    let parameters = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("sysparm_query", query)
        .append_pair("sysparm_fields", fields)
        .append_pair("sysparm_limit", ROWS)
        .append_pair("sysparm_exclude_reference_link", "true")
        .append_pair("sysparm_suppress_pagination_header", "true")
        .finish();
    Ask::new(step, Verb::Get, format!("{}/api/now/table/{table}?{parameters}", config.url))
        .header("accept", "application/json")
}

fn rows(answer: &Value) -> Result<Vec<Value>, Step<Polled>> {
    many(answer).cloned().ok_or_else(|| not_understood("the answer is not a list of records"))
}

fn updated(row: &Value) -> Option<Timestamp> {
    time(&text(row, "sys_updated_on")?)
}

pub(super) fn moved(config: &Config, row: &Value) -> Option<Signal> {
    let correlation = text(row, "correlation_id")?;
    let entity = config.entity(&correlation)?;
    let state = state_of(text(row, "state")?.trim().parse().ok()?)?;
    Some(Signal::RecordReported {
        entity: entity.to_owned(),
        record: text(row, "number").unwrap_or_default(),
        state: state.as_str().to_owned(),
        counts: config.authority == Authority::ServiceNow,
        at: updated(row),
    })
}

/// Who said yes or no; nothing where they have no authority.
pub(super) fn approved(config: &Config, row: &Value) -> Option<Signal> {
    if config.authority != Authority::ServiceNow {
        return None;
    }
    let correlation = text(row, "sysapproval.correlation_id")?;
    let entity = config.entity(&correlation)?;
    let verdict = words::verdict(&text(row, "state")?)?;
    let email = text(row, "approver.email").filter(|email| !email.is_empty())?;
    let description = text(row, "sysapproval.description").unwrap_or_default();
    // An approval counts for the revision that the record shows; a record that shows none is not taken for any.
    Some(Signal::ApprovalReported {
        entity: entity.to_owned(),
        who: Who { email: Some(email), name: None, account: None },
        verdict,
        revision: words::shown_revision(&description)?,
        comment: cut(&text(row, "comments").unwrap_or_default(), 500),
        at: updated(row)?,
    })
}
