//! A ServiceNow instance: change requests with their states, a journal, approvals, and a search that lags.

mod tasks;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

pub use self::tasks::Tasks;
use super::servicenow_schedules::Schedules;
use super::{Neighbour, Said, Seen, pairs};

/// One record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Fields, as raw values.
    pub fields: BTreeMap<String, String>,
    pub(super) visible_at: Timestamp,
}

impl Record {
    /// Notes that it is altered now.
    fn touch(&mut self, now: Timestamp) {
        let count = self.field("sys_mod_count").parse::<u64>().unwrap_or(0) + 1;
        self.fields.insert("sys_mod_count".to_owned(), count.to_string());
        self.fields.insert("sys_updated_on".to_owned(), stamp(now));
    }

    /// A field; empty where it is absent.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// The instance.
#[derive(Debug, Default)]
pub struct ServiceNow {
    /// Change requests.
    pub changes: Vec<Record>,
    /// Work notes: the record's id, and the text.
    pub journal: Vec<(String, String)>,
    /// Approvals, without what belongs to their change.
    given: Vec<Record>,
    /// What there is beside changes.
    pub tasks: Tasks,
    /// For so many seconds a new record is not found by a search.
    pub search_lag_s: i64,
    /// Fields that are not taken, as where the account may not write them.
    pub ignored: Vec<String>,
    /// What whoever would alter something gets for an answer, while all can be read.
    pub writes: Option<u16>,
    /// Whether `scheduled` is reached by approvals only.
    pub needs_approval: bool,
    /// Blackout and maintenance schedules.
    pub calendars: Schedules,
    counted: u64,
}

impl ServiceNow {
    /// Records with a correlation id that were not canceled.
    pub fn live(&self, correlation: &str) -> Vec<&Record> {
        let of = |record: &&Record| record.field("correlation_id") == correlation;
        self.changes.iter().filter(of).filter(|record| record.field("state") != "4").collect()
    }

    /// Sets fields as a person would by hand.
    pub fn edit(&mut self, correlation: &str, fields: &[(&str, &str)], now: Timestamp) {
        for record in &mut self.changes {
            if record.field("correlation_id") == correlation {
                for (name, value) in fields {
                    record.fields.insert((*name).to_owned(), (*value).to_owned());
                }
                record.touch(now);
            }
        }
    }

    /// An approver says yes or no: a record for each word. They were asked when the change was made.
    pub fn approve(&mut self, correlation: &str, email: &str, state: &str, now: Timestamp) {
        let Some(change) =
            self.changes.iter().find(|change| change.field("correlation_id") == correlation)
        else {
            return;
        };
        let user = email.split('@').next().unwrap_or_default();
        let fields = [
            ("sys_id", format!("{:032x}", self.given.len() + 0xa000)),
            ("state", state.to_owned()),
            ("approver.email", email.to_owned()),
            ("approver.user_name", user.to_owned()),
            ("sysapproval", change.field("sys_id").to_owned()),
            ("comments", "looked at it".to_owned()),
            ("sys_created_on", change.field("sys_created_on").to_owned()),
            ("sys_updated_on", stamp(now)),
            ("sys_updated_by", user.to_owned()),
        ];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.given.push(Record { fields, visible_at: now });
    }

    /// Something alters every approval without giving one: a rule of the instance, or an administrator.
    pub fn touch_approvals(&mut self, now: Timestamp) {
        for approval in &mut self.given {
            approval.fields.insert("sys_updated_on".to_owned(), stamp(now));
            approval.fields.insert("sys_updated_by".to_owned(), "system".to_owned());
        }
    }

    /// Approvals as they are shown: what belongs to their change is read from it each time.
    pub fn approvals(&self) -> Vec<Record> {
        let mut shown = self.given.clone();
        for approval in &mut shown {
            let id = approval.field("sysapproval").to_owned();
            let change = self.changes.iter().find(|change| change.field("sys_id") == id);
            for name in ["correlation_id", "description"] {
                let value = change.map_or("", |change| change.field(name)).to_owned();
                approval.fields.insert(format!("sysapproval.{name}"), value);
            }
        }
        shown
    }

    /// Somebody makes a change request of their own that bears the number of one of ours.
    pub fn squat(&mut self, correlation: &str, description: &str, now: Timestamp) -> usize {
        let given = [("correlation_id", correlation), ("description", description)];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.insert(given.into(), "normal", "mallory", now)
    }

