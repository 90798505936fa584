//! The parts of Jira's answers that are read, and documents in both of its forms.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::config::Product;
use crate::kit::time;

/// Fields that are asked for.
pub(super) const FIELDS: &str = "status,labels,description,created,updated";
/// The same without what anybody may have made long.
pub(super) const BRIEF: &str = "status,labels,created,updated";

/// An issue, as far as we read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) labels: Vec<String>,
    pub(super) status: String,
    /// Whether its status counts as done over there.
    pub(super) done: bool,
    pub(super) description: String,
    pub(super) created: Option<Timestamp>,
    pub(super) updated: Option<Timestamp>,
}

impl Row {
    /// Whether it is of a project.
    pub(super) fn is_of(&self, project: &str) -> bool {
        self.key.strip_prefix(project).is_some_and(|rest| rest.starts_with('-'))
    }

    pub(super) fn read(issue: &Value) -> Option<Self> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let id = text(issue.get("id")).filter(|id| is_id(id))?;
        let key = text(issue.get("key")).filter(|key| is_key(key))?;
        let fields = issue.get("fields")?;
        let labels = fields.get("labels")?.as_array()?;
        let category = fields.pointer("/status/statusCategory/key").and_then(Value::as_str);
        let at = |name: &str| fields.get(name).and_then(Value::as_str).and_then(time::read);
        Some(Self {
            id,
            key,
            labels: labels.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            status: text(fields.pointer("/status/name"))?,
            done: category == Some("done"),
            description: fields.get("description").map(text_of).unwrap_or_default(),
            created: at("created"),
            updated: at("updated"),
        })
    }
}

/// Digits, of which the address of an issue is made.
pub(super) fn is_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

fn is_key(key: &str) -> bool {
    let sound = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=80).contains(&key.len()) && key.bytes().all(sound)
}

/// Lines as a document in the form that the product takes.
pub(super) fn document(product: Product, lines: &[String]) -> Value {
    match product {
        Product::DataCenter => {
            Value::String(lines.iter().map(|line| wiki(line)).collect::<Vec<_>>().join("\n"))
        }
        Product::Cloud => {
            let paragraphs: Vec<Value> =
                lines.iter().filter(|line| !line.is_empty()).map(|line| paragraph(line)).collect();
            json!({ "type": "doc", "version": 1, "content": paragraphs })
        }
    }
}

fn paragraph(line: &str) -> Value {
    let mut text = json!({ "type": "text", "text": line });
    if line.starts_with("https://") && !line.contains(' ') {
        text["marks"] = json!([{ "type": "link", "attrs": { "href": line } }]);
    }
    json!({ "type": "paragraph", "content": [text] })
}

/// Text that makes no macro, link or picture.
fn wiki(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '{' | '[' | '!' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The plain text of a document in either form, one line for each paragraph.
pub(super) fn text_of(document: &Value) -> String {
    let mut text = String::new();
    gather(document, &mut text, 0);
    text
}

/// The deepest that a document is read.
const DEEPEST: u32 = 32;

fn gather(node: &Value, text: &mut String, depth: u32) {
    if depth > DEEPEST {
        return;
    }
    match node {
        Value::String(plain) => text.push_str(plain),
        Value::Object(members) => {
            if let Some(plain) = members.get("text").and_then(Value::as_str) {
                text.push_str(plain);
            }
            for child in members.get("content").and_then(Value::as_array).into_iter().flatten() {
                gather(child, text, depth + 1);
            }
            if matches!(
                members.get("type").and_then(Value::as_str),
                Some("paragraph" | "heading" | "hardBreak" | "codeBlock")
            ) {
                text.push('\n');
            }
        }
        _ => {}
    }
}
