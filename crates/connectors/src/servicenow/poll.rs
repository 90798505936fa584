//! Reading back by `sys_updated_on`: approvals given over there, and records moved by hand.
//!
//! Times there have seconds, so that each reading begins a little before the last one ended; what comes twice says
//! the same. A query whose parts were dropped gives rows that were not asked for: they are left out. What the instance
//! has found to conflict is read for each record that was altered since, as its scans alter them.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_core::link::Authority;
use sluice_core::signal::{Signal, TheirRecord, Who};

use super::config::Config;
use super::scans::{self, Cursor};
use super::tasks::{self, Desk};
use super::wire::{altered, is_sys_id, many, state_of, text, time};
use crate::kit::answers::{cut, header, json, not_understood, success};
use crate::kit::words;
use crate::tell::{Ask, Exchange, Polled, Polling, Step, Verb};

/// The most rows of one page.
const ROWS: usize = 500;
/// The most pages of a list in one reading; the next one goes on where they ended.
const PAGES: usize = 8;
/// So much is read again each time, in seconds.
const OVERLAP_S: i64 = 10;
/// The name under which the id of a record is remembered.
pub(super) const SYS_ID: &str = "sys_id";

pub(super) type Read<T> = Result<T, Step<Polled>>;

pub(super) fn poll(config: &Config, polling: &Polling<'_>) -> Read<Polled> {
    let cursor = Cursor::read(polling);
    let since = cursor.at;
    let from = back(since, OVERLAP_S);
    let records = list(polling, "records", from, |page| records(config, page))?;
    let mut signals: Vec<Signal> =
        records.rows.iter().filter_map(|row| moved(config, row)).collect();
    let found = scans::conflicts(config, polling, &cursor, &records.rows)?;
    signals.extend(found.signals);
    let mut lists = vec![records];
    if config.authority.changes != Authority::Native {
        let approvals = list(polling, "approvals", from, |page| approvals(config, page))?;
        signals.extend(approvals.rows.iter().filter_map(|row| approved(config, row)));
        lists.push(approvals);
    }
    for desk in Desk::kept(config) {
        let tasks = list(polling, desk.table(), from, |page| tasks(config, desk, page))?;
        signals.extend(tasks.rows.iter().filter_map(|row| tasks::reported(config, desk, row)));
        lists.push(tasks);
    }
    let newest = lists.iter().flat_map(|list| list.rows.iter().filter_map(updated)).max();
    let cut = lists.iter().filter_map(|list| list.cut).min();
    // Where a list was cut, nothing after its end is taken as read.
    let end = cut.or(newest).unwrap_or(since).max(since);
    let more = cut.is_some() || found.cut.is_some();
    let cursor = match (found.cut.filter(|cut| cut.at <= end), cut) {
        (Some(cut), _) => cut,
        (None, Some(_)) => Cursor::to(end),
        (None, None) => Cursor::at_the_end(config, end, polling.now),
    };
    Ok(Polled { signals, cursor: cursor.to_string(), more })
}

