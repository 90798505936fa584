//! Finding the one record of an incident or a problem, or making it.

use serde_json::json;

use super::{Desk, Task};
use crate::kit::answers::{self, not_understood};
use crate::servicenow::config::Config;
use crate::servicenow::poll::SYS_ID;
use crate::servicenow::record::{self, Found};
use crate::servicenow::tell::is_hidden;
use crate::servicenow::wire::{Row, one};
use crate::tell::{Ask, Because, Receipt, Step, Talk, Trouble, Verb};

pub(super) fn row(config: &Config, talk: &Talk<'_>, task: &Task<'_>) -> Result<Row, Step<Receipt>> {
    let correlation = config.correlation(task.entity);
    let Some(search) = talk.last("search") else {
        let table = (task.desk.table(), task.desk.fields());
        let search = record::search_in(config, table, &correlation, "search");
        return Err(Step::Send(search.by(talk.session)));
    };
    let known = talk.known.get(SYS_ID).map(String::as_str);
    let given_up = task.desk.given_up();
    match record::found_in(config, search, &correlation, known, given_up)? {
        Found::One(row) => Ok(row),
        Found::Several { kept, surplus } => set_aside(config, talk, task, kept, &surplus),
        Found::None => made(config, talk, task, &correlation),
    }
}

/// A record that they made twice is kept once: the others bear our number no more.
fn set_aside(
    config: &Config,
    talk: &Talk<'_>,
    task: &Task<'_>,
    kept: Row,
    surplus: &[Row],
) -> Result<Row, Step<Receipt>> {
    let done = talk.so_far.iter().filter(|exchange| exchange.step == "set_aside");
    for exchange in done.clone() {
        answers::done(exchange)?;
    }
    let Some(row) = surplus.get(done.count()) else { return Ok(kept) };
    let note = format!("Duplicate of {}, which is kept in step instead of this.", kept.number);
    let correlation = format!("{}-duplicate", row.correlation);
    let mut body = json!({ "correlation_id": correlation, "work_notes": note });
    if task.desk == Desk::Incident {
        body["state"] = json!(task.desk.given_up().to_string());
        body["close_code"] = json!(config.close_code);
        body["close_notes"] = json!(note);
    }
    let url = record::address_in(config, task.desk.table(), &row.sys_id);
    let ask = Ask::new("set_aside", Verb::Patch, url).json(&body);
    Err(Step::Send(record::plain_json(ask).by(talk.session)))
}

fn made(
    config: &Config,
    talk: &Talk<'_>,
    task: &Task<'_>,
    correlation: &str,
) -> Result<Row, Step<Receipt>> {
    if let Some(sys_id) = talk.known.get(SYS_ID) {
        return read_known(config, talk, task, sys_id);
    }
    let Some(create) = talk.last("create") else {
        let url = format!("{}/api/now/table/{}", config.url, task.desk.table());
        let body = task.fields(config, talk, correlation);
        let ask = Ask::new("create", Verb::Post, url).json(&body);
        return Err(Step::Send(record::plain_json(ask).by(talk.session)));
    };
    let answer = answers::json(create)?;
    let row = one(&answer).and_then(Row::read);
    let row = row.ok_or_else(|| not_understood("the answer is not the record that was made"))?;
    if row.correlation.is_empty() {
        // The Table API leaves out what may not be written without a word.
        let detail =
            "the account may not write `correlation_id`, so that records cannot be told apart";
        return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
    }
    if row.correlation == correlation {
        return Ok(row);
    }
    Err(not_understood("the answer is not the record that was made"))
}

/// A record that is known and that no search finds is read by its id: one that they opened bears no number of ours.
fn read_known(
    config: &Config,
    talk: &Talk<'_>,
    task: &Task<'_>,
    sys_id: &str,
) -> Result<Row, Step<Receipt>> {
    let Some(read) = talk.last("read") else {
        let url = record::address_in(config, task.desk.table(), sys_id);
        let ask = record::plain_json(Ask::new("read", Verb::Get, url));
        return Err(Step::Send(ask.by(talk.session)));
    };
    if is_hidden(read) {
        let detail = "the record is gone, or may no longer be read";
        return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
    }
    let answer = answers::json(read)?;
    let row = one(&answer).and_then(Row::read);
    row.filter(|row| row.sys_id == sys_id)
        .ok_or_else(|| not_understood("the answer is not the record that was asked for"))
}
