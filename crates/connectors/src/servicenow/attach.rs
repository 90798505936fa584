//! A decision as a file of its change request: the answer, the reasons, what the pipeline brought as proof.
//!
//! The file is looked for by its name before it is attached, which is the decision's: it is there once. Where it is not
//! taken, that is a difference, and holds up nothing.

use serde_json::{Value, json};
use sluice_core::effect::{ChangeCard, DecisionCard, Tell};

use super::config::Config;
use super::record;
use super::wire::{Row, is_sys_id, many, one, text};
use crate::kit::answers::{self, is_status, not_understood};
use crate::tell::{Ask, Exchange, Receipt, Step, Talk, Verb};

/// Attaches the decision that an effect tells of, where that is wanted.
pub(super) fn decision(
    config: &Config,
    talk: &Talk<'_>,
    card: &ChangeCard,
    row: &Row,
    receipt: &mut Receipt,
) -> Result<(), Step<Receipt>> {
    let Some(decision) = &talk.effect.decision else { return Ok(()) };
    if !config.attach_decisions || talk.effect.tell != Tell::GateDecided || talk.comparing {
        return Ok(());
    }
    let name = format!("sluice-decision-{}.json", decision.id);
    let refused = |step: &str| {
        let never = [400, 401, 403, 404, 405, 413, 415, 422];
        talk.last(step).is_some_and(|sent| is_status(sent, &never))
    };
    if refused("attachments") || refused("attach") {
        // What else differs is of more weight.
        let differs = ("attachment", name, "refused".to_owned());
        receipt.differs.get_or_insert(differs);
        return Ok(());
    }
    let Some(looked) = talk.last("attachments") else {
        return Err(Step::Send(look(config, row, &name, "attachments").by(talk.session)));
    };
    let there = ids(looked, row, &name)?;
    if !there.is_empty() {
        return without_surplus(config, talk, there.get(1..).unwrap_or_default());
    }
    let Some(sent) = talk.last("attach") else {
        let parameters = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("table_name", "change_request")
            .append_pair("table_sys_id", &row.sys_id)
            .append_pair("file_name", &name)
            .finish();
        let url = format!("{}/api/now/attachment/file?{parameters}", config.url);
        let ask = Ask::new("attach", Verb::Post, url).json(&file(talk, card, decision));
        return Err(Step::Send(record::plain_json(ask).by(talk.session)));
    };
    let answer = answers::json(sent)?;
    if !one(&answer).is_some_and(|file| is_it(file, row, &name)) {
        return Err(not_understood("the answer is not the file that was attached"));
    }
    // Some attach two by one request, and nothing more may have to be said of this decision.
    let Some(seen) = talk.last("attached") else {
        return Err(Step::Send(look(config, row, &name, "attached").by(talk.session)));
    };
    let there = ids(seen, row, &name)?;
    without_surplus(config, talk, there.get(1..).unwrap_or_default())
}

/// The files of a record that have this name.
fn look(config: &Config, row: &Row, name: &str, step: &'static str) -> Ask {
    let query = format!("table_name=change_request^table_sys_id={}^file_name={name}", row.sys_id);
    let parameters = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("sysparm_query", &query)
        .append_pair("sysparm_limit", "5")
        .finish();
    let url = format!("{}/api/now/attachment?{parameters}", config.url);
    record::plain_json(Ask::new(step, Verb::Get, url))
}

/// Their ids, as the list says.
fn ids(looked: &Exchange, row: &Row, name: &str) -> Result<Vec<String>, Step<Receipt>> {
    let answer = answers::json(looked)?;
    let files = many(&answer).ok_or_else(|| not_understood("the answer is not a list of files"))?;
    let there = files.iter().filter(|file| is_it(file, row, name));
    Ok(there.filter_map(|file| text(file, "sys_id").filter(|id| is_sys_id(id))).collect())
}

/// A file that was attached twice is there once. Where the account may take none away, both stay.
fn without_surplus(
    config: &Config,
    talk: &Talk<'_>,
    surplus: &[String],
) -> Result<(), Step<Receipt>> {
    let removed = talk.so_far.iter().filter(|exchange| exchange.step == "detach");
    for exchange in removed.clone().filter(|sent| !is_status(sent, &[401, 403, 404, 405])) {
        answers::done(exchange)?;
    }
    match surplus.get(removed.count()) {
        None => Ok(()),
        Some(id) => {
            let url = format!("{}/api/now/attachment/{id}", config.url);
            let ask = Ask::new("detach", Verb::Delete, url);
            Err(Step::Send(record::plain_json(ask).by(talk.session)))
        }
    }
}

fn is_it(file: &Value, row: &Row, name: &str) -> bool {
    text(file, "file_name").as_deref() == Some(name)
        && text(file, "table_sys_id").as_deref() == Some(row.sys_id.as_str())
}

fn file(talk: &Talk<'_>, card: &ChangeCard, decision: &DecisionCard) -> Value {
    json!({
        "decision": decision.id,
        "answer": decision.answer,
        "at": talk.effect.at,
        "change": card.number,
        "service": decision.service,
        "environment": card.environment,
        "revision": card.revision,
        "risk": card.risk,
        "version": card.version,
        "commit": card.commit,
        "run": decision.run,
        "reasons": decision.reasons,
        "evidence": decision.evidence,
        "policy": decision.policy,
        "input": decision.input,
        "expires_at": decision.expires_at,
    })
}
