//! Walking a change request to where the change stands, one state at a time, and leaving a note.
//!
//! A note goes along with the last step, in the same request: where the state was reached, the note is there. A note
//! without a step is looked for in the journal first.

use serde_json::{Value, json};
use sluice_core::change::{ChangeKind, ChangeState};
use sluice_core::effect::ChangeCard;
use sluice_core::link::Authority;

use super::config::Config;
use super::record;
use super::tell::{is_end, is_hidden, is_note};
use super::wire::{Row, close_code, many, one, path, plain, stamp, state_of, text};
use crate::kit::answers::{self, not_understood};
use crate::kit::words::{self, marker};
use crate::tell::{Ask, Because, Receipt, Step, Talk, Trouble, Verb};

type Walked = Result<Step<Receipt>, Step<Receipt>>;

pub(super) fn walk(
    config: &Config,
    talk: &Talk<'_>,
    card: &ChangeCard,
    row: &Row,
    receipt: Receipt,
) -> Walked {
    let reached = reached(talk, row)?;
    if is_note(talk.effect.tell) || talk.late {
        return note(config, talk, row, receipt);
    }
    let Some(theirs) = state_of(reached) else {
        return Ok(Step::Done(differing(receipt, card, "a state of their own")));
    };
    match next(config, card, row.kind, theirs) {
        Next::There if talk.last("move").is_some() => Ok(Step::Done(receipt)),
        Next::There => note(config, talk, row, receipt),
        Next::Wait => note(config, talk, row, waiting(talk, card, theirs, receipt)),
        Next::Differs => Ok(Step::Done(differing(receipt, card, theirs.as_str()))),
        Next::Move(state) => {
            let last = state == card.state;
            Err(Step::Send(step(config, talk, card, row, (state, last))))
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

enum Next {
    There,
    /// They have to act before it can go on.
    Wait,
    /// They are where we do not bring it; nothing is overwritten.
    Differs,
    Move(ChangeState),
}

fn next(
    config: &Config,
    card: &ChangeCard,
    made_as: Option<ChangeKind>,
    theirs: ChangeState,
) -> Next {
    if theirs == card.state {
        return Next::There;
    }
    if card.state == ChangeState::Canceled {
        let cancelable = i64::from(theirs.servicenow()) < 0;
        return if cancelable { Next::Move(ChangeState::Canceled) } else { Next::Differs };
    }
    if is_end(theirs) {
        return Next::Differs;
    }
    // It goes the way of the type that it was made with: ours may have become another since. A standard change without
    // a template is a normal one over there.
    let kind = match (made_as, card.kind) {
        (Some(kind), _) => kind,
        (None, ChangeKind::Standard) if config.standard_template.is_none() => ChangeKind::Normal,
        (None, kind) => kind,
    };
    let path = path(kind);
    let at = path.iter().position(|state| *state >= theirs).unwrap_or(0);
    let to = path.iter().rposition(|state| *state <= card.state).unwrap_or(0);
    if to == at {
        return Next::There;
    }
    if to < at {
        return Next::Differs;
    }
    match path.get(at + 1) {
        Some(ChangeState::Scheduled) if theirs_to_authorize(config, kind) => Next::Wait,
        Some(state) => Next::Move(*state),
        None => Next::There,
    }
}

fn theirs_to_authorize(config: &Config, kind: ChangeKind) -> bool {
    config.authority.changes == Authority::Foreign && kind != ChangeKind::Standard
}

fn step(
    config: &Config,
    talk: &Talk<'_>,
    card: &ChangeCard,
    row: &Row,
    (state, last): (ChangeState, bool),
) -> Ask {
    let mut body = json!({ "state": state.servicenow().to_string() });
    match state {
        ChangeState::Implement => {
            body["work_start"] = json!(stamp(card.implemented_at.unwrap_or(talk.effect.at)));
        }
        ChangeState::Review => {
            body["work_end"] = json!(stamp(card.ended_at.unwrap_or(talk.effect.at)));
        }
        ChangeState::Closed => {
            body["close_code"] = json!(close_code(card.outcome));
            body["close_notes"] = json!(note_text(talk));
        }
        ChangeState::New
        | ChangeState::Assess
        | ChangeState::Authorize
        | ChangeState::Scheduled
        | ChangeState::Canceled => {}
    }
    if last {
        body["work_notes"] = json!(note_text(talk));
    }
    let ask = Ask::new("move", Verb::Patch, record::address(config, &row.sys_id)).json(&body);
    record::plain_json(ask).by(talk.session)
}

/// Leaves a note, unless the journal has it.
fn note(config: &Config, talk: &Talk<'_>, row: &Row, receipt: Receipt) -> Walked {
    if talk.comparing {
        return Ok(Step::Done(receipt));
    }
    if let Some(written) = talk.last("note") {
        let answer = answers::json(written)?;
        let echoed = one(&answer).and_then(|record| text(record, "sys_id"));
        return if echoed.as_deref() == Some(row.sys_id.as_str()) {
            Ok(Step::Done(receipt))
        } else {
            Err(not_understood("the answer is another record"))
        };
    }
    let Some(looked) = talk.last("journal") else {
        return Err(Step::Send(journal(config, talk, row)));
    };
    if !is_hidden(looked) && is_written(&answers::json(looked)?, talk, row)? {
        return Ok(Step::Done(receipt));
    }
    let body = json!({ "work_notes": note_text(talk) });
    let ask = Ask::new("note", Verb::Patch, record::address(config, &row.sys_id)).json(&body);
    Err(Step::Send(record::plain_json(ask).by(talk.session)))
}

fn journal(config: &Config, talk: &Talk<'_>, row: &Row) -> Ask {
    let marker = plain(&marker(talk));
    let query = format!("element_id={}^element=work_notes^valueLIKE{marker}", row.sys_id);
    let parameters = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("sysparm_query", &query)
        .append_pair("sysparm_fields", "element_id,value")
        .append_pair("sysparm_limit", "5")
        .finish();
    let url = format!("{}/api/now/table/sys_journal_field?{parameters}", config.url);
    Ask::new("journal", Verb::Get, url).header("accept", "application/json").by(talk.session)
}

fn is_written(answer: &Value, talk: &Talk<'_>, row: &Row) -> Result<bool, Step<Receipt>> {
    let rows = many(answer).ok_or_else(|| not_understood("the answer is not a list of records"))?;
    let marker = marker(talk);
    Ok(rows.iter().any(|entry| {
        let of_record = text(entry, "element_id").is_none_or(|id| id == row.sys_id);
        of_record && text(entry, "value").is_some_and(|value| value.contains(&marker))
    }))
}

fn note_text(talk: &Talk<'_>) -> String {
    format!("{}\n[{}]", words::plain(talk).join("\n"), marker(talk))
}

/// They have to act before their record can follow. Whoever compares is told so, and so is everybody when ours is over:
/// nobody may act over there any more.
fn waiting(talk: &Talk<'_>, card: &ChangeCard, theirs: ChangeState, receipt: Receipt) -> Receipt {
    match talk.comparing || card.state.is_over() {
        true => differing(receipt, card, theirs.as_str()),
        false => receipt,
    }
}

fn differing(mut receipt: Receipt, card: &ChangeCard, theirs: &str) -> Receipt {
    receipt.differs = Some(("state", card.state.as_str().to_owned(), theirs.to_owned()));
    receipt
}
