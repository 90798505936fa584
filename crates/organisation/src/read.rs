//! Reading a whole folder.

use std::collections::BTreeMap;

use sluice_core::ids::Digest;
use sluice_core::organisation::{Item, ItemKind, PolicyFile, PolicyFormat};

use crate::desk::{Desk, shortened};
use crate::findings::{Findings, PROBLEMS_LIMIT, PersonRecord};
use crate::folder::{FileKind, Folder, WantedFile};
use crate::keys::Keys;
use crate::problem::{Place, Problem, Severity};
use crate::words::{quoted, suggest};
use crate::yaml::{self, Node, Position, Value};
use crate::{backstage, checks, sections};

/// What a folder says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// All items, by kind and name. Complete only when no problem is an error.
    pub items: Vec<Item>,
    /// The bytes of policy files, by digest.
    pub texts: BTreeMap<Digest, Vec<u8>>,
    /// The people behind the opaque ids.
    pub people: Vec<PersonRecord>,
    /// Where each item stands, by kind and [`Item::name`].
    pub sources: BTreeMap<(ItemKind, String), Place>,
    /// Everything that is wrong, by place.
    pub problems: Vec<Problem>,
    settings: BTreeMap<(String, String), Place>,
}

/// Reads a folder. Pure and total: whatever is in it, the answer is a reading; its time and memory
/// are bounded by the limits of [`Folder`].
pub fn read(folder: &Folder, keys: &dyn Keys) -> Reading {
    let mut findings = Findings::default();
    let (files, refused) = folder.readable();
    for problem in refused {
        findings.report(problem);
    }
    for WantedFile { path: file, kind, bytes } in &files {
        if findings.is_full() {
            // Nothing that follows would be told, and nothing of it can be applied.
            break;
        }
        let mut desk = Desk { file, folder, keys, findings: &mut findings };
        match kind {
            FileKind::Yaml => read_yaml(&mut desk, bytes),
            FileKind::Rego => read_rego(&mut desk, bytes),
            // Calendars are read by the windows that name them.
            FileKind::Calendar => {}
        }
    }
    checks::run(&mut findings, keys);
    for file in files.iter().filter(|file| file.kind == FileKind::Calendar) {
        if !findings.used_calendars.contains(file.path) {
            let message = "no window is read from this calendar".to_owned();
            let help = format!("add a window with `ics: {}`, or remove the file", file.path);
            findings.warn(Place::start_of(file.path), "unused_file", message, help);
        }
    }
    finish(findings)
}

impl Reading {
    /// Whether the folder can be applied.
    pub fn is_sound(&self) -> bool {
        !self.problems.iter().any(Problem::is_error)
    }

    /// Where a setting of a link stands, by JSON pointer into its settings (`""` for all of them);
    /// the nearest setting around it, or the link, where it has no place of its own.
    pub fn place_of_setting(&self, link: &str, pointer: &str) -> Option<&Place> {
        let mut pointer = format!("/settings{pointer}");
        loop {
            if let Some(place) = self.settings.get(&(link.to_owned(), pointer.clone())) {
                return Some(place);
            }
            match pointer.rfind('/') {
                Some(at) => pointer.truncate(at),
                None => return self.sources.get(&(ItemKind::Link, link.to_owned())),
            }
        }
    }

    /// Where the name of a link's connector stands.
    pub fn place_of_connector(&self, link: &str) -> Option<&Place> {
        let key = (link.to_owned(), "/connector".to_owned());
        self.settings.get(&key).or_else(|| self.sources.get(&(ItemKind::Link, link.to_owned())))
    }
}

fn finish(findings: Findings) -> Reading {
    let full = findings.is_full();
    let Findings { mut items, texts, mut people, sources, parts, mut problems, .. } = findings;
    items.sort_by(|a, b| (a.kind(), a.name()).cmp(&(b.kind(), b.name())));
    people.sort_by(|a, b| a.handle.cmp(&b.handle));
    problems.sort();
    problems.dedup();
    if full {
        let place = problems.last().map_or(Place::start_of(""), |last| last.place.clone());
        let message = format!("only the first {PROBLEMS_LIMIT} problems are told");
        let help = "mend these and check again".to_owned();
        let code = "too_many_problems";
        problems.push(Problem { place, severity: Severity::Error, code, message, help });
    }
    let settings = parts
        .into_iter()
        .filter(|((kind, _, part), _)| *kind == ItemKind::Link && part.starts_with('/'))
        .map(|((_, link, pointer), place)| ((link, pointer), place))
        .collect();
    Reading { items, texts, people, sources, problems, settings }
}

