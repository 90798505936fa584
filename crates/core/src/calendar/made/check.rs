//! Whether a window that somebody wants can hold.

use jiff::Timestamp;

use super::PREFIX;
use crate::calendar::{HORIZON_DAYS, Window};
use crate::ids::PersonId;
use crate::organisation::{Organisation, known_scope};
use crate::refusal::Refusal;
use crate::stop::reason_given;

/// The most selectors of those who may grant an exception.
const GRANTS: usize = 20;

/// Whether a window can hold: it is understood, it still comes, and it speaks of what there is.
pub fn check(organisation: &Organisation, window: &Window, now: Timestamp) -> Result<(), Refusal> {
    if organisation.windows.contains_key(&window.name) || !window.name.starts_with(PREFIX) {
        return Err(Refusal::conflict(
            "declared_in_files",
            format!("the window `{}` belongs to the organisation's files", window.name),
            "alter it there, and apply them: `sluice apply DIR`",
        ));
    }
    let length = window.title.trim().chars().count();
    if !(1..=120).contains(&length) || window.title.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            "bad_title",
            "a title has 1 to 120 characters, none of them a control character",
            "say in a few words what the window is",
        ));
    }
    if !window.reason.is_empty() {
        reason_given(&window.reason)?;
    }
    if let Err(problem) = window.validate() {
        return Err(Refusal::invalid("bad_window", problem.to_string(), problem.help()));
    }
    if window.ahead(now).is_empty() {
        let message = format!("the window never comes within {HORIZON_DAYS} days");
        return Err(Refusal::invalid("window_over", message, "give a later end, or a rule"));
    }
    let odd = |text: &String| PersonId::parse(text).is_err() && !is_selector(text);
    if window.grants.len() > GRANTS || window.grants.iter().any(odd) {
        return Err(Refusal::invalid(
            "bad_grants",
            format!("who may grant exceptions is at most {GRANTS} persons, teams, roles or claims"),
            "write `role:change_manager`, `team:NAME`, `claim:NAME=VALUE` or a person's id",
        ));
    }
    known_scope(organisation, &window.scope)
}

fn is_selector(text: &str) -> bool {
    let known = text.split_once(':').filter(|(kind, _)| ["team", "role", "claim"].contains(kind));
    known.is_some_and(|(_, name)| !name.is_empty() && name.len() <= 200)
}
