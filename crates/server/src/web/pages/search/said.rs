//! What people wrote: comments, reasons, notes, by their words.

use serde_json::value::RawValue;
use sluice_core::event::{Decoded, Event};
use sluice_core::permission::Permission;
use sluice_core::words;
use sluice_engine::envelope::Envelope;
use sluice_engine::store::Entry;

use super::Hit;
use crate::problem::Problem;
use crate::web::visit::{Visit, read};
use crate::web::{marks, w};

/// Entries that are read in one round, of which some may not be seen by whoever looks.
const READ: u32 = 200;
/// The most rounds.
const ROUNDS: usize = 5;
/// The most that are shown.
const MOST: usize = 20;
/// The most words that are looked for.
const WORDS: usize = 8;
/// How many characters are shown before the first word, and in all.
const BEFORE: usize = 40;
const SHOWN: usize = 160;

/// What was found, newest first.
#[derive(Default)]
pub(super) struct Said {
    pub(super) hits: Vec<Hit>,
    /// Not everything that holds the words was looked at.
    pub(super) cut: bool,
}

/// Entries in which all the words of `q` were written, as far as their records may be seen.
pub(super) fn said(visit: &Visit, q: &str) -> Result<Said, Problem> {
    let wanted: Vec<String> = words::words(q).into_iter().take(WORDS).collect();
    let mut said = Said::default();
    let mut below = None;
    for _ in 0..ROUNDS {
        let entries = read(visit.readers().entries_with(&wanted, below, READ))?;
        below = entries.last().copied();
        said.cut = entries.len() == READ as usize;
        for index in entries {
            if let Some(entry) = read(visit.readers().entry(index))? {
                said.hits.extend(hit(visit, &entry, &wanted)?);
            }
            if said.hits.len() == MOST {
                said.cut = true;
                return Ok(said);
            }
        }
        if !said.cut {
            break;
        }
    }
    Ok(said)
}

fn hit(visit: &Visit, entry: &Entry, wanted: &[String]) -> Result<Option<Hit>, Problem> {
    let Some((address, name)) = record(visit, entry)? else { return Ok(None) };
    let Some(event) = event(&entry.bytes) else { return Ok(None) };
    let texts = words::written(&event);
    let holds = |text: &&&str| {
        let here = words::words(text);
        wanted.iter().any(|word| here.iter().any(|found| found.starts_with(word.as_str())))
    };
    let text = texts.iter().find(holds).or(texts.first()).copied().unwrap_or_default();
    Ok(Some(Hit {
        mark: marks::pill("info", "doc", &w::named("event", &entry.name.replace('.', "_"))),
        name,
        about: around(text, wanted),
        address,
    }))
}

fn event(bytes: &[u8]) -> Option<Event> {
    let envelope = Envelope::parse(bytes).ok()?;
    let data: &RawValue = envelope.data;
    match Event::decode(&envelope.event, envelope.version, data).ok()? {
        Decoded::Known(event) => Some(event),
        Decoded::Unknown => None,
    }
}

/// Where the record of an entry is, and what it is called, where it may be seen.
fn record(visit: &Visit, entry: &Entry) -> Result<Option<(String, String)>, Problem> {
    let readers = visit.readers();
    let (kind, id) = entry.stream.split_once('/').unwrap_or_default();
    let number = id.get(3..).and_then(|digits| digits.parse::<u64>().ok());
    let found = match (kind, number) {
        ("change", Some(number)) => {
            let title = change(visit, number)?;
            title.map(|title| (format!("/changes/{id}#entry-{}", entry.seq), title))
        }
        // The page of its change tells the note of a deployment.
        ("deployment", Some(number)) => {
            let row = read(readers.deployment(number))?;
            let Some(of) = row.and_then(|row| row.change_number) else {
                return Ok(in_the_ledger(visit, entry));
            };
            change(visit, of)?.map(|title| (format!("/changes/CHG{of:07}"), title))
        }
        ("incident", Some(number)) if visit.may(Permission::IncidentRead) => {
            let row = read(readers.incident(number))?;
            let seen =
                row.filter(|row| visit.sees_disturbed(&row.services, row.environment.as_deref()));
            seen.map(|row| (format!("/incidents/{id}#entry-{}", entry.seq), row.title))
        }
        ("problem", Some(number)) if visit.may(Permission::IncidentRead) => {
            let row = read(readers.problem(number))?;
            let seen = row.filter(|row| visit.sees_disturbed(&row.services, None));
            seen.map(|row| (format!("/problems/{id}#entry-{}", entry.seq), row.title))
        }
        ("change" | "incident" | "problem", _) => None,
        _ => return Ok(in_the_ledger(visit, entry)),
    };
    Ok(found.map(|(address, title)| (address, format!("{id} {title}"))))
}

/// The title of a change that may be seen.
fn change(visit: &Visit, number: u64) -> Result<Option<String>, Problem> {
    if !visit.may(Permission::ChangeRead) {
        return Ok(None);
    }
    let row = read(visit.readers().change(number))?;
    let seen =
        row.filter(|row| visit.sees(row.services.iter().map(String::as_str), &row.environment));
    Ok(seen.map(|row| row.title))
}

/// What has no page of its own is read in the ledger, by whoever may read all of it: a part of it is not to be told from
/// the rest.
fn in_the_ledger(visit: &Visit, entry: &Entry) -> Option<(String, String)> {
    visit
        .everywhere(Permission::LedgerRead)
        .then(|| (format!("/audit/{}", entry.seq), entry.stream.clone()))
}

/// What stands around the first of the words.
fn around(text: &str, wanted: &[String]) -> String {
    let letters: Vec<char> = text.chars().collect();
    let begins = |at: usize| {
        let starts = at == 0 || letters.get(at - 1).is_some_and(|it| !it.is_alphanumeric());
        let rest = || letters.iter().skip(at).flat_map(|letter| letter.to_lowercase());
        starts && wanted.iter().any(|word| word.chars().eq(rest().take(word.chars().count())))
    };
    let first = (0..letters.len()).find(|at| begins(*at)).unwrap_or(0);
    let from = first.saturating_sub(BEFORE);
    let part: String = letters.iter().skip(from).take(SHOWN).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if from + SHOWN < letters.len() { "…" } else { "" };
    format!("{before}{}{after}", part.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_around_the_word() {
        let wanted = ["pool".to_owned()];
        assert_eq!(around("The POOL is too small", &wanted), "The POOL is too small");
        let long = format!("{} the pool {}", "carpool ".repeat(20), "and ".repeat(80));
        let shown = around(&long, &wanted);
        assert!(shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert!(shown.contains("the pool and") && shown.chars().count() <= SHOWN + 2, "{shown}");
        assert_eq!(around("", &wanted), "");
    }
}
