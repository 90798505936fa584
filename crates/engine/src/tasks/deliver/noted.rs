//! What is known of a neighbour from telling it: kept beside the journal, and as events where people ask for it.

use std::collections::BTreeMap;

use sluice_connectors::tell::Receipt;
use sluice_core::effect::{Effect, entry_of};
use sluice_core::event::Event;
use sluice_core::ids::LinkName;
use sluice_core::link::{Disagreement, ReferenceRecorded};
use sluice_store::Row;
use sluice_store::rows::{ExternalRefRow, OutboxRow};

use super::line::Line;
use super::looks;
use super::news::{LEFT, SENT, TOLD, shown_row, stands_rows};
use crate::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// What is new in a receipt, as events and rows, with what is to be looked at because of it.
    pub(super) async fn learned(
        &self,
        line: &Line,
        entity: &str,
        effect: Option<&Effect>,
        mut receipt: Receipt,
    ) -> Result<(Vec<Event>, Vec<Row>), EngineError> {
        let (known, now) = (self.known(&line.name, entity).await?, self.now());
        let mut beside = Vec::new();
        for (other, name, value) in std::mem::take(&mut receipt.beside) {
            if self.known(&line.name, &other).await?.get(name) != Some(&value) {
                beside.push((other, name, value));
            }
        }
        receipt.beside = beside;
        let mut looks: Vec<Row> =
            looks::owed(line, entity, &known, &receipt, now).into_iter().collect();
        if let Some(effect) = effect {
            looks.extend(self.links_owed(line, effect, &known, &receipt).await?);
        }
        let (events, mut rows) = noted(&line.name, entity, &known, receipt, now);
        rows.extend(looks);
        Ok((events, rows))
    }
}

fn noted(
    link: &LinkName,
    entity: &str,
    known: &BTreeMap<String, String>,
    mut receipt: Receipt,
    now: jiff::Timestamp,
) -> (Vec<Event>, Vec<Row>) {
    let (mut events, mut rows): (Vec<Event>, Vec<Row>) = Default::default();
    for (entity, name, value) in std::mem::take(&mut receipt.beside) {
        rows.push(reference(link, &entity, name, value.clone()));
        let (link, name) = (link.clone(), name.to_owned());
        events.push(ReferenceRecorded { link, entity, name, value }.into());
    }
    let mut keep = |name: &str, value: &str| {
        let is_new = known.get(name).map(String::as_str) != Some(value);
        if is_new {
            rows.push(reference(link, entity, name, value.to_owned()));
        }
        is_new
    };
    for (name, value) in receipt.stands.iter().flat_map(|stands| stands_rows(known, stands)) {
        keep(&name, &value);
    }
    if let Some((ours, theirs)) = receipt.left {
        keep(LEFT, &format!("{ours} {theirs}"));
    }
    if let Some(shown) = receipt.shown {
        if let Some((name, value)) = shown_row(known, &shown, now) {
            keep(name, &value);
        }
        receipt.references.push(("revision", shown.revision.to_string()));
    }
    for (name, value) in receipt.references {
        if keep(name, &value) {
            let (link, entity, name) = (link.clone(), entity.to_owned(), name.to_owned());
            events.push(ReferenceRecorded { link, entity, name, value }.into());
        }
    }
    if let Some((about, ours, theirs)) = receipt.differs
        && keep(&format!("differs.{about}"), &format!("{ours}|{theirs}"))
    {
        let (link, entity, about) = (link.clone(), entity.to_owned(), about.to_owned());
        events.push(Disagreement { link, entity, about, ours, theirs }.into());
    }
    (events, rows)
}

/// What this attempt may make of their record's state: until it is known how it went, that is kept.
pub(super) fn sent_row(
    line: &Line,
    effect: &Effect,
    known: &BTreeMap<String, String>,
) -> Option<Row> {
    let before = known.get(SENT).map_or("", String::as_str);
    let mut words: Vec<&str> = before.split(' ').filter(|word| !word.is_empty()).collect();
    let count = words.len();
    for word in line.telling.writes(effect) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    (words.len() > count).then(|| reference(&line.name, &effect.entity, SENT, words.join(" ")))
}

/// It was seen how their record stands.
pub(super) fn seen_row(
    link: &LinkName,
    entity: &str,
    known: &BTreeMap<String, String>,
) -> Option<Row> {
    let sent = known.get(SENT).filter(|sent| !sent.is_empty());
    sent.map(|_| reference(link, entity, SENT, String::new()))
}

/// Up to which entry a record was told of.
pub(super) fn told_row(
    link: &LinkName,
    row: &OutboxRow,
    known: &BTreeMap<String, String>,
) -> Option<Row> {
    let before = known.get(TOLD).and_then(|entry| entry.parse::<u64>().ok());
    let entry = entry_of(&row.effect.effect_key).filter(|_| !row.effect.entity.is_empty())?;
    let is_newer = before.is_none_or(|before| before < entry);
    is_newer.then(|| reference(link, &row.effect.entity, TOLD, entry.to_string()))
}

pub(super) fn reference(link: &LinkName, entity: &str, name: &str, value: String) -> Row {
    let (link, entity, name) = (link.to_string(), entity.to_owned(), name.to_owned());
    Row::ExternalRef(ExternalRefRow { link, entity, name, value })
}
