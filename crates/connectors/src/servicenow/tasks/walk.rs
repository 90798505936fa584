//! Bringing the record of an incident or a problem to where ours stands, as far as that is ours to do.

use serde_json::json;
use sluice_core::link::Authority;

use super::{Desk, Task};
use crate::kit::answers::{self, not_understood};
use crate::kit::words;
use crate::servicenow::config::Config;
use crate::servicenow::record;
use crate::servicenow::wire::{Row, one, text};
use crate::tell::{Ask, Because, Receipt, Step, Talk, Trouble, Verb};

/// Under which it is known how both sides were left.
const LEFT: &str = "left.state";
/// Under this name is known how long the ledger was when theirs was taken over last.
const OVERTAKEN: &str = "left.entry";

pub(super) fn walk(
    config: &Config,
    talk: &Talk<'_>,
    task: &Task<'_>,
    row: &Row,
    mut receipt: Receipt,
) -> Result<Step<Receipt>, Step<Receipt>> {
    let reached = reached(talk, row)?;
    let Some(theirs) = task.desk.word(reached) else {
        return Ok(Step::Done(differing(receipt, task, "a state of their own")));
    };
    // What they did since was taken over: this would bring back what stood before.
    if is_overtaken(talk) {
        return Ok(Step::Done(receipt));
    }
    let wanted = wanted(task);
    if reached == wanted || (task.desk.is_over(reached) && task.desk.is_over(wanted)) {
        receipt.left = Some((task.state, theirs));
        return Ok(Step::Done(receipt));
    }
    if !may_move(talk, task, row) {
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

fn wanted(task: &Task<'_>) -> i64 {
    match task.is_unfounded {
        true if task.desk == Desk::Incident => 8,
        _ => task.desk.number(task.state),
    }
}

/// Whether theirs was taken over after what is told happened.
fn is_overtaken(talk: &Talk<'_>) -> bool {
    let entry = talk.effect.key.split_once(':').and_then(|(entry, _)| entry.parse::<u64>().ok());
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
            left.is_none_or(|(_, theirs)| task.desk.word(row.state) == Some(theirs))
        }
    }
}

/// The state that the record is in now: as found, or as the last step left it.
fn reached(talk: &Talk<'_>, row: &Row) -> Result<i64, Step<Receipt>> {
    let mut state = row.state;
    for exchange in talk.so_far.iter().filter(|exchange| exchange.step == "move") {
        let answer = answers::json(exchange)?;
        let record = one(&answer).ok_or_else(|| not_understood("the answer is not the record"))?;
        if text(record, "sys_id").as_deref() != Some(row.sys_id.as_str()) {
            return Err(not_understood("the answer is another record"));
        }
        let now = text(record, "state").and_then(|state| state.trim().parse::<i64>().ok());
        let now = now.ok_or_else(|| not_understood("the answer has no state"))?;
        if now == state {
            let detail =
                "the state was not taken: a rule, a field that is mandatory, or a missing right";
            return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
        }
        state = now;
    }
    Ok(state)
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