    fn create(&mut self, seen: &Seen, kind: &str, now: Timestamp) -> usize {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        if let Value::Object(given) = seen.json() {
            for (name, value) in given {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if !self.ignored.contains(&name) {
                    fields.insert(name, value);
                }
            }
        }
        self.insert(fields, kind, &user_of(seen), now)
    }

    fn insert(
        &mut self,
        mut fields: BTreeMap<String, String>,
        kind: &str,
        by: &str,
        now: Timestamp,
    ) -> usize {
        self.counted += 1;
        let own = [
            ("sys_created_by", by.to_owned()),
            ("sys_id", format!("{:032x}", self.counted)),
            ("number", format!("CHG{:07}", 30_000 + self.counted)),
            ("state", "-5".to_owned()),
            ("type", kind.to_owned()),
            ("approval", "not requested".to_owned()),
            ("sys_created_on", stamp(now)),
            ("sys_updated_on", stamp(now)),
            ("sys_mod_count", "0".to_owned()),
        ];
        fields.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let lag = SignedDuration::from_secs(self.search_lag_s);
        self.changes.push(Record { fields, visible_at: now.checked_add(lag).unwrap_or(now) });
        self.changes.len() - 1
    }

    fn patch(&mut self, sys_id: &str, seen: &Seen, now: Timestamp) -> Said {
        let Value::Object(given) = seen.json() else { return failure(400, "Invalid JSON") };
        let needs_approval = self.needs_approval;
        let found = self.changes.iter_mut().find(|record| record.field("sys_id") == sys_id);
        let Some(record) = found else { return failure(404, "No Record found") };
        if let Some(state) = given.get("state").and_then(Value::as_str) {
            if !may_move(record, state, needs_approval) {
                return failure(
                    403,
                    "Operation against file 'change_request' was aborted by Business Rule",
                );
            }
            let closes = state == "3";
            if closes && !(given.contains_key("close_code") && given.contains_key("close_notes")) {
                return failure(403, "Data Policy Exception: close code and notes are mandatory");
            }
        }
        for (name, value) in given {
            let value = value.as_str().unwrap_or_default().to_owned();
            if name == "work_notes" {
                self.journal.push((sys_id.to_owned(), value));
            } else {
                record.fields.insert(name, value);
            }
        }
        record.touch(now);
        Said::json(200, &json!({ "result": raw(record, "") }))
    }

    /// Scans that have ended are noted in the records that they looked at.
    fn end_scans(&mut self, now: Timestamp) {
        for (id, ended) in self.tasks.ended_scans(now) {
            for record in self.changes.iter_mut().filter(|record| record.field("sys_id") == id) {
                record.touch(ended);
                record.fields.insert("conflict_status".to_owned(), "Conflict".to_owned());
                record.fields.insert("conflict_last_run".to_owned(), stamp(ended));
            }
        }
    }