fn read_yaml(desk: &mut Desk<'_>, bytes: &[u8]) {
    let Some(text) = utf8(desk, bytes) else { return };
    let parsed = yaml::parse(text);
    for flaw in parsed.flaws {
        desk.error(flaw.at, flaw.code, flaw.message, flaw.help);
    }
    let guards = |node: &Node| node.member("guardrails").is_some();
    if parsed.documents.iter().any(guards) {
        return read_guardrails(desk, &parsed.documents, bytes);
    }
    for document in &parsed.documents {
        if backstage::is_entity(document) {
            backstage::read(desk, document);
            continue;
        }
        let Value::Map(entries) = &document.value else {
            desk.wrong_type(
                document,
                "a file must be a mapping of sections",
                "write `services:` first",
            );
            continue;
        };
        for entry in entries {
            if sections::SECTIONS.contains(&entry.key.as_str()) {
                sections::read(desk, &entry.key, &entry.value);
                continue;
            }
            let message = format!("`{}` is not a section", shortened(&entry.key));
            let help = suggest(&entry.key, sections::SECTIONS.iter().copied(), || {
                format!("known are {}", quoted(sections::SECTIONS.iter().copied()))
            });
            desk.error(entry.key_at, "unknown_key", message, help);
        }
    }
}

/// A file with guardrails is a file of the policy as a whole; the policy knows what they mean.
fn read_guardrails(desk: &mut Desk<'_>, documents: &[Node], bytes: &[u8]) {
    for document in documents {
        let Value::Map(entries) = &document.value else { continue };
        for entry in entries.iter().filter(|entry| entry.key != "guardrails") {
            let message = format!("`{}` stands in a file of guardrails", shortened(&entry.key));
            let help = "guardrails are a file of the policy: keep them in a file of their own";
            desk.error(entry.key_at, "guardrails_not_alone", message, help);
        }
    }
    if let Some(second) = documents.get(1) {
        let help = "keep guardrails in a file of their own, with one document";
        desk.error(second.at, "guardrails_not_alone", "a file of guardrails is one document", help);
    }
    for guardrail in documents.iter().flat_map(|document| elements(document, "guardrails")) {
        if let Some(when) = guardrail.member("when").filter(|when| !when.is_null()) {
            sections::read_scope(desk, when);
        }
    }
    let at = documents.first().map_or(Position { line: 1, column: 1, length: 1 }, |node| node.at);
    add_policy_file(desk, PolicyFormat::Guardrails, bytes, at);
}

/// The elements of a list that a mapping has.
fn elements<'n>(document: &'n Node, key: &str) -> &'n [Node] {
    match document.member(key).map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn read_rego(desk: &mut Desk<'_>, bytes: &[u8]) {
    if utf8(desk, bytes).is_none() {
        return;
    }
    let format = match desk.file.ends_with("_test.rego") {
        true => PolicyFormat::RegoTest,
        false => PolicyFormat::Rego,
    };
    add_policy_file(desk, format, bytes, Position { line: 1, column: 1, length: 1 });
}

fn add_policy_file(desk: &mut Desk<'_>, format: PolicyFormat, bytes: &[u8], at: Position) {
    let path = desk.file.to_owned();
    if !desk.declare(ItemKind::PolicyFile, &path, &path, at) {
        return;
    }
    let digest = Digest::of(bytes);
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    desk.findings.texts.insert(digest.clone(), bytes.to_vec());
    let file = PolicyFile { path, format, digest, size_bytes };
    desk.findings.items.push(Item::PolicyFile(file));
}

fn utf8<'b>(desk: &mut Desk<'_>, bytes: &'b [u8]) -> Option<&'b str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(problem) => {
            let before = bytes.get(..problem.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            let column = String::from_utf8_lossy(last).chars().count() + 1;
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            let at = Position { line: number(line), column: number(column), length: 1 };
            desk.error(at, "not_utf8", "the file is not UTF-8", "save it as UTF-8");
            None
        }
    }
}
