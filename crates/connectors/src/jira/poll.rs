//! Reading back by `updated`: issues moved by hand, and approvals of service requests.
//!
//! JQL knows minutes and the viewer's zone, so a time is given as minutes back from their now; each reading begins
//! well before the last one ended, which covers clocks that differ and issues that a search shows late. What comes twice
//! says the same. A reading that does not come to the end says where it stands, and the next one goes on behind it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_core::signal::{Signal, TheirRecord, Who};

use super::config::{Config, Shape};
use super::record::{ISSUE_ID, Place, ask, issues, search};
use super::wire::Row;
use crate::kit::answers::{json, not_understood};
use crate::kit::{text, time, words};
use crate::tell::{Exchange, Polled, Polling, Step, Verb};

/// The most issues of a page.
const ROWS: u32 = 100;
/// The most pages of one reading.
const PAGES: usize = 12;
/// The most requests whose approvals are read at once.
const REQUESTS: usize = 25;
/// So much is read again each time, in minutes.
const OVERLAP_MIN: i64 = 10;
/// So much where a reading goes on with another one, in minutes: clocks may differ by less.
const GOING_ON_MIN: i64 = 3;
/// Times there have so many parts.
const MILLISECOND: SignedDuration = SignedDuration::from_millis(1);
/// The first reading looks back so far, in minutes.
const FIRST_MIN: i64 = 60;

type Read<T> = Result<T, Step<Polled>>;

pub(super) fn poll(config: &Config, polling: &Polling<'_>) -> Read<Polled> {
    let cursor = Cursor::read(polling);
    let mut listed = listed(config, polling, &cursor)?;
    listed.rows.retain(|row| entity(config, row).is_some());
    let asks = config.theirs && matches!(config.shape, Shape::Request { .. });
    if asks && listed.rows.len() > REQUESTS {
        listed.rows.truncate(REQUESTS);
        listed.end = listed.rows.last().map(position);
    }
    let mut signals = Vec::new();
    if asks {
        let read: Vec<&Exchange> =
            polling.so_far.iter().filter(|one| one.step == "approvals").collect();
        for (index, row) in listed.rows.iter().enumerate() {
            let Some(read) = read.get(index) else {
                let url = format!("{}/rest/servicedeskapi/request/{}/approval", config.url, row.id);
                return Err(Step::Send(ask("approvals", Verb::Get, url).by(polling.session)));
            };
            signals.extend(approvals(config, row, read)?);
        }
    }
    signals.extend(listed.rows.iter().filter_map(|row| moved(config, row)));
    let more = listed.end.is_some();
    let cursor = match listed.end {
        Some((at, id)) => Cursor { at, behind: Some(id) },
        None => Cursor { at: listed.newest.unwrap_or(cursor.at).max(cursor.at), behind: None },
    };
    Ok(Polled { signals, cursor: cursor.to_string(), more })
}

/// How far the readings came: to a time, and where the last one did not come to the end, behind an issue of that time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    at: Timestamp,
    behind: Option<u64>,
}

impl Cursor {
    fn read(polling: &Polling<'_>) -> Self {
        let read = polling.cursor.and_then(|text| match text.split_once('#') {
            None => Some(Self { at: time::read(text)?, behind: None }),
            Some((at, id)) => Some(Self { at: time::read(at)?, behind: Some(id.parse().ok()?) }),
        });
        read.unwrap_or_else(|| Self { at: back(polling.now, FIRST_MIN), behind: None })
    }

    /// How many minutes a reading looks back.
    fn minutes_back(&self, now: Timestamp) -> i64 {
        let overlap = if self.behind.is_some() { GOING_ON_MIN } else { OVERLAP_MIN };
        now.duration_since(self.at).as_mins().max(0) + overlap
    }

    /// Whether an issue was read before by the readings that this one goes on with.
    fn is_past(&self, row: &Row) -> bool {
        self.behind.is_some_and(|id| position(row) <= (self.at, id))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.behind {
            None => write!(f, "{}", self.at),
            Some(id) => write!(f, "{}#{id}", self.at),
        }
    }
}

fn back(at: Timestamp, minutes: i64) -> Timestamp {
    earlier(at, SignedDuration::from_mins(minutes))
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(at)
}

/// Where an issue stands in the order of readings.
fn position(row: &Row) -> (Timestamp, u64) {
    (row.updated.unwrap_or(Timestamp::MIN), row.id.parse().unwrap_or(u64::MAX))
}

/// Issues that were not read before, in the order of readings.
struct Listed {
    rows: Vec<Row>,
    newest: Option<Timestamp>,
    /// Where the reading ends, when it does not come to the end of the list.
    end: Option<(Timestamp, u64)>,
}

