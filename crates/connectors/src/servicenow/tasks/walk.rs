//! Bringing the record of an incident or a problem to where ours stands, as far as that is ours to do.

use serde_json::json;
use sluice_core::effect::entry_of;
use sluice_core::link::Authority;

use super::{Desk, Task};
use crate::kit::answers::{self, not_understood};
use crate::kit::words;
use crate::servicenow::config::Config;
use crate::servicenow::poll::updated;
use crate::servicenow::record;
use crate::servicenow::wire::{Row, altered, one, text};
use crate::tell::{Ask, Because, Receipt, Step, Talk, Trouble, Verb};

/// Under which it is known how both sides were left.
const LEFT: &str = "left.state";
/// Under which it is known what earlier attempts, of which it is not known how they went, may have made of theirs.
const SENT: &str = "left.sent";
/// Under this name is known how long the ledger was when theirs was taken over last.
const OVERTAKEN: &str = "left.entry";

pub(super) fn walk(
    config: &Config,
    talk: &Talk<'_>,
    task: &Task<'_>,
    found: &Row,
    mut receipt: Receipt,
) -> Result<Step<Receipt>, Step<Receipt>> {
    let row = &now(talk, found)?;
    let reached = row.state;
    let Some(theirs) = task.desk.word(reached) else {
        return Ok(Step::Done(differing(receipt, task, "a state of their own")));
    };
    // What they did since was taken over, or something newer was told: this would bring back what stood before.
    if is_overtaken(talk) || talk.late {
        return Ok(Step::Done(receipt));
    }
    let wanted = wanted(task.desk, task.state, task.is_unfounded);
    if reached == wanted || (task.desk.is_over(reached) && task.desk.is_over(wanted)) {
        if was_altered_meanwhile(talk, found, row) {
            receipt = differing(receipt, task, "altered at the same time");
        }
        receipt.left = Some((task.state, theirs));
        receipt.stands = Some(row.stands(Some(theirs)));
        return Ok(Step::Done(receipt));
    }
    if !may_move(talk, task, found) {
        return Ok(Step::Done(differing(receipt, task, theirs)));
    }
    // They are where we do not bring it: nothing is overwritten.
    let is_ahead = task.desk.is_over(reached) || (task.desk == Desk::Problem && reached > wanted);
    if is_ahead {
        return Ok(Step::Done(differing(receipt, task, theirs)));
    }
    let next = task.desk.step(reached, wanted);
    Err(Step::Send(step(config, talk, task, row, (next, next == wanted))))
}

/// Whether somebody altered the record between our look at it and what we wrote, so that nobody saw what was
/// overwritten: it was altered more often than by us. There is no way to write on a condition.
fn was_altered_meanwhile(talk: &Talk<'_>, found: &Row, row: &Row) -> bool {
    let ours = talk.so_far.iter().filter(|sent| ["relate", "move"].contains(&sent.step)).count();
    let has_moved = talk.last("move").is_some();
    let counts = found.altered.zip(row.altered).zip(u64::try_from(ours).ok());
    has_moved && counts.is_some_and(|((before, after), ours)| after > before + ours)
}

/// The state over there for one of ours.
pub(super) fn wanted(desk: Desk, state: &str, is_unfounded: bool) -> i64 {
    match is_unfounded {
        true if desk == Desk::Incident => 8,
        _ => desk.number(state),
    }
}

/// Whether theirs was taken over after what is told happened.
fn is_overtaken(talk: &Talk<'_>) -> bool {
    let entry = entry_of(&talk.effect.key);
    let size = talk.known.get(OVERTAKEN).and_then(|size| size.parse::<u64>().ok());
    !talk.comparing && entry.zip(size).is_some_and(|(entry, size)| entry < size)
}

/// Whether its state is ours to move. Where both sides have a say, it is as long as nobody has moved it over there
/// since it was told last.
fn may_move(talk: &Talk<'_>, task: &Task<'_>, row: &Row) -> bool {
    match task.authority {
        Authority::Native => true,
        Authority::Foreign => false,
        Authority::Mirrored => {
            let left = talk.known.get(LEFT).and_then(|left| left.split_once(' '));
            let theirs = task.desk.word(row.state);
            // An earlier attempt may have brought it where it is, and its answer was lost.
            let sent = talk.known.get(SENT).map_or("", String::as_str);
            let is_ours = theirs.is_some_and(|theirs| sent.split(' ').any(|sent| sent == theirs));
            left.is_none_or(|(_, left)| theirs == Some(left)) || is_ours
        }
    }
}

/// The record as it is now: as found, or as the last step left it.
fn now(talk: &Talk<'_>, row: &Row) -> Result<Row, Step<Receipt>> {
    let mut now = row.clone();
    for exchange in talk.so_far.iter().filter(|exchange| exchange.step == "move") {
        let answer = answers::json(exchange)?;
        let record = one(&answer).ok_or_else(|| not_understood("the answer is not the record"))?;
        if text(record, "sys_id").as_deref() != Some(row.sys_id.as_str()) {
            return Err(not_understood("the answer is another record"));
        }
        let state = text(record, "state").and_then(|state| state.trim().parse::<i64>().ok());
        let state = state.ok_or_else(|| not_understood("the answer has no state"))?;
        if state == now.state {
            let detail =
                "the state was not taken: a rule, a field that is mandatory, or a missing right";
            return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
        }
        now.state = state;
        now.updated = updated(record).or(now.updated);
        now.altered = altered(record).or(now.altered);
    }
    Ok(now)
}

fn step(
    config: &Config,
    talk: &Talk<'_>,
    task: &Task<'_>,
    row: &Row,
    (state, last): (i64, bool),
) -> Ask {
    let note = if task.note.is_empty() { words::what(talk) } else { task.note.to_owned() };
    let mut body = json!({ "state": state.to_string() });
    match (task.desk, state) {
        (Desk::Incident, 3) => {
            // Why it waits is mandatory: for a change where one hangs together with it, else for whoever told of it.
            let is_for_change = task.links.iter().any(|(field, _)| *field == "caused_by");
            body["hold_reason"] = json!(if is_for_change { "5" } else { "1" });
        }
        (Desk::Incident, 6..) => {
            body["close_code"] = json!(config.close_code);
            body["close_notes"] = json!(note);
        }
        (Desk::Problem, 106..) => {
            body["resolution_code"] = json!("fix_applied");
            body["fix_notes"] = json!(note);
            body["close_notes"] = json!(note);
        }
        (Desk::Incident | Desk::Problem, _) => {}
    }
    if last {
        body["work_notes"] = json!(format!("{}\n[{}]", note, words::marker(talk)));
    }
    let url = record::address_in(config, task.desk.table(), &row.sys_id);
    record::plain_json(Ask::new("move", Verb::Patch, url).json(&body)).by(talk.session)
}

fn differing(mut receipt: Receipt, task: &Task<'_>, theirs: &str) -> Receipt {
    receipt.differs = Some(("state", task.state.to_owned(), theirs.to_owned()));
    receipt
}
