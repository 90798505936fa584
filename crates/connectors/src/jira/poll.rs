//! Reading back by `updated`: issues moved by hand, and approvals of service requests.
//!
//! JQL knows minutes and the viewer's zone, so a time is given as minutes back from their now; each reading begins
//! well before the last one ended, which covers clocks that differ. What comes twice says the same.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_core::signal::{Signal, Who};

use super::config::{Config, Shape};
use super::record::{ask, issues, search};
use super::wire::Row;
use crate::kit::answers::{json, not_understood};
use crate::kit::{text, time, words};
use crate::tell::{Exchange, Polled, Polling, Step, Verb};

/// The most issues of one reading; the next one goes on where it ended.
const ROWS: usize = 100;
/// The most requests whose approvals are read at once.
const REQUESTS: usize = 25;
/// So much is read again each time, in minutes.
const OVERLAP_MIN: i64 = 10;
/// The first reading looks back so far, in minutes.
const FIRST_MIN: i64 = 60;

type Read<T> = Result<T, Step<Polled>>;

pub(super) fn poll(config: &Config, polling: &Polling<'_>) -> Read<Polled> {
    let since = polling.cursor.and_then(time::read);
    let Some(searched) = polling.so_far.first() else {
        let back = since.map_or(FIRST_MIN, |since| {
            polling.now.duration_since(since).as_mins().max(0) + OVERLAP_MIN
        });
        let jql = format!(
            "project = \"{}\" AND updated >= \"-{back}m\" ORDER BY updated ASC",
            config.project
        );
        let most = u32::try_from(ROWS).unwrap_or(100);
        return Err(Step::Send(search(config, "records", &jql, most).by(polling.session)));
    };
    let mut rows = issues(searched)?;
    let full = rows.len() >= ROWS;
    let newest = rows.iter().filter_map(|row| row.updated).max();
    rows.retain(|row| entity(config, row).is_some());
    let asks = config.theirs && matches!(config.shape, Shape::Request { .. });
    let mut signals = Vec::new();
    let mut end = if full { newest } else { newest.max(since) };
    if asks {
        // Where there are more, the next reading goes on behind the last that was asked for.
        if rows.len() > REQUESTS {
            rows.truncate(REQUESTS);
            end = rows.last().and_then(|row| row.updated);
        }
        for (index, row) in rows.iter().enumerate() {
            let Some(read) = polling.so_far.get(index + 1) else {
                let url = format!("{}/rest/servicedeskapi/request/{}/approval", config.url, row.id);
                return Err(Step::Send(ask("approvals", Verb::Get, url).by(polling.session)));
            };
            signals.extend(approvals(config, row, read)?);
        }
    }
    signals.extend(rows.iter().filter_map(|row| moved(config, row)));
    let cursor = end.or(since).unwrap_or_else(|| back(polling.now, FIRST_MIN));
    Ok(Polled { signals, cursor: cursor.to_string() })
}

fn back(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_mins(minutes)).unwrap_or(at)
}

/// Our record behind an issue.
pub(super) fn entity(config: &Config, row: &Row) -> Option<String> {
    let duplicate = |entity: &&str| !entity.ends_with("-duplicate");
    row.labels.iter().find_map(|label| config.entity(label).filter(duplicate)).map(str::to_owned)
}

/// Where an issue stands; nothing where its status is one of their own.
pub(super) fn moved(config: &Config, row: &Row) -> Option<Signal> {
    Some(Signal::RecordReported {
        entity: entity(config, row)?,
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
    for approval in listed {
        let at = approval.pointer("/completedDate/epochMillis").and_then(Value::as_i64);
        let at = at.and_then(time::from_number).or(row.updated).unwrap_or(Timestamp::UNIX_EPOCH);
        let name = approval.get("name").and_then(Value::as_str).unwrap_or_default();
        for one in approval.get("approvers").and_then(Value::as_array).into_iter().flatten() {
            let said = one.get("approverDecision").and_then(Value::as_str).unwrap_or_default();
            let (Some(verdict), Some(who)) = (words::verdict(said), who(one)) else { continue };
            signals.push(Signal::ApprovalReported {
                entity: entity.clone(),
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

fn who(one: &Value) -> Option<Who> {
    let approver = one.get("approver")?;
    let field = |name: &str| approver.get(name).and_then(Value::as_str);
    let account = field("accountId").or_else(|| field("name"));
    text::some_who(text::who("jira", account, None, field("emailAddress")))
}
