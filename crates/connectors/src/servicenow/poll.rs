//! Reading back by `sys_updated_on`: approvals given over there, and records moved by hand.
//!
//! Times there have seconds, and what was altered is shown somewhat later, so that each reading of a list begins a little
//! before the last one ended; what comes twice says the same. Each list has a position of its own, as they are read one
//! after the other. A reading that does not come to the end of a list says behind which row it stands, and the next one
//! goes on there, however many rows have the same time. A query whose parts were dropped gives rows that were not asked
//! for: they are left out. What the instance has found to conflict is read for each record that was altered since, as its
//! scans alter them.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_core::link::Authority;
use sluice_core::signal::{Signal, TheirRecord, Who};

use super::config::Config;
use super::cursor::{Cursor, Position};
use super::scans;
use super::tasks::{self, Desk};
use super::wire::{altered, is_sys_id, many, stamp, state_of, text, time};
use crate::kit::answers::{cut, header, json, made_at, not_understood, success};
use crate::kit::pages::{is_too_large, smaller};
use crate::kit::words;
use crate::tell::{Ask, Exchange, Polled, Polling, Step, Verb};

/// The most rows of one page.
const ROWS: u32 = 500;
/// The most pages of a list in one reading; the next one goes on where they ended.
const PAGES: usize = 8;
/// So much is read again each time, in seconds.
const OVERLAP_S: i64 = 10;
/// So long after a time all that was altered then is shown, in seconds.
const SHOWN_S: i64 = 60;
/// The name under which the id of a record is remembered.
pub(super) const SYS_ID: &str = "sys_id";

pub(super) type Read<T> = Result<T, Step<Polled>>;

pub(super) fn poll(config: &Config, polling: &Polling<'_>) -> Read<Polled> {
    let before = Cursor::read(polling);
    let mut after = before.clone();
    let records = list(polling, "records", &before, |page| records(config, page))?;
    let mut signals: Vec<Signal> =
        records.rows.iter().filter_map(|row| moved(config, row)).collect();
    let found = scans::conflicts(config, polling, &before, &records.rows)?;
    signals.extend(found.signals);
    let mut position = records.position;
    if let (true, Some((at, _))) = (found.is_cut, &found.scanned) {
        // Records that are not scanned yet are listed again.
        position = position.not_beyond(*at);
    }
    let mut more = found.is_cut || matches!(position, Position::Behind { .. });
    after.set("records", position);
    after.scanned = found.scanned;
    let mut read = |name: &str, list: List| {
        more |= matches!(list.position, Position::Behind { .. });
        after.set(name, list.position);
    };
    if config.authority.changes != Authority::Native {
        let approvals = list(polling, "approvals", &before, |page| approvals(config, page))?;
        signals.extend(approvals.rows.iter().filter_map(|row| approved(config, row)));
        read("approvals", approvals);
    }
    for desk in Desk::kept(config) {
        let tasks = list(polling, desk.table(), &before, |page| tasks(config, desk, page))?;
        signals.extend(tasks.rows.iter().filter_map(|row| tasks::reported(config, desk, row)));
        read(desk.table(), tasks);
    }
    Ok(Polled { signals, cursor: after.to_string(), more })
}

pub(super) fn back(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// A page of a list, in the order of times and ids.
#[derive(Clone)]
struct Page {
    from: From,
    /// Behind so many rows that may not be read.
    offset: usize,
    rows: u32,
}

/// Where a page begins.
#[derive(Clone)]
enum From {
    /// With the first row of a time.
    Since(Timestamp),
    /// Behind a row of a time; it ends with that time.
    Within(Timestamp, String),
}

/// A list as far as it was read.
struct List {
    rows: Vec<Value>,
    position: Position,
}

/// Reads a list page by page. A page begins with the time of the last row before it, so that rows which are altered
/// meanwhile, and move to the end, push no other out of sight. Where one time has more rows than a page, the next one
/// begins behind the last of them.
fn list(
    polling: &Polling<'_>,
    step: &'static str,
    before: &Cursor,
    ask: impl Fn(&Page) -> Query,
) -> Read<List> {
    let before = before.of(step);
    let from = match &before {
        Position::Anew(at) => From::Since(back(*at, OVERLAP_S)),
        Position::Behind { at, id, .. } if id.is_empty() => From::Since(*at),
        Position::Behind { at, id, .. } => From::Within(*at, id.clone()),
    };
    let (mut page, mut rows) = (Page { from, offset: 0, rows: ROWS }, Vec::new());
    let sent: Vec<&Exchange> =
        polling.so_far.iter().filter(|exchange| exchange.step == step).collect();
    for exchange in &sent {
        if let Some(fewer) = smaller(page.rows).filter(|_| is_too_large(exchange)) {
            page.rows = fewer;
            continue;
        }
        let read = listed(&json(exchange)?)?;
        let more = has_more(exchange, &page, read.len())?;
        let last = read.iter().filter_map(place).max();
        rows.extend(read);
        match (more, page.from.clone()) {
            (false, From::Since(_)) => {
                let position = at_the_end(polling, &before, &sent, &rows);
                return Ok(List { rows, position });
            }
            (false, From::Within(at, _)) => {
                page = Page { from: From::Since(next(at)), offset: 0, ..page }
            }
            (true, from) => page.go_on(&from, last),
        }
    }
    if sent.len() < PAGES {
        return Err(Step::Send(ask(&page).sent(step).by(polling.session)));
    }
    let until = until(polling, &before, &sent);
    let (at, id) = match page.from {
        From::Since(at) => (at, String::new()),
        From::Within(at, id) => (at, id),
    };
    Ok(List { rows, position: Position::Behind { at, id, until } })
}

impl Page {
    /// Behind the last row that was read.
    fn go_on(&mut self, from: &From, last: Option<(Timestamp, String)>) {
        let begins = match from {
            From::Since(at) | From::Within(at, _) => *at,
        };
        match last {
            Some((at, _)) if at > begins => {
                *self = Self { from: From::Since(at), offset: 0, ..*self }
            }
            Some((at, id)) => *self = Self { from: From::Within(at, id), offset: 0, ..*self },
            None => self.offset += self.rows as usize,
        }
    }
}

/// The time behind a time: theirs have whole seconds.
fn next(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(1)).unwrap_or(at)
}

