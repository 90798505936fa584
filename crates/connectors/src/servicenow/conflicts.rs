//! Conflicts that the instance finds for a change request. It is asked to look where it never has, which takes its time:
//! what it found is read back when it has looked, and whenever the change is told the next time.
//!
//! Its `status` says `Conflict` also where there is none: what counts is the list.

use std::collections::BTreeSet;

use serde_json::Value;
use sluice_core::change::ChangeState;
use sluice_core::effect::ChangeCard;

use super::config::Config;
use super::record;
use super::wire::{Row, text};
use crate::kit::answers::{self, is_status, not_understood};
use crate::tell::{Ask, Exchange, Receipt, Step, Talk, Verb};

/// The most conflicts that are named.
const NAMED: usize = 8;

/// What the instance found, in one line; none where it has not looked yet, or that is not wanted.
pub(super) fn read(
    config: &Config,
    talk: &Talk<'_>,
    card: &ChangeCard,
    row: &Row,
) -> Result<Option<String>, Step<Receipt>> {
    let is_ahead = card.state < ChangeState::Implement;
    if !config.read_conflicts || !is_ahead || talk.comparing {
        return Ok(None);
    }
    let Some(read) = talk.last("conflicts") else {
        return Err(Step::Send(look(config, &row.sys_id).by(talk.session)));
    };
    match found(read)? {
        Scan::Ended(found) => Ok(Some(found)),
        Scan::Never if talk.last("scan").is_none() => {
            let ask = Ask::new("scan", Verb::Post, address(config, &row.sys_id));
            let ask = ask.json(&serde_json::json!({}));
            Err(Step::Send(record::plain_json(ask).by(talk.session)))
        }
        // Whether it has begun or not: the next reading says what came of it.
        Scan::Never | Scan::Impossible => Ok(None),
    }
}

/// How a scan stands.
pub(super) enum Scan {
    /// Without the plugin there is no such thing, and without an item and dates nothing to look for.
    Impossible,
    Never,
    /// What it found, in one line.
    Ended(String),
}

fn address(config: &Config, sys_id: &str) -> String {
    format!("{}/api/sn_chg_rest/change/{sys_id}/conflict", config.url)
}

/// Asks what was found for a change request.
pub(super) fn look(config: &Config, sys_id: &str) -> Ask {
    record::plain_json(Ask::new("conflicts", Verb::Get, address(config, sys_id)))
}

/// What the answer says.
pub(super) fn found<T>(read: &Exchange) -> Result<Scan, Step<T>> {
    if is_status(read, &[400, 401, 403, 404, 500]) {
        return Ok(Scan::Impossible);
    }
    let answer = answers::json(read)?;
    let result = answer.get("result").ok_or_else(|| not_understood("the answer is no scan"))?;
    let has_run = text(result, "last_run").is_some_and(|at| !at.trim().is_empty());
    if !has_run {
        return Ok(Scan::Never);
    }
    let list = result.get("conflicts").and_then(Value::as_array);
    let list = list.ok_or_else(|| not_understood("the answer has no list of conflicts"))?;
    Ok(Scan::Ended(in_words(list)))
}

fn in_words(conflicts: &[Value]) -> String {
    if conflicts.is_empty() {
        return "none".to_owned();
    }
    let named: BTreeSet<String> = conflicts.iter().map(word).collect();
    let words: Vec<&str> = named.iter().take(NAMED).map(String::as_str).collect();
    format!("{}: {}", conflicts.len(), words.join(", "))
}

/// The kind of a conflict, in letters that a name may have.
fn word(conflict: &Value) -> String {
    let kind = text(conflict, "type").unwrap_or_default();
    let sound = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let kind: String = kind.chars().filter(sound).take(60).collect();
    if kind.is_empty() { "unknown".to_owned() } else { kind }
}
