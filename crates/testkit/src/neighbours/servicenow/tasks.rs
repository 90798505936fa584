//! Incidents, problems, configuration items, attachments and conflict scans of the instance.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Record, failure, raw, stamp};
use crate::neighbours::{Said, Seen};

/// A scan for conflicts takes so long.
const SCAN: SignedDuration = SignedDuration::from_secs(20);

/// The way of a problem.
const WAY: [&str; 6] = ["101", "102", "103", "104", "106", "107"];

/// What an instance has beside changes.
#[derive(Debug, Default)]
pub struct Tasks {
    /// Incidents.
    pub incidents: Vec<Record>,
    /// Problems.
    pub problems: Vec<Record>,
    /// Configuration items of the class `cmdb_ci_service`.
    pub items: Vec<Record>,
    /// Files that are attached to records.
    pub attachments: Vec<Record>,
    /// Whether files are refused, as where their kind is not allowed.
    pub refuses_files: bool,
    /// What somebody alters in the record that is written to next, right before that.
    pub meanwhile: Vec<(&'static str, &'static str)>,
    /// Conflicts that a scan would find, by the change's id: their types.
    pub conflicts: BTreeMap<String, Vec<String>>,
    scans: BTreeMap<String, Timestamp>,
    /// Scans whose end is noted in their records.
    noted: BTreeSet<String>,
    counted: u64,
}

impl Tasks {
    /// The records of a table.
    pub fn table(&self, table: &str) -> Option<&Vec<Record>> {
        match table {
            "incident" => Some(&self.incidents),
            "problem" => Some(&self.problems),
            "cmdb_ci_service" => Some(&self.items),
            _ => None,
        }
    }

    fn table_mut(&mut self, table: &str) -> Option<&mut Vec<Record>> {
        match table {
            "incident" => Some(&mut self.incidents),
            "problem" => Some(&mut self.problems),
            "cmdb_ci_service" => Some(&mut self.items),
            _ => None,
        }
    }

    /// Records of a table with a correlation id that nobody has set aside.
    pub fn live(&self, table: &str, correlation: &str) -> Vec<&Record> {
        let rows = self.table(table).into_iter().flatten();
        let of = rows.filter(|record| record.field("correlation_id") == correlation);
        of.filter(|record| record.field("state") != "8").collect()
    }

    /// The records of a table as a query sees them: with what belongs to their item.
    pub(super) fn shown(&self, table: &str) -> Option<Vec<Record>> {
        let mut rows = self.table(table)?.clone();
        for row in &mut rows {
            let item = self.items.iter().find(|item| item.field("sys_id") == row.field("cmdb_ci"));
            let name = item.map_or("", |item| item.field("name")).to_owned();
            row.fields.insert("cmdb_ci.name".to_owned(), name);
        }
        Some(rows)
    }

    /// Sets fields as a person would by hand.
    pub fn edit(
        &mut self,
        table: &str,
        correlation: &str,
        fields: &[(&str, &str)],
        now: Timestamp,
    ) {
        for record in self.table_mut(table).into_iter().flatten() {
            if record.field("correlation_id") == correlation {
                for (name, value) in fields {
                    record.fields.insert((*name).to_owned(), (*value).to_owned());
                }
                record.touch(now);
            }
        }
    }

    /// Somebody opens a record of their own; gives its id.
    pub fn open(&mut self, table: &str, fields: &[(&str, &str)], now: Timestamp) -> String {
        let given = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let given: BTreeMap<String, String> = given.collect();
        self.insert(table, given, "beth", (now, now)).unwrap_or_default()
    }

    /// Makes a record; it is found by a search from the second time on.
    pub(super) fn insert(
        &mut self,
        table: &str,
        mut fields: BTreeMap<String, String>,
        by: &str,
        (now, visible_at): (Timestamp, Timestamp),
    ) -> Option<String> {
        self.counted += 1;
        let id = format!("{:032x}", 0xb000 + self.counted);
        let (prefix, state) = match table {
            "incident" => ("INC", "1"),
            "problem" => ("PRB", "101"),
            _ => ("", ""),
        };
        let own = [
            ("sys_id", id.clone()),
            ("sys_created_by", by.to_owned()),
            ("sys_created_on", stamp(now)),
            ("sys_updated_on", stamp(now)),
            ("sys_mod_count", "0".to_owned()),
        ];
        fields.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if !prefix.is_empty() {
            fields.insert("number".to_owned(), format!("{prefix}{:07}", 50_000 + self.counted));
            fields.insert("state".to_owned(), state.to_owned());
            for name in ["correlation_id", "cmdb_ci", "caused_by", "problem_id"] {
                fields.entry(name.to_owned()).or_default();
            }
        }
        self.table_mut(table)?.push(Record { fields, visible_at });
        Some(id)
    }

    pub(super) fn find(&self, table: &str, id: &str) -> Option<&Record> {
        self.table(table)?.iter().find(|record| record.field("sys_id") == id)
    }

    /// Alters a record; gives its work note too.
    pub(super) fn patch(
        &mut self,
        table: &str,
        id: &str,
        seen: &Seen,
        now: Timestamp,
    ) -> (Said, Option<String>) {
        let Value::Object(given) = seen.json() else {
            return (failure(400, "Invalid JSON"), None);
        };
        let meanwhile = std::mem::take(&mut self.meanwhile);
        let rows = self.table_mut(table).into_iter().flatten();
        let Some(record) = rows.into_iter().find(|record| record.field("sys_id") == id) else {
            return (failure(404, "No Record found"), None);
        };
        for (name, value) in &meanwhile {
            record.fields.insert((*name).to_owned(), (*value).to_owned());
            record.touch(now);
        }
        if let Some(state) = given.get("state").and_then(Value::as_str)
            && let Err(why) = may_move(table, record, state, &given)
        {
            return (failure(403, why), None);
        }
        let mut note = None;
        for (name, value) in given {
            let value = value.as_str().unwrap_or_default().to_owned();
            if name == "work_notes" {
                note = Some(value);
            } else {
                record.fields.insert(name, value);
            }
        }
        record.touch(now);
        (Said::json(200, &json!({ "result": raw(record, "") })), note)
    }

