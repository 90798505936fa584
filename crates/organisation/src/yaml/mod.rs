//! YAML as a tree in which every value knows its place.
//!
//! What is read is YAML 1.2 with its core schema, less what makes files hard to check: anchors,
//! aliases, merge keys and tags are refused by name. The reader reports all problems of a file and
//! leaves a hole ([`Value::Broken`]) where one was, so that no second problem follows from it.

mod build;
mod scalar;

pub(crate) use build::parse;
pub(crate) use scalar::Scalar;

/// A spot in a file: line and column from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) length: u32,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A scalar as written; `plain` when without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in order, each key once.
    Map(Vec<Entry>),
    /// Something that was refused, and named, already.
    Broken,
}

/// One key of a mapping with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Position,
    pub(crate) value: Node,
}

/// Something that is wrong with the file as YAML.
#[derive(Debug, Clone)]
pub(crate) struct Flaw {
    pub(crate) at: Position,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Node {
    /// What a scalar means by the core schema; none for lists, mappings and holes.
    pub(crate) fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.value {
            Value::Scalar { text, plain: true } => Some(Scalar::of_plain(text)),
            Value::Scalar { text, plain: false } => Some(Scalar::Text(text)),
            Value::List(_) | Value::Map(_) | Value::Broken => None,
        }
    }

    /// Whether nothing stands here.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    /// Whether the value was refused already.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.value, Value::Broken)
    }

    /// The member of a mapping.
    pub(crate) fn member(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
            }
            Value::Scalar { .. } | Value::List(_) | Value::Broken => None,
        }
    }

    /// What stands here, with its article.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Broken => "nothing readable",
            Value::Scalar { .. } => match self.scalar() {
                Some(Scalar::Null) | None => "nothing",
                Some(Scalar::Bool(_)) => "true or false",
                Some(Scalar::Integer(_) | Scalar::Float(_)) => "a number",
                Some(Scalar::Text(_)) => "a text",
            },
        }
    }
}