    /// Requests about what there is beside changes.
    fn beside(&mut self, seen: &Seen, now: Timestamp) -> Option<Said> {
        let parts = seen.parts();
        Some(match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "now", "table", table, id]) if *table != "change_request" => {
                match self.tasks.find(table, id) {
                    Some(record) => Said::json(200, &json!({ "result": raw(record, "") })),
                    None => failure(404, "No Record found"),
                }
            }
            ("POST", ["api", "now", "table", table @ ("incident" | "problem")]) => {
                let id = self.create_task(table, seen, now)?;
                let record = self.tasks.find(table, &id)?;
                Said::json(201, &json!({ "result": raw(record, "") }))
            }
            ("PATCH", ["api", "now", "table", table @ ("incident" | "problem"), id]) => {
                let (said, note) = self.tasks.patch(table, id, seen, now);
                self.journal.extend(note.map(|note| ((*id).to_owned(), note)));
                said
            }
            ("POST", ["api", "now", "identifyreconcile"]) => {
                self.tasks.identify(seen, &user_of(seen), now)
            }
            ("GET", ["api", "now", "attachment"]) => {
                let query = seen.query.get("sysparm_query").map_or("", String::as_str);
                let files = self.tasks.attachments.iter().filter(|file| matches(file, query));
                let files: Vec<Value> = files.map(|file| raw(file, tasks::LISTED)).collect();
                Said::json(200, &json!({ "result": files }))
            }
            ("POST", ["api", "now", "attachment", "file"]) => self.tasks.attach(seen, now),
            ("DELETE", ["api", "now", "attachment", id]) => {
                let before = self.tasks.attachments.len();
                self.tasks.attachments.retain(|file| file.field("sys_id") != *id);
                match self.tasks.attachments.len() < before {
                    true => Said { status: 204, headers: Vec::new(), body: Vec::new() },
                    false => failure(404, "No Record found"),
                }
            }
            (method @ ("GET" | "POST"), ["api", "sn_chg_rest", "change", id, "conflict"]) => {
                let begins = method == "POST";
                let found = self.changes.iter().find(|record| record.field("sys_id") == *id);
                match found {
                    Some(change) => self.tasks.scan(change, begins, now),
                    None => failure(404, "No Record found"),
                }
            }
            _ => return None,
        })
    }

    fn create_task(&mut self, table: &str, seen: &Seen, now: Timestamp) -> Option<String> {
        let Value::Object(given) = seen.json() else { return None };
        let given = given.into_iter().filter(|(name, _)| !self.ignored.contains(name));
        let fields = given
            .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
            .collect();
        let lag = SignedDuration::from_secs(self.search_lag_s);
        let visible_at = now.checked_add(lag).unwrap_or(now);
        self.tasks.insert(table, fields, &user_of(seen), (now, visible_at))
    }

    fn list(&self, table: &str, seen: &Seen, now: Timestamp) -> Said {
        let query = seen.query.get("sysparm_query").map_or("", String::as_str);
        let fields = seen.query.get("sysparm_fields").map_or("", String::as_str);
        let journal: Vec<Record> = self
            .journal
            .iter()
            .map(|(id, value)| Record {
                fields: [("element_id", id), ("value", value)]
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.clone()))
                    .chain([("element".to_owned(), "work_notes".to_owned())])
                    .collect(),
                visible_at: now,
            })
            .collect();
        let approvals = self.approvals();
        let tasks = self.tasks.shown(table);
        let rows = match table {
            "change_request" => &self.changes,
            "sys_journal_field" => &journal,
            "sysapproval_approver" => &approvals,
            _ => match &tasks {
                Some(rows) => rows,
                None => return failure(404, "Invalid table"),
            },
        };
        let number = |name: &str| seen.query.get(name).and_then(|value| value.parse().ok());
        let (limit, offset) =
            (number("sysparm_limit").unwrap_or(10_000), number("sysparm_offset").unwrap_or(0));
        let found = rows.iter().filter(|row| row.visible_at <= now && matches(row, query));
        let mut found: Vec<&Record> = found.collect();
        let fields_of_order = query.split('^').filter_map(|term| term.strip_prefix("ORDERBY"));
        let order: Vec<&str> = fields_of_order.collect();
        if !order.is_empty() {
            found.sort_by_key(|row| order.iter().map(|field| row.field(field)).collect::<Vec<_>>());
        }
        let shown = found.iter().skip(offset).take(limit);
        let list: Vec<Value> = shown.map(|row| raw(row, fields)).collect();
        let mut said = Said::json(200, &json!({ "result": list }));
        said.headers.push(("x-total-count".to_owned(), found.len().to_string()));
        said
    }
}

impl Neighbour for ServiceNow {
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said {
        if seen.path == "/oauth_token.do" {
            let form = pairs(&String::from_utf8_lossy(&seen.body));
            let ours =
                form.get("client_secret").is_some_and(|secret| secret.starts_with("secret-of-"));
            return match ours {
                true => Said::json(
                    200,
                    &json!({ "access_token": "t0k3n", "token_type": "Bearer", "expires_in": 1799 }),
                ),
                false => Said::json(401, &json!({ "error": "access_denied" })),
            };
        }
        let known = |name: &str| seen.headers.contains_key(name);
        if !known("authorization") && !known("x-sn-apikey") {
            return failure(401, "User Not Authenticated");
        }
        self.end_scans(now);
        if let Some(status) = self.writes.filter(|_| seen.method != "GET") {
            return failure(status, "Operation Failed");
        }
        if let Some(said) = self.beside(seen, now) {
            return said;
        }
        let parts = seen.parts();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "now", "table", table @ ("cmn_schedule" | "cmn_schedule_span")]) => {
                self.calendars.list(table, seen)
            }
            ("GET", ["api", "now", "table", table]) => self.list(table, seen, now),
            ("GET", ["api", "now", "table", "change_request", id]) => {
                match self.changes.iter().find(|record| record.field("sys_id") == *id) {
                    Some(record) => Said::json(200, &json!({ "result": raw(record, "") })),
                    None => failure(404, "No Record found"),
                }
            }
            ("PATCH", ["api", "now", "table", "change_request", id]) => self.patch(id, seen, now),
            ("POST", ["api", "sn_chg_rest", "change", kind, ..]) => {
                let index = self.create(seen, kind, now);
                let record = &self.changes[index];
                let pairs: Map<String, Value> = record
                    .fields
                    .iter()
                    .map(|(name, value)| {
                        (name.clone(), json!({ "display_value": value, "value": value }))
                    })
                    .collect();
                let mut result = Value::Object(pairs);
                result["__meta"] = json!({ "ignoredFields": self.ignored });
                Said::json(200, &json!({ "result": [result] }))
            }
            _ => failure(404, "Requested URI does not represent any resource"),
        }
    }

    fn again(&mut self, seen: &Seen, now: Timestamp) {
        if let ("POST", ["api", "sn_chg_rest", "change", kind, ..]) =
            (seen.method.as_str(), seen.parts().as_slice())
        {
            self.create(seen, kind, now);
        }
        if let ("POST", ["api", "now", "table", table]) =
            (seen.method.as_str(), seen.parts().as_slice())
        {
            self.create_task(table, seen, now);
        }
        if seen.method == "POST" && seen.path == "/api/now/attachment/file" {
            self.tasks.attach(seen, now);
        }
    }
}

