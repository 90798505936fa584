//! The parts of ServiceNow's answers that are read, and their words.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;
use sluice_core::change::{ChangeKind, ChangeOutcome, ChangeState};

use crate::tell::Stands;

/// A change request, an incident or a problem, as far as we read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) sys_id: String,
    pub(super) number: String,
    pub(super) correlation: String,
    pub(super) state: i64,
    /// The type it was made with, where it has one of ours.
    pub(super) kind: Option<ChangeKind>,
    pub(super) description: String,
    pub(super) created: String,
    /// When it was altered last, and how often before.
    pub(super) updated: Option<Timestamp>,
    pub(super) altered: Option<u64>,
    /// Name of the user who made it.
    pub(super) created_by: String,
    /// The item that it concerns.
    pub(super) item: String,
    /// Of an incident, the change that caused it.
    pub(super) caused_by: String,
    /// Of an incident, its problem.
    pub(super) problem: String,
}

/// Fields that are asked for.
pub(super) const FIELDS: &str = "sys_id,number,type,state,correlation_id,description,sys_created_on,sys_created_by,\
     sys_updated_on,sys_mod_count,cmdb_ci";

impl Row {
    /// How it stands, in this state.
    pub(super) fn stands(&self, state: Option<&str>) -> Stands {
        Stands {
            of: self.sys_id.clone(),
            state: state.map(str::to_owned),
            at: self.updated,
            altered: self.altered,
        }
    }

    /// Reads a record. The Table API gives plain texts, the change API gives pairs of value and display value.
    pub(super) fn read(record: &Value) -> Option<Self> {
        let sys_id = text(record, "sys_id")?;
        if !is_sys_id(&sys_id) {
            return None;
        }
        Some(Self {
            sys_id,
            number: text(record, "number").unwrap_or_default(),
            correlation: text(record, "correlation_id")?,
            state: text(record, "state")?.trim().parse().ok()?,
            kind: text(record, "type").and_then(|word| kind_named(&word)),
            description: text(record, "description").unwrap_or_default(),
            created: text(record, "sys_created_on").unwrap_or_default(),
            updated: text(record, "sys_updated_on").and_then(|at| time(&at)),
            altered: altered(record),
            created_by: text(record, "sys_created_by").unwrap_or_default(),
            item: text(record, "cmdb_ci").unwrap_or_default(),
            caused_by: text(record, "caused_by").unwrap_or_default(),
            problem: text(record, "problem_id").unwrap_or_default(),
        })
    }
}

fn kind_named(word: &str) -> Option<ChangeKind> {
    match word.trim() {
        "normal" => Some(ChangeKind::Normal),
        "standard" => Some(ChangeKind::Standard),
        "emergency" => Some(ChangeKind::Emergency),
        _ => None,
    }
}

/// How often a record was altered.
pub(super) fn altered(record: &Value) -> Option<u64> {
    text(record, "sys_mod_count")?.trim().parse().ok()
}

/// A field's raw value.
pub(super) fn text(record: &Value, field: &str) -> Option<String> {
    let value = record.get(field)?;
    let value = value.get("value").unwrap_or(value);
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `result`, which is an object or a list of one.
pub(super) fn one(answer: &Value) -> Option<&Value> {
    match answer.get("result")? {
        Value::Array(list) => list.first().filter(|_| list.len() == 1),
        record @ Value::Object(_) => Some(record),
        _ => None,
    }
}

/// `result` as a list.
pub(super) fn many(answer: &Value) -> Option<&Vec<Value>> {
    answer.get("result")?.as_array()
}

/// Names of fields that were written and not taken.
pub(super) fn ignored(answer: &Value) -> Vec<&str> {
    let places =
        ["/result/__meta/ignoredFields", "/__meta/ignoredFields", "/result/0/__meta/ignoredFields"];
    let lists = places.iter().filter_map(|place| answer.pointer(place)?.as_array());
    lists.flatten().filter_map(Value::as_str).collect()
}

/// 32 hexadecimal digits.
pub(super) fn is_sys_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A time as they write it, in UTC.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time as they write it.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Their canceled and closed.
pub(super) const CANCELED: i64 = 4;
pub(super) const CLOSED: i64 = 3;

/// The states that a change of a type passes, without `canceled`.
pub(super) fn path(kind: ChangeKind) -> &'static [ChangeState] {
    use ChangeState::{Assess, Authorize, Closed, Implement, New, Review, Scheduled};
    match kind {
        ChangeKind::Normal => &[New, Assess, Authorize, Scheduled, Implement, Review, Closed],
        ChangeKind::Standard => &[New, Scheduled, Implement, Review, Closed],
        ChangeKind::Emergency => &[New, Authorize, Scheduled, Implement, Review, Closed],
    }
}

/// Our state behind their number.
pub(super) fn state_of(number: i64) -> Option<ChangeState> {
    let all = [
        ChangeState::New,
        ChangeState::Assess,
        ChangeState::Authorize,
        ChangeState::Scheduled,
        ChangeState::Implement,
        ChangeState::Review,
        ChangeState::Closed,
        ChangeState::Canceled,
    ];
    all.into_iter().find(|state| i64::from(state.servicenow()) == number)
}

/// Their word for how a change ended.
pub(super) fn close_code(outcome: Option<ChangeOutcome>) -> &'static str {
    match outcome {
        Some(ChangeOutcome::Successful) => "successful",
        Some(ChangeOutcome::SuccessfulWithIssues) => "successful_issues",
        Some(ChangeOutcome::Unsuccessful | ChangeOutcome::RolledBack) | None => "unsuccessful",
    }
}

/// A value for an encoded query: there is no escape, so that what would need one is left out.
pub(super) fn plain(value: &str) -> String {
    value.chars().filter(|c| !matches!(c, '^' | ':' | '@' | ',') && !c.is_control()).collect()
}
