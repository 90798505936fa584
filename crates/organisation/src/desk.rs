//! The desk: one file being read, with everything that is found on the way.

use sluice_core::organisation::ItemKind;

use crate::findings::{Dimension, Findings, Mention, Reference};
use crate::folder::Folder;
use crate::keys::Keys;
use crate::problem::{Place, Problem, Severity};
use crate::yaml::{Entry, Node, Position};

/// One file being read.
pub(crate) struct Desk<'a> {
    pub(crate) file: &'a str,
    pub(crate) folder: &'a Folder,
    pub(crate) keys: &'a dyn Keys,
    pub(crate) findings: &'a mut Findings,
}

/// A mapping whose keys were checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'n> {
    /// What it describes, with its article.
    pub(crate) what: &'static str,
    pub(crate) at: Position,
    pub(crate) entries: &'n [Entry],
}

impl<'n> Table<'n> {
    /// The value of a key; none when absent or empty.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.value).filter(|value| !value.is_null())
    }

    /// The value of a key that has to be there.
    pub(crate) fn required(&self, desk: &mut Desk<'_>, key: &'static str) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            let given = self.entries.iter().find(|entry| entry.key == key);
            let (at, state) = match given {
                Some(entry) => (entry.key_at, "is empty"),
                None => (self.at, "is missing"),
            };
            let message = format!("`{key}` of {} {state}", self.what);
            desk.error(at, "missing_key", message, format!("add `{key}: ...`"));
        }
        found
    }

    /// Where a key stands, or else the mapping.
    pub(crate) fn key_at(&self, key: &str) -> Position {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.map_or(self.at, |entry| entry.key_at)
    }
}

impl Desk<'_> {
    pub(crate) fn place(&self, at: Position) -> Place {
        let Position { line, column, length } = at;
        Place { file: self.file.to_owned(), line, column, length }
    }

    pub(crate) fn error(
        &mut self,
        at: Position,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problem(at, Severity::Error, code, message.into(), help.into());
    }

    pub(crate) fn warn(
        &mut self,
        at: Position,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problem(at, Severity::Warning, code, message.into(), help.into());
    }

    fn problem(
        &mut self,
        at: Position,
        severity: Severity,
        code: &'static str,
        message: String,
        help: String,
    ) {
        let place = self.place(at);
        self.findings.report(Problem { place, severity, code, message, help });
    }

    /// Notes that an item is declared here, or that its name is taken. `name` is what people
    /// write, `own` the item's own name where it differs.
    pub(crate) fn declare(&mut self, kind: ItemKind, name: &str, own: &str, at: Position) -> bool {
        let place = self.place(at);
        if let Some(first) = self.findings.names.get(&(kind, name.to_owned())) {
            let what = match kind {
                ItemKind::Settings => "`settings`".to_owned(),
                kind => format!("the {} `{name}`", kind.as_str().replace('_', " ")),
            };
            let message = format!("{what} stands here a second time, first at {first}");
            self.error(at, "duplicate_name", message, "rename one of them, or remove it");
            return false;
        }
        self.findings.names.insert((kind, name.to_owned()), place.clone());
        self.findings.sources.insert((kind, own.to_owned()), place);
        true
    }

    /// Notes where a part of an item stands.
    pub(crate) fn part(&mut self, kind: ItemKind, own: &str, part: &str, at: Position) {
        let place = self.place(at);
        self.findings.parts.insert((kind, own.to_owned(), part.to_owned()), place);
    }

    /// Notes that something has to be declared.
    pub(crate) fn refer(&mut self, kind: ItemKind, name: &str, at: Position, by: String) {
        let (name, at) = (name.to_owned(), self.place(at));
        self.findings.references.push(Reference { kind, name, at, by });
    }

    /// Notes that a word should match something.
    pub(crate) fn mention(&mut self, dimension: Dimension, word: &str, at: Position) {
        let (word, at) = (word.to_owned(), self.place(at));
        self.findings.mentions.push(Mention { dimension, word, at });
    }
}

/// A text cut to what a message can carry.
pub(crate) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}
