//! Reading back by `updated`: issues moved by hand, and approvals of service requests.
//!
//! JQL knows minutes and the viewer's zone, so a time is given as minutes back from their now; each reading begins
//! well before the last one ended, which covers clocks that differ and issues that a search shows late. What comes twice
//! says the same. A reading that does not come to the end says where it stands, and the next one goes on behind it. Where a
//! few minutes hold more than one reading takes, no search by time gets behind them: they are gone through by key.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_core::signal::{Signal, TheirRecord, Who};

use super::config::{Config, Shape};
use super::record::{ISSUE_ID, Place, ask, issues, search};
use super::wire::{BRIEF, FIELDS, Row};
use crate::kit::answers::{is_status, json, not_understood};
use crate::kit::pages::{is_too_large, smaller};
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
    let asks = reads_approvals(config);
    if asks && listed.rows.len() > REQUESTS {
        listed.rows.truncate(REQUESTS);
        listed.end = listed.rows.last().map(|row| cursor.behind(row));
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
    let cursor = listed.end.unwrap_or_else(|| cursor.at_the_end(listed.newest));
    Ok(Polled { signals, cursor: cursor.to_string(), more })
}

/// Whether what approvers say of requests counts here.
fn reads_approvals(config: &Config) -> bool {
    config.theirs && matches!(config.shape, Shape::Request { .. })
}

/// How far the readings came.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    /// To this time.
    at: Timestamp,
    going: Going,
}

/// Where the next reading goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Going {
    /// Somewhat before the time: the last one came to the end.
    Anew,
    /// Behind an issue of that time.
    Behind(u64),
    /// By key, through everything since the time; behind a key, when some were read. When that began is how far the
    /// readings have come at its end.
    ByKey { key: Option<String>, began: Timestamp },
}

impl Cursor {
    fn read(polling: &Polling<'_>) -> Self {
        polling
            .cursor
            .and_then(Self::parse)
            .unwrap_or_else(|| Self { at: back(polling.now, FIRST_MIN), going: Going::Anew })
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some((at, rest)) = text.split_once('~') {
            let (began, key) = rest.split_once('~')?;
            let key = Some(key.to_owned()).filter(|key| is_key(key));
            let going = Going::ByKey { key, began: time::read(began)? };
            return Some(Self { at: time::read(at)?, going });
        }
        match text.split_once('#') {
            None => Some(Self { at: time::read(text)?, going: Going::Anew }),
            Some((at, id)) => {
                Some(Self { at: time::read(at)?, going: Going::Behind(id.parse().ok()?) })
            }
        }
    }

    /// What is searched for.
    fn jql(&self, project: &str, now: Timestamp) -> String {
        let (overlap, behind, order) = match &self.going {
            Going::Anew => (OVERLAP_MIN, String::new(), "updated"),
            Going::Behind(_) => (GOING_ON_MIN, String::new(), "updated"),
            Going::ByKey { key, .. } => {
                let behind = key.as_ref().map(|key| format!(" AND key > \"{key}\""));
                (GOING_ON_MIN, behind.unwrap_or_default(), "key")
            }
        };
        let minutes = now.duration_since(self.at).as_mins().max(0) + overlap;
        format!(
            "project = \"{project}\" AND labels IS NOT EMPTY AND updated >= \"-{minutes}m\"{behind} ORDER BY {order} ASC"
        )
    }

    /// Whether an issue was read before by the readings that this one goes on with.
    fn is_past(&self, row: &Row) -> bool {
        match self.going {
            Going::Behind(id) => position(row) <= (self.at, id),
            Going::Anew | Going::ByKey { .. } => false,
        }
    }

    /// Behind an issue of this reading.
    fn behind(&self, row: &Row) -> Self {
        match &self.going {
            Going::ByKey { began, .. } => {
                let key = Some(row.key.clone());
                Self { at: self.at, going: Going::ByKey { key, began: *began } }
            }
            Going::Anew | Going::Behind(_) => {
                let (at, id) = position(row);
                Self { at, going: Going::Behind(id) }
            }
        }
    }