pub(super) fn back(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// Where a page begins: at a time, and behind so many rows of that very time.
#[derive(Clone, Copy)]
struct Page {
    from: Timestamp,
    offset: usize,
}

/// A list as far as it was read.
struct List {
    rows: Vec<Value>,
    /// The time of its last row, where there are more.
    cut: Option<Timestamp>,
}

/// Reads a list page by page. A page begins at the time of the last row before it, so that rows which are altered
/// meanwhile, and move to the end, push no other out of sight.
fn list(
    polling: &Polling<'_>,
    step: &'static str,
    from: Timestamp,
    ask: impl Fn(Page) -> Query,
) -> Read<List> {
    let mut page = Page { from, offset: 0 };
    let mut list = List { rows: Vec::new(), cut: None };
    let mut pages = 0;
    for exchange in polling.so_far.iter().filter(|exchange| exchange.step == step) {
        let rows = rows(&json(exchange)?)?;
        let is_last = !has_more(exchange, page, rows.len())?;
        let last = rows.iter().filter_map(updated).max();
        list.rows.extend(rows);
        if is_last {
            return Ok(list);
        }
        page = match last.filter(|last| *last > page.from) {
            Some(from) => Page { from, offset: 0 },
            None => Page { offset: page.offset + ROWS, ..page },
        };
        pages += 1;
    }
    if pages < PAGES {
        return Err(Step::Send(ask(page).sent(step).by(polling.session)));
    }
    list.cut = Some(page.from);
    Ok(list)
}

/// Whether rows follow a page. Rows that may not be read are missing in it, but they count.
fn has_more(exchange: &Exchange, page: Page, count: usize) -> Read<bool> {
    let total = header(success(exchange)?, "x-total-count");
    let total = total.and_then(|total| total.trim().parse::<usize>().ok());
    Ok(total.map_or(count >= ROWS, |total| total > page.offset + ROWS))
}

/// A page of a table.
struct Query(String);

impl Query {
    fn sent(self, step: &'static str) -> Ask {
        Ask::new(step, Verb::Get, self.0).header("accept", "application/json")
    }
}

fn records(config: &Config, page: Page) -> Query {
    let prefix = &config.prefix;
    let query = format!("correlation_idSTARTSWITH{prefix}-");
    let fields = "sys_id,number,state,correlation_id,conflict_last_run,sys_updated_on,\
        sys_mod_count";
    of_table(config, "change_request", page, &query, fields)
}

fn approvals(config: &Config, page: Page) -> Query {
    let prefix = &config.prefix;
    let query = format!("stateINapproved,rejected^sysapproval.correlation_idSTARTSWITH{prefix}-");
    let fields = "sys_id,state,approver.email,approver.user_name,sysapproval,\
        sysapproval.correlation_id,sysapproval.description,sys_created_on,sys_updated_on,\
        sys_updated_by,comments";
    of_table(config, "sysapproval_approver", page, &query, fields)
}

/// Ours, and where they have a say those that they opened on items.
fn tasks(config: &Config, desk: Desk, page: Page) -> Query {
    let ours = format!("correlation_idSTARTSWITH{}-", config.prefix);
    let query = match desk.authority(config) {
        Some(Authority::Mirrored | Authority::Foreign) => format!("{ours}^ORcmdb_ciISNOTEMPTY"),
        Some(Authority::Native) | None => ours,
    };
    let fields = "sys_id,number,state,correlation_id,short_description,cmdb_ci.name,\
        sys_updated_on,sys_mod_count";
    of_table(config, desk.table(), page, &query, fields)
}

fn of_table(config: &Config, table: &str, page: Page, query: &str, fields: &str) -> Query {
    let from = super::wire::stamp(page.from);
    let query = format!("sys_updated_on>={from}^{query}^ORDERBYsys_updated_on");
    let mut parameters = url::form_urlencoded::Serializer::new(String::new());
    parameters
        .append_pair("sysparm_query", &query)
        .append_pair("sysparm_fields", fields)
        .append_pair("sysparm_limit", &ROWS.to_string())
        .append_pair("sysparm_exclude_reference_link", "true")
        .append_pair("sysparm_suppress_pagination_header", "true");
    if page.offset > 0 {
        parameters.append_pair("sysparm_offset", &page.offset.to_string());
    }
    Query(format!("{}/api/now/table/{table}?{}", config.url, parameters.finish()))
}

fn rows(answer: &Value) -> Read<Vec<Value>> {
    many(answer).cloned().ok_or_else(|| not_understood("the answer is not a list of records"))
}

pub(super) fn updated(row: &Value) -> Option<Timestamp> {
    time(&text(row, "sys_updated_on")?)
}

/// The record behind a field, which speaks for our change where it is the one that is known.
pub(super) fn of(row: &Value, field: &str) -> Option<TheirRecord> {
    let id = text(row, field).filter(|id| is_sys_id(id))?;
    Some(TheirRecord { name: SYS_ID.to_owned(), id })
}

pub(super) fn moved(config: &Config, row: &Value) -> Option<Signal> {
    let correlation = text(row, "correlation_id")?;
    let entity = config.entity(&correlation)?;
    let state = state_of(text(row, "state")?.trim().parse().ok()?)?;
    Some(Signal::RecordReported {
        entity: entity.to_owned(),
        of: of(row, "sys_id")?,
        record: text(row, "number").unwrap_or_default(),
        state: state.as_str().to_owned(),
        counts: config.authority.changes != Authority::Native,
        at: updated(row),
        altered: altered(row),
    })
}

/// Who said yes or no; nothing where they have no authority.
pub(super) fn approved(config: &Config, row: &Value) -> Option<Signal> {
    if config.authority.changes == Authority::Native {
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
        of: of(row, "sysapproval")?,
        approval: text(row, "sys_id")?,
        who: Who { email: Some(email), name: None, account: None },
        verdict,
        revision: words::shown_revision(&description)?,
        comment: cut(&text(row, "comments").unwrap_or_default(), 500),
        at: given(row)?,
    })
}

/// When the word was given: when the approver last touched the approval. Where somebody or something else did so
/// since, it may be as old as the approval itself.
fn given(row: &Value) -> Option<Timestamp> {
    let by = text(row, "sys_updated_by").filter(|by| !by.is_empty());
    if by.is_some() && by == text(row, "approver.user_name") {
        return updated(row);
    }
    time(&text(row, "sys_created_on")?)
}