/// Reads pages until one is the last, or there are as many as one reading takes.
fn listed(config: &Config, polling: &Polling<'_>, cursor: &Cursor) -> Read<Listed> {
    let (mut rows, mut place, mut pages) = (Vec::new(), Some(Place::default()), 0);
    for exchange in polling.so_far.iter().filter(|exchange| exchange.step == "records") {
        let (page, next) = issues(exchange)?;
        rows.extend(page);
        place = next;
        pages += 1;
    }
    if let Some(next) = place.as_ref().filter(|_| pages < PAGES) {
        let minutes = cursor.minutes_back(polling.now);
        let jql = format!(
            "project = \"{}\" AND labels IS NOT EMPTY AND updated >= \"-{minutes}m\" ORDER BY updated ASC",
            config.project
        );
        let search = search(config, "records", &jql, ROWS, next);
        return Err(Step::Send(search.by(polling.session)));
    }
    let newest = rows.iter().filter_map(|row| row.updated).max();
    let end = place.is_some().then(|| {
        // Others of the newest time may follow on the next page.
        let end = (newest.map_or(cursor.at, |newest| earlier(newest, MILLISECOND)), u64::MAX);
        let is_stuck = cursor.behind.is_some_and(|id| end <= (cursor.at, id));
        // No search can begin behind so many of a minute: the next one begins at the next minute.
        if is_stuck { (back(cursor.at, -1), 0) } else { end }
    });
    let mut seen = BTreeSet::new();
    rows.retain(|row| !cursor.is_past(row) && seen.insert(row.id.clone()));
    rows.sort_by_key(position);
    Ok(Listed { rows, newest, end })
}

/// Our record behind an issue.
pub(super) fn entity(config: &Config, row: &Row) -> Option<String> {
    let duplicate = |entity: &&str| !entity.ends_with("-duplicate");
    row.labels.iter().find_map(|label| config.entity(label).filter(duplicate)).map(str::to_owned)
}

/// The issue as a record, which speaks for a change where it is the one that is known.
pub(super) fn of(row: &Row) -> TheirRecord {
    TheirRecord { name: ISSUE_ID.to_owned(), id: row.id.clone() }
}

/// Where an issue stands; nothing where its status is one of their own.
pub(super) fn moved(config: &Config, row: &Row) -> Option<Signal> {
    Some(Signal::RecordReported {
        entity: entity(config, row)?,
        of: of(row),
        record: row.key.clone(),
        state: config.statuses.state_of(&row.status)?.as_str().to_owned(),
        counts: config.theirs,
        at: row.updated,
    })
}

/// Who said yes or no to a request, for the revision that it shows. One that shows none is not taken for any.
fn approvals(config: &Config, row: &Row, read: &Exchange) -> Read<Vec<Signal>> {
    let answer = json(read)?;
    let listed = answer.get("values").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| not_understood("the answer is not a list of approvals"))?;
    let (Some(entity), Some(revision)) =
        (entity(config, row), words::shown_revision(&row.description))
    else {
        return Ok(Vec::new());
    };
    let mut signals = Vec::new();
    for step in listed {
        let Some(id) = step.get("id").and_then(text_of) else { continue };
        let name = step.get("name").and_then(Value::as_str).unwrap_or_default();
        let approvers = step.get("approvers").and_then(Value::as_array);
        let said: Vec<(Who, _)> = approvers.into_iter().flatten().filter_map(said).collect();
        let Some(at) = given(step, said.len()) else { continue };
        for (who, verdict) in said {
            let account = who.account.as_deref().or(who.email.as_deref()).unwrap_or_default();
            signals.push(Signal::ApprovalReported {
                entity: entity.clone(),
                of: of(row),
                approval: format!("{}/{id}/{account}", row.id),
                who,
                verdict,
                revision: revision.clone(),
                comment: text::cut(&format!("{name} in {}", row.key), 500),
                at,
            });
        }
    }
    Ok(signals)
}

/// When the words of a step of approval were given. The step has one time, of the word that ended it: where others were
/// given too, each of them may be as old as the step.
fn given(step: &Value, words: usize) -> Option<Timestamp> {
    let date = |name: &str| {
        let date = step.get(name)?;
        let millis = date.get("epochMillis").and_then(Value::as_i64).and_then(time::from_number);
        millis.or_else(|| date.get("iso8601").and_then(Value::as_str).and_then(time::read))
    };
    let asked = date("createdDate");
    if words == 1 { date("completedDate").or(asked) } else { asked }
}

fn text_of(id: &Value) -> Option<String> {
    id.as_str().map(str::to_owned).or_else(|| id.as_u64().map(|id| id.to_string()))
}

fn said(one: &Value) -> Option<(Who, sluice_core::change::ApprovalVerdict)> {
    let word = one.get("approverDecision").and_then(Value::as_str).unwrap_or_default();
    Some((who(one)?, words::verdict(word)?))
}

fn who(one: &Value) -> Option<Who> {
    let approver = one.get("approver")?;
    let field = |name: &str| approver.get(name).and_then(Value::as_str);
    let account = field("accountId").or_else(|| field("name"));
    text::some_who(text::who("jira", account, None, field("emailAddress")))
}
