//! What incidents and problems have in common on their pages: the filter of a list, their life as a line, and the words of
//! a form.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sluice_core::ids::{ChangeNumber, IncidentNumber, ServiceName};
use sluice_core::refusal::Refusal;
use sluice_engine::envelope::Envelope;
use sluice_engine::store::Entry;

use super::change::Step;
use super::changes::Choice;
use crate::web::page::{address, some};
use crate::web::visit::{Visit, time};
use crate::web::{Markup, marks, moment, w};

/// The most steps of a life that are shown; of a longer one, its end.
const STEPS: usize = 8;
/// Says that a list shows what is over as well.
const ALL: &str = "all";

/// What a list shows, as its address says it. Without a state it is what is open.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    state: Option<String>,
    service: Option<String>,
    q: Option<String>,
    pub(super) cursor: Option<String>,
    pub(super) done: Option<String>,
}

impl ListQuery {
    /// The one state that is asked for.
    pub(super) fn state(&self) -> Option<String> {
        some(self.state.clone()).filter(|state| state != ALL)
    }

    pub(super) fn is_open(&self) -> bool {
        some(self.state.clone()).is_none()
    }

    pub(super) fn service(&self) -> Option<String> {
        some(self.service.clone())
    }

    pub(super) fn text(&self) -> Option<String> {
        some(self.q.clone())
    }

    /// The address of this list, from its first page on.
    pub(super) fn address(&self, path: &str) -> String {
        let text = |value: &Option<String>| some(value.clone()).unwrap_or_default();
        address(
            path,
            &[
                ("q", &text(&self.q)),
                ("state", &text(&self.state)),
                ("service", &text(&self.service)),
            ],
        )
    }
}

/// The filter above a list.
pub(super) struct Bar {
    pub(super) path: &'static str,
    pub(super) chips: Vec<Chip>,
    pub(super) q: String,
    pub(super) service: String,
    pub(super) state: Vec<Choice>,
    pub(super) is_filtered: bool,
}

/// A list with a name.
pub(super) struct Chip {
    pub(super) word: String,
    pub(super) icon: Markup,
    pub(super) address: String,
    pub(super) here: bool,
}

/// The filter of a list at `path` whose states have their words in `group`.
pub(super) fn bar(
    query: &ListQuery,
    path: &'static str,
    group: &str,
    states: &[&'static str],
    chips: &[(&str, &str)],
) -> Bar {
    let now = query.address(path);
    let choices = states.iter().map(|state| Choice {
        value: (*state).to_owned(),
        word: w::named(group, state),
        chosen: query.state.as_deref() == Some(*state),
    });
    let all = Choice {
        value: ALL.to_owned(),
        word: w::t("disturbed.all").to_owned(),
        chosen: query.state.as_deref() == Some(ALL),
    };
    let chip = |word: String, icon: &str, state: &str| {
        let address = address(path, &[("state", state)]);
        Chip { word, icon: marks::icon(icon), here: address == now, address }
    };
    let mut named = vec![chip(w::t("disturbed.open").to_owned(), "alert", "")];
    named.extend(
        chips.iter().map(|(state, icon)| chip(capital(&w::named(group, state)), icon, state)),
    );
    named.push(chip(w::t("disturbed.all").to_owned(), "list", ALL));
    Bar {
        path,
        chips: named,
        q: query.text().unwrap_or_default(),
        service: query.service().unwrap_or_default(),
        state: choices.chain([all]).collect(),
        is_filtered: query.text().is_some() || query.service().is_some() || !query.is_open(),
    }
}

/// A word at the beginning of a line.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Since when a record is known, where it stands, and when it was over.
pub(super) struct Life {
    pub(super) opened_at: Timestamp,
    pub(super) state: &'static str,
    pub(super) resolved_at: Option<Timestamp>,
}

/// The life of an incident or a problem as a line: each state that it came to, and its end.
pub(super) fn steps(visit: &Visit, life: &Life, trail: &[Entry], group: &str) -> Vec<Step> {
    let mut reached: Vec<(String, Timestamp)> = vec![("new".to_owned(), life.opened_at)];
    reached.extend(trail.iter().filter_map(moved));
    if let Some(at) = life.resolved_at {
        reached.push((life.state.to_owned(), at));
    }
    let last = reached.len().saturating_sub(1);
    let mut before: Option<Timestamp> = None;
    let mut steps: Vec<Step> = Vec::new();
    for (index, (state, at)) in reached.into_iter().enumerate() {
        let is_now = index == last && life.resolved_at.is_none();
        steps.push(Step {
            word: w::named(group, &state),
            stage: if is_now { "now" } else { "done" },
            icon: marks::icon(if is_now { "play" } else { "check" }),
            at: Some(visit.when(at)),
            took: before.map(|before| moment::span_of(at.duration_since(before))),
        });
        before = Some(at);
    }
    let excess = steps.len().saturating_sub(STEPS);
    steps.drain(..excess);
    if life.resolved_at.is_none() {
        steps.push(Step {
            word: w::named(group, "resolved"),
            stage: "next",
            icon: marks::icon("dot"),
            at: None,
            took: None,
        });
    }
    steps
}

/// The state to which an entry moved its record.
fn moved(entry: &Entry) -> Option<(String, Timestamp)> {
    if !entry.name.ends_with(".moved") {
        return None;
    }
    let envelope = Envelope::parse(&entry.bytes).ok()?;
    let data: Value = serde_json::from_str(envelope.data.get()).ok()?;
    Some((data.get("state")?.as_str()?.to_owned(), time(entry.time_us)))
}

/// Parts of a field in which several things are divided by commas or spaces.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|part| !part.is_empty())
}

/// The services that a form names.
pub(super) fn services(first: &str, others: &str) -> Result<BTreeSet<ServiceName>, Refusal> {
    let named = parts(first).chain(parts(others));
    named.map(|name| ServiceName::parse(name).map_err(|error| unfit(&error))).collect()
}

/// The incidents and changes that a form names.
pub(super) fn records(
    text: &str,
) -> Result<(BTreeSet<IncidentNumber>, BTreeSet<ChangeNumber>), Refusal> {
    let (mut incidents, mut changes) = (BTreeSet::new(), BTreeSet::new());
    for part in parts(text) {
        if part.to_uppercase().starts_with("INC") {
            incidents.insert(number(part)?);
        } else {
            changes.insert(number(part)?);
        }
    }
    Ok((incidents, changes))
}

/// A number as people write it.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, Refusal>
where
    T::Err: std::fmt::Display,
{
    text.trim().to_uppercase().parse().map_err(|error: T::Err| unfit(&error))
}

fn unfit(error: &impl std::fmt::Display) -> Refusal {
    Refusal::invalid("form_unfit", error.to_string(), w::t("disturbed.look_at_what_is_written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_read_as_people_write_them() {
        let (incidents, changes) = records("inc0000007, CHG0000042\nINC0000009").expect("numbers");
        assert_eq!((incidents.len(), changes.len()), (2, 1));
        for wrong in ["INC7", "PRB0000001", "x"] {
            assert!(records(wrong).is_err(), "{wrong}");
        }
        let named = services("payments", "docs; web-shop").expect("names");
        assert_eq!(named.len(), 3);
        assert!(services("no:name", "").is_err() && services("", "").expect("none").is_empty());
    }
}
