//! Blackout and maintenance schedules of a ServiceNow instance, with their entries.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::servicenow::{Record, matches, raw};
use super::{Said, Seen};

/// The schedules.
#[derive(Debug, Default)]
pub struct Schedules {
    schedules: Vec<Record>,
    spans: Vec<Record>,
    /// Ids of rows that the account may not see: they are missing in lists, and count.
    pub hidden: Vec<String>,
    /// Fields that the account may not read: they are empty in every row.
    pub hidden_fields: Vec<String>,
    /// Whether parts of queries that go through another table are as if they were not there.
    pub drops_walks: bool,
    counted: u64,
}

impl Schedules {
    /// A schedule of a class (`blackout`, `maintenance`, or `plain`); gives its id.
    pub fn schedule(&mut self, class: &str, name: &str, zone: &str) -> String {
        let class = match class {
            "plain" => "cmn_schedule".to_owned(),
            class => format!("cmn_schedule_{class}"),
        };
        let id = self.id();
        let fields = [
            ("sys_id", id.as_str()),
            ("name", name),
            ("time_zone", zone),
            ("sys_class_name", &class),
        ];
        self.schedules.push(Record::shown(&fields));
        id
    }

    /// An entry of a schedule: from, to, and further fields; gives its id.
    pub fn span(&mut self, schedule: &str, from: &str, to: &str, more: &[(&str, &str)]) -> String {
        let of = self.schedules.iter().find(|one| one.field("sys_id") == schedule);
        let class = of.map_or("", |one| one.field("sys_class_name")).to_owned();
        let kind = class.trim_start_matches("cmn_schedule_").to_owned();
        let id = self.id();
        let mut fields = vec![
            ("sys_id", id.as_str()),
            ("schedule", schedule),
            ("schedule.sys_class_name", &class),
            ("type", &kind),
            ("name", ""),
            ("start_date_time", from),
            ("end_date_time", to),
            ("all_day", "false"),
            ("repeat_type", ""),
            ("repeat_count", "1"),
            ("repeat_until", "00000000"),
        ];
        fields.extend_from_slice(more);
        self.spans.push(Record::shown(&fields));
        id
    }

    /// Somebody alters an entry.
    pub fn edit(&mut self, span: &str, fields: &[(&str, &str)]) {
        for record in self.spans.iter_mut().filter(|record| record.field("sys_id") == span) {
            let fields =
                fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            record.fields.extend(fields);
        }
    }

    /// Somebody deletes an entry.
    pub fn delete(&mut self, span: &str) {
        self.spans.retain(|record| record.field("sys_id") != span);
    }

    fn id(&mut self) -> String {
        self.counted += 1;
        format!("{:032x}", self.counted + 0xc0_0000)
    }

    pub(super) fn list(&self, table: &str, seen: &Seen) -> Said {
        let rows = if table == "cmn_schedule" { &self.schedules } else { &self.spans };
        let text = |name: &str| seen.query.get(name).map_or("", String::as_str);
        let query: Vec<&str> = text("sysparm_query")
            .split('^')
            .filter(|term| !self.drops_walks || !term.starts_with("schedule."))
            .collect();
        let query = query.join("^");
        let found: Vec<&Record> = rows.iter().filter(|row| matches(row, &query)).collect();
        let limit = text("sysparm_limit").parse().unwrap_or(10_000);
        let offset = text("sysparm_offset").parse().unwrap_or(0);
        let page = found.iter().skip(offset).take(limit);
        let page = page.filter(|row| !self.hidden.iter().any(|id| id == row.field("sys_id")));
        let mut list: Vec<Value> = page.map(|row| raw(row, text("sysparm_fields"))).collect();
        for name in &self.hidden_fields {
            for row in list.iter_mut().filter(|row| row.get(name).is_some()) {
                row[name] = json!("");
            }
        }
        let mut said = Said::json(200, &json!({ "result": list }));
        said.headers.push(("x-total-count".to_owned(), found.len().to_string()));
        said
    }
}

impl Record {
    /// A record that every search finds.
    fn shown(fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { fields: fields.collect::<BTreeMap<_, _>>(), visible_at: jiff::Timestamp::MIN }
    }
}