    /// When there is nothing more.
    fn at_the_end(&self, newest: Option<Timestamp>) -> Self {
        let at = match self.going {
            Going::ByKey { began, .. } => began.max(self.at),
            Going::Anew | Going::Behind(_) => newest.unwrap_or(self.at).max(self.at),
        };
        Self { at, going: Going::Anew }
    }

    /// From the first key on.
    fn by_key(&self, now: Timestamp) -> Self {
        Self { at: self.at, going: Going::ByKey { key: None, began: now } }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.going {
            Going::Anew => write!(f, "{}", self.at),
            Going::Behind(id) => write!(f, "{}#{id}", self.at),
            Going::ByKey { key, began } => {
                write!(f, "{}~{began}~{}", self.at, key.as_deref().unwrap_or_default())
            }
        }
    }
}

/// `OPS-17`: it is written into a search.
fn is_key(key: &str) -> bool {
    key.rsplit_once('-').is_some_and(|(project, number)| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !project.is_empty() && project.bytes().all(word) && text::is_number(number)
    })
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
    end: Option<Cursor>,
}

/// Reads pages until one is the last, or there are as many as one reading takes.
fn listed(config: &Config, polling: &Polling<'_>, cursor: &Cursor) -> Read<Listed> {
    let (mut rows, mut place, mut pages) = (Vec::new(), Some(Place::default()), 0);
    let mut most = ROWS;
    for exchange in polling.so_far.iter().filter(|exchange| exchange.step == "records") {
        if matches!(cursor.going, Going::ByKey { key: Some(_), .. }) && is_status(exchange, &[400])
        {
            // The issue of that key is there no more: from the first one again.
            let end = Some(cursor.by_key(polling.now));
            return Ok(Listed { rows: Vec::new(), newest: None, end });
        }
        pages += 1;
        if let Some(fewer) = smaller(most).filter(|_| is_too_large(exchange)) {
            most = fewer;
            continue;
        }
        let (page, next) = issues(exchange)?;
        rows.extend(page);
        place = next;
    }
    if let Some(next) = place.as_ref().filter(|_| pages < PAGES) {
        let jql = cursor.jql(&config.project, polling.now);
        // Approvals are for the revision that a request describes.
        let fields = if reads_approvals(config) { FIELDS } else { BRIEF };
        let search = search(config, "records", &jql, (fields, most), next);
        return Err(Step::Send(search.by(polling.session)));
    }
    let newest = rows.iter().filter_map(|row| row.updated).max();
    let end = match place {
        None => None,
        Some(_) => Some(ending(cursor, &rows, newest, polling.now)?),
    };
    let mut seen = BTreeSet::new();
    rows.retain(|row| !cursor.is_past(row) && seen.insert(row.id.clone()));
    match cursor.going {
        Going::ByKey { .. } => rows.sort_by_key(number),
        Going::Anew | Going::Behind(_) => rows.sort_by_key(position),
    }
    Ok(Listed { rows, newest, end })
}

/// Where a reading stands that did not come to the end.
fn ending(
    cursor: &Cursor,
    rows: &[Row],
    newest: Option<Timestamp>,
    now: Timestamp,
) -> Read<Cursor> {
    if let Going::ByKey { .. } = cursor.going {
        let last = rows.iter().filter(|row| is_key(&row.key)).max_by_key(|row| number(row));
        let last = last.ok_or_else(|| not_understood("the answer holds no keys of issues"))?;
        return Ok(cursor.behind(last));
    }
    // Others of the newest time may follow on the next page.
    let at = newest.map_or(cursor.at, |newest| earlier(newest, MILLISECOND));
    Ok(match cursor.going {
        // No search by time begins behind so many.
        Going::Behind(id) if (at, u64::MAX) <= (cursor.at, id) => cursor.by_key(now),
        _ => Cursor { at, going: Going::Behind(u64::MAX) },
    })
}

/// The number in the key of an issue.
fn number(row: &Row) -> u64 {
    row.key.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
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
        altered: None,
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