    /// Identification and reconciliation: by the native key, else by the name.
    pub(super) fn identify(&mut self, seen: &Seen, by: &str, now: Timestamp) -> Said {
        let body = seen.json();
        let items = body.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut results = Vec::new();
        for item in items {
            let class = item["className"].as_str().unwrap_or_default();
            let name = item["values"]["name"].as_str().unwrap_or_default();
            if class != "cmdb_ci_service" || name.is_empty() {
                let error = json!({ "error": "INVALID_INPUT_DATA", "message": "no such class" });
                results.push(json!({ "className": class, "errors": [error], "errorCount": 1 }));
                continue;
            }
            let known = self.items.iter().find(|record| record.field("name") == name);
            let (id, operation) = match known {
                Some(known) => (known.field("sys_id").to_owned(), "NO_CHANGE"),
                None => {
                    let fields = [("name".to_owned(), name.to_owned())].into();
                    let id = self.insert("cmdb_ci_service", fields, by, (now, now));
                    (id.unwrap_or_default(), "INSERT")
                }
            };
            results.push(json!({
                "className": class, "sysId": id, "operation": operation,
                "identificationAttempts": [{ "attemptResult": "MATCHED" }], "errorCount": 0,
            }));
        }
        Said::json(200, &json!({ "result": { "items": results, "relations": [] } }))
    }

    /// Attaches a file: its name is no key, so that it can be there twice.
    pub(super) fn attach(&mut self, seen: &Seen, now: Timestamp) -> Said {
        if self.refuses_files {
            return failure(403, "Attachment type is not allowed");
        }
        self.counted += 1;
        let query = |name: &str| seen.query.get(name).cloned().unwrap_or_default();
        let fields = [
            ("sys_id", format!("{:032x}", 0xf000 + self.counted)),
            ("table_name", query("table_name")),
            ("table_sys_id", query("table_sys_id")),
            ("file_name", query("file_name")),
            ("size_bytes", seen.body.len().to_string()),
            ("content", String::from_utf8_lossy(&seen.body).into_owned()),
        ];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let file = Record { fields, visible_at: now };
        let said = Said::json(201, &json!({ "result": raw(&file, LISTED) }));
        self.attachments.push(file);
        said
    }

    /// Scans that have ended since this was asked last: the change's id, and when.
    pub(super) fn ended_scans(&mut self, now: Timestamp) -> Vec<(String, Timestamp)> {
        let mut ended = Vec::new();
        for (id, began) in &self.scans {
            let end = began.checked_add(SCAN).unwrap_or(*began);
            if end <= now && self.noted.insert(id.clone()) {
                ended.push((id.clone(), end));
            }
        }
        ended
    }

    /// How a scan for conflicts goes; `status` says `Conflict` whether there is one or not.
    pub(super) fn scan(&mut self, change: &Record, begins: bool, now: Timestamp) -> Said {
        let id = change.field("sys_id").to_owned();
        if begins {
            let missing = ["cmdb_ci", "start_date", "end_date"];
            if missing.iter().any(|name| change.field(name).is_empty()) {
                return failure(400, "Conflict detection cannot be started");
            }
            self.scans.insert(id.clone(), now);
            self.noted.remove(&id);
            return Said::json(200, &json!({ "result": id }));
        }
        let ended = self.scans.get(&id).and_then(|began| began.checked_add(SCAN).ok());
        let (last_run, job) = match ended {
            None => (String::new(), ""),
            Some(ended) if ended > now => (String::new(), "In Progress"),
            Some(ended) => (stamp(ended), "Complete"),
        };
        let found = self.conflicts.get(&id).filter(|_| !last_run.is_empty());
        let found: Vec<Value> = found
            .into_iter()
            .flatten()
            .map(|kind| json!({ "type": { "value": kind, "display_value": kind } }))
            .collect();
        Said::json(
            200,
            &json!({ "result": {
                "status": { "value": "Conflict", "display_value": "Conflict" },
                "last_run": { "value": last_run, "display_value": last_run },
                "record_count": found.len().to_string(), "job_status": job, "conflicts": found,
            } }),
        )
    }
}

/// The fields of an attachment that a list shows.
pub(super) const LISTED: &str = "sys_id,table_name,table_sys_id,file_name,size_bytes";

fn may_move(
    table: &str,
    record: &Record,
    to: &str,
    given: &serde_json::Map<String, Value>,
) -> Result<(), &'static str> {
    let from = record.field("state");
    if from == to {
        return Ok(());
    }
    let aborted = "Operation was aborted by Business Rule";
    let has = |name: &str| given.get(name).and_then(Value::as_str).is_some_and(|it| !it.is_empty());
    if table == "incident" {
        if matches!(from, "7" | "8") {
            return Err(aborted);
        }
        let lacks = match to {
            "3" => !has("hold_reason"),
            "6" | "7" | "8" => !has("close_code") || !has("close_notes"),
            _ => false,
        };
        return if lacks { Err("Data Policy Exception: mandatory fields") } else { Ok(()) };
    }
    let at = WAY.iter().position(|state| *state == from);
    if at.and_then(|at| WAY.get(at + 1)) != Some(&to) {
        return Err(aborted);
    }
    if to == "106" && !has("resolution_code") {
        return Err("Data Policy Exception: resolution code is mandatory");
    }
    Ok(())
}
