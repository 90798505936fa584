//! The ways of reading a value. Each names what is wrong with it.
//!
//! Every way gives none (or a default) after it has reported the problem, so that reading goes on
//! and all problems are found in one go. Holes that were reported already ([`Node::is_broken`]) are
//! passed over in silence.

use crate::desk::{Desk, Table, shortened};
use crate::words::{quoted, suggest};
use crate::yaml::{Entry, Node, Position, Scalar, Value};

/// The longest text that is read as one value, in bytes.
const TEXT_LIMIT_BYTES: usize = 4_096;

impl Desk<'_> {
    /// A mapping with none but `known` keys.
    pub(crate) fn table<'n>(
        &mut self,
        node: &'n Node,
        what: &'static str,
        known: &[&str],
    ) -> Option<Table<'n>> {
        let table = self.open_table(node, what)?;
        for entry in table.entries {
            if !known.contains(&entry.key.as_str()) {
                let message = format!("`{}` is not a key of {what}", shortened(&entry.key));
                let help = suggest(&entry.key, known.iter().copied(), || {
                    format!("known are {}", quoted(known.iter().copied()))
                });
                self.error(entry.key_at, "unknown_key", message, help);
            }
        }
        Some(table)
    }

    /// A mapping with any keys.
    pub(crate) fn open_table<'n>(
        &mut self,
        node: &'n Node,
        what: &'static str,
    ) -> Option<Table<'n>> {
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, &format!("{what} must be a mapping"), "write `key: value` lines");
            return None;
        };
        Some(Table { what, at: node.at, entries })
    }

    /// The keys and values of a mapping.
    pub(crate) fn pairs<'n>(&mut self, node: &'n Node, what: &'static str) -> &'n [Entry] {
        self.open_table(node, what).map_or(&[], |table| table.entries)
    }

    /// The items of a list.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.value {
            Value::List(items) => items,
            Value::Scalar { .. } | Value::Map(_) | Value::Broken => {
                if !node.is_null() {
                    self.wrong_type(
                        node,
                        &format!("{what} must be a list"),
                        "write `- ` before each",
                    );
                }
                &[]
            }
        }
    }

    pub(crate) fn wrong_type(&mut self, node: &Node, wanted: &str, help: &str) {
        if !node.is_broken() {
            let message = format!("{wanted}, but this is {}", node.describe());
            self.error(node.at, "wrong_type", message, help);
        }
    }

    /// A text. Numbers and truth values are none, unless they are quoted.
    pub(crate) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let Some(Scalar::Text(text)) = node.scalar() else {
            let help = match node.value {
                Value::Scalar { .. } => "put it in quotes",
                Value::List(_) | Value::Map(_) | Value::Broken => "write one text",
            };
            self.wrong_type(node, &format!("{what} must be a text"), help);
            return None;
        };
        if text.len() > TEXT_LIMIT_BYTES {
            let message = format!("{what} is longer than {TEXT_LIMIT_BYTES} bytes");
            self.error(node.at, "bad_value", message, "shorten it");
            return None;
        }
        Some(text.trim().to_owned())
    }

    /// A text where numbers are welcome as they are written.
    pub(crate) fn loose_text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Value::Scalar { text, .. } if text.len() <= TEXT_LIMIT_BYTES => {
                Some(text.trim().to_owned())
            }
            Value::Scalar { .. } | Value::List(_) | Value::Map(_) | Value::Broken => {
                self.text(node, what)
            }
        }
    }

    /// The text of an optional key; empty when absent.
    pub(crate) fn text_of(&mut self, table: &Table<'_>, key: &str) -> String {
        let node = table.get(key);
        node.and_then(|node| self.text(node, &format!("`{key}`"))).unwrap_or_default()
    }

    /// One text or a list of texts, each with its place.
    pub(crate) fn texts(&mut self, node: &Node, what: &str) -> Vec<(String, Position)> {
        let single = std::slice::from_ref(node);
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Scalar { .. } | Value::Map(_) | Value::Broken => single,
        };
        let what = format!("an entry of {what}");
        items.iter().filter_map(|item| Some((self.text(item, &what)?, item.at))).collect()
    }

    /// The texts of an optional key.
    pub(crate) fn texts_of(&mut self, table: &Table<'_>, key: &str) -> Vec<(String, Position)> {
        table.get(key).map(|node| self.texts(node, &format!("`{key}`"))).unwrap_or_default()
    }

    /// `true` or `false`.
    pub(crate) fn truth_of(&mut self, table: &Table<'_>, key: &str, default: bool) -> bool {
        let Some(node) = table.get(key) else { return default };
        let Some(Scalar::Bool(truth)) = node.scalar() else {
            self.wrong_type(
                node,
                &format!("`{key}` must be true or false"),
                "write `true` or `false`",
            );
            return default;
        };
        truth
    }

    /// A whole number within a range.
    pub(crate) fn number(
        &mut self,
        node: &Node,
        what: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let Some(Scalar::Integer(number)) = node.scalar() else {
            self.wrong_type(node, &format!("{what} must be a whole number"), "write digits only");
            return None;
        };
        let number = u32::try_from(number).ok().filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("{what} must be from {} to {}", range.start(), range.end());
            self.error(node.at, "bad_value", message, "write a number in this range");
        }
        number
    }

    /// One word of a closed list.
    pub(crate) fn word<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let given = self.text(node, what)?;
        self.word_of(&given, node.at, what, words)
    }

    /// One word of a closed list, read already.
    pub(crate) fn word_of<T: Copy>(
        &mut self,
        given: &str,
        at: Position,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{}` is not a value of {what}", shortened(given));
            let known = || words.iter().map(|(word, _)| *word);
            let help = suggest(given, known(), || format!("write one of {}", quoted(known())));
            self.error(at, "bad_value", message, help);
        }
        found
    }

    /// A name of one of the domain's kinds.
    pub(crate) fn name<T: std::str::FromStr<Err = sluice_core::ids::BadId>>(
        &mut self,
        text: &str,
        at: Position,
    ) -> Option<T> {
        match text.parse() {
            Ok(name) => Some(name),
            Err(problem) => {
                let message = format!("`{}` is not {}", shortened(text), problem.wanted);
                self.error(at, "bad_name", message, problem.help);
                None
            }
        }
    }
}
