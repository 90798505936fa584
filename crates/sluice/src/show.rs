//! Tables of JSON records, for people.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::output;

/// A column: its heading, and where its value stands in a record.
pub(crate) type Column = (&'static str, &'static str);

/// Prints records as a table, or as JSON.
pub(crate) fn records(records: &Value, columns: &[Column], as_json: bool) {
    if as_json {
        return output::json(records);
    }
    let rows = rows_of(records);
    let cursor = cursor_of(records);
    if rows.is_empty() && cursor.is_none() {
        return output::note("nothing to show");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for row in rows {
        table.add_row(columns.iter().map(|(_, pointer)| cell(row.pointer(pointer))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    for row in text.lines() {
        output::line(row.trim_end());
    }
    if let Some(cursor) = cursor {
        output::note(&format!("there are more: `--cursor {cursor}`"));
    }
}

/// Where the list goes on, if it does.
fn cursor_of(answer: &Value) -> Option<String> {
    let (_, query) = answer.get("next")?.as_str()?.split_once('?')?;
    let cursor = query.split('&').find_map(|part| part.strip_prefix("cursor="))?;
    Some(output::clean(cursor))
}

/// Prints one record as `name  value` lines, or as JSON.
pub(crate) fn record(record: &Value, lines: &[Column], as_json: bool) {
    if as_json {
        return output::json(record);
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, pointer) in lines {
        let text = cell(record.pointer(pointer));
        if !text.is_empty() {
            output::line(&format!("{name:width$}  {text}"));
        }
    }
}

/// The records of an answer: the answer itself, or its `items`.
pub(crate) fn rows_of(answer: &Value) -> &[Value] {
    let rows = answer.get("items").unwrap_or(answer);
    rows.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A value as text for people: lists joined, names before ids.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => output::clean(text).replace('\n', " "),
        Some(Value::Array(items)) => {
            items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(", ")
        }
        Some(Value::Object(members)) => {
            let named = ["name", "handle", "number", "id", "code"].iter();
            match named.filter_map(|name| members.get(*name)).find(|value| !value.is_null()) {
                Some(name) => cell(Some(name)),
                None => members
                    .iter()
                    .map(|(name, value)| format!("{name} {}", cell(Some(value))))
                    .collect::<Vec<_>>()
                    .join(", "),
            }
        }
        Some(other) => other.to_string(),
    }
}