/// Where the next reading begins when this one has come to the end. What was altered just now may not be shown yet, or
/// not have been when the first page was read: it is read again.
fn at_the_end(
    polling: &Polling<'_>,
    before: &Position,
    sent: &[&Exchange],
    rows: &[Value],
) -> Position {
    let began = match before {
        Position::Anew(at) | Position::Behind { at, .. } => *at,
    };
    let newest = rows.iter().filter_map(updated).max().unwrap_or(began);
    let least = match before {
        Position::Anew(at) => *at,
        Position::Behind { at, until, .. } => *at.min(until),
    };
    Position::Anew(newest.min(until(polling, before, sent)).max(least))
}

/// To which time rows are shown as of the first page of these readings, by the clock of the instance.
fn until(polling: &Polling<'_>, before: &Position, sent: &[&Exchange]) -> Timestamp {
    if let Position::Behind { until, .. } = before {
        return *until;
    }
    let replies = sent.iter().filter_map(|exchange| exchange.answer.as_ref().ok());
    back(replies.filter_map(made_at).next().unwrap_or(polling.now), SHOWN_S)
}

/// Whether rows follow a page. Rows that may not be read are missing in it, but they count.
fn has_more(exchange: &Exchange, page: &Page, count: usize) -> Read<bool> {
    let (total, rows) = (header(success(exchange)?, "x-total-count"), page.rows as usize);
    let total = total.and_then(|total| total.trim().parse::<usize>().ok());
    Ok(total.map_or(count >= rows, |total| total > page.offset + rows))
}

/// Where a row stands in its list.
fn place(row: &Value) -> Option<(Timestamp, String)> {
    Some((updated(row)?, text(row, "sys_id").filter(|id| is_sys_id(id))?))
}

/// A page of a table.
struct Query(String);

impl Query {
    fn sent(self, step: &'static str) -> Ask {
        Ask::new(step, Verb::Get, self.0).header("accept", "application/json")
    }
}

fn records(config: &Config, page: &Page) -> Query {
    let prefix = &config.prefix;
    let query = format!("correlation_idSTARTSWITH{prefix}-");
    let fields = "sys_id,number,state,correlation_id,conflict_last_run,sys_updated_on,\
        sys_mod_count";
    of_table(config, "change_request", page, &query, fields)
}

fn approvals(config: &Config, page: &Page) -> Query {
    let prefix = &config.prefix;
    let query = format!("stateINapproved,rejected^sysapproval.correlation_idSTARTSWITH{prefix}-");
    let fields = "sys_id,state,approver.email,approver.user_name,sysapproval,\
        sysapproval.correlation_id,sysapproval.description,sys_created_on,sys_updated_on,\
        sys_updated_by,comments";
    of_table(config, "sysapproval_approver", page, &query, fields)
}

/// Ours, and where they have a say those that they opened on items.
fn tasks(config: &Config, desk: Desk, page: &Page) -> Query {
    let ours = format!("correlation_idSTARTSWITH{}-", config.prefix);
    let query = match desk.authority(config) {
        Some(Authority::Mirrored | Authority::Foreign) => format!("{ours}^ORcmdb_ciISNOTEMPTY"),
        Some(Authority::Native) | None => ours,
    };
    let fields = "sys_id,number,state,correlation_id,short_description,cmdb_ci.name,\
        sys_updated_on,sys_mod_count";
    of_table(config, desk.table(), page, &query, fields)
}

fn of_table(config: &Config, table: &str, page: &Page, query: &str, fields: &str) -> Query {
    let from = match &page.from {
        From::Since(at) => format!("sys_updated_on>={}", stamp(*at)),
        From::Within(at, id) => format!("sys_updated_on={}^sys_id>{id}", stamp(*at)),
    };
    let query = format!("{from}^{query}^ORDERBYsys_updated_on^ORDERBYsys_id");
    let mut parameters = url::form_urlencoded::Serializer::new(String::new());
    parameters
        .append_pair("sysparm_query", &query)
        .append_pair("sysparm_fields", fields)
        .append_pair("sysparm_limit", &page.rows.to_string())
        .append_pair("sysparm_exclude_reference_link", "true")
        .append_pair("sysparm_suppress_pagination_header", "true");
    if page.offset > 0 {
        parameters.append_pair("sysparm_offset", &page.offset.to_string());
    }
    Query(format!("{}/api/now/table/{table}?{}", config.url, parameters.finish()))
}

fn listed(answer: &Value) -> Read<Vec<Value>> {
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