fn may_move(record: &Record, to: &str, needs_approval: bool) -> bool {
    let path: &[&str] = match record.field("type") {
        "standard" => &["-5", "-2", "-1", "0", "3"],
        "emergency" => &["-5", "-3", "-2", "-1", "0", "3"],
        _ => &["-5", "-4", "-3", "-2", "-1", "0", "3"],
    };
    let from = record.field("state");
    if to == "4" {
        return from.starts_with('-');
    }
    if needs_approval && to == "-2" {
        return false;
    }
    let at = path.iter().position(|state| *state == from);
    at.is_some_and(|at| path.get(at + 1) == Some(&to))
}

/// A part of a query that is not understood is as if it were not there, as on an instance. `OR` binds to the condition
/// before it.
pub(super) fn matches(record: &Record, query: &str) -> bool {
    let mut conditions: Vec<bool> = Vec::new();
    for term in query.split('^') {
        if term.is_empty() || term.starts_with("ORDERBY") {
            continue;
        }
        match (term.strip_prefix("OR"), conditions.last_mut()) {
            (Some(other), Some(last)) => *last |= holds(record, other),
            _ => conditions.push(holds(record, term)),
        }
    }
    conditions.into_iter().all(|condition| condition)
}

fn holds(record: &Record, term: &str) -> bool {
    // Names of fields are in lower case: the first operator is the one that is meant, whatever the value has in it.
    let found = OPERATORS.iter().filter_map(|(operator, holds)| {
        term.split_once(operator).map(|(field, value)| (field, value, holds))
    });
    let first = found.min_by_key(|(field, ..)| field.len());
    first.is_none_or(|(field, value, holds)| holds(record.field(field), value))
}

type Holds = fn(&str, &str) -> bool;

const OPERATORS: [(&str, Holds); 7] = [
    ("ISNOTEMPTY", |field, _| !field.is_empty()),
    (">=", |field, value| field >= value),
    (">", |field, value| field > value),
    ("STARTSWITH", |field, value| field.starts_with(value)),
    ("LIKE", |field, value| field.contains(value)),
    ("IN", |field, value| value.split(',').any(|one| one == field)),
    ("=", |field, value| field == value),
];

pub(super) fn raw(record: &Record, fields: &str) -> Value {
    let wanted: Vec<&str> = fields.split(',').filter(|name| !name.is_empty()).collect();
    let shown = record
        .fields
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(&name.as_str()));
    Value::Object(shown.map(|(name, value)| (name.clone(), json!(value))).collect())
}

/// Who asks: by password, or as whoever an application acts.
fn user_of(seen: &Seen) -> String {
    let basic = seen.headers.get("authorization").and_then(|value| value.strip_prefix("Basic "));
    let pair = basic.and_then(|pair| data_encoding::BASE64.decode(pair.as_bytes()).ok());
    let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
    let user = pair.as_deref().and_then(|pair| pair.split_once(':')).map(|(user, _)| user);
    user.unwrap_or("sluice").to_owned()
}

fn failure(status: u16, message: &str) -> Said {
    Said::json(
        status,
        &json!({ "error": { "message": message, "detail": null }, "status": "failure" }),
    )
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
