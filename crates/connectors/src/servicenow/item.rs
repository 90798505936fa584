//! Configuration items: which record of the CMDB a service is.
//!
//! Natively a service goes through identification and reconciliation, which finds its item or makes one. Where the CMDB
//! is kept over there an item is looked up by its name, and only mirrored services get one where there is none.

use serde_json::{Value, json};
use sluice_core::effect::ItemCard;
use sluice_core::link::Authority;

use super::config::Config;
use super::poll::SYS_ID;
use super::record;
use super::wire::{is_sys_id, many, plain, text};
use crate::kit::answers::{self, is_status, not_understood};
use crate::tell::{Ask, Because, Exchange, Receipt, Step, Talk, Trouble, Verb};

/// Tells of a service.
pub(super) fn told(
    config: &Config,
    talk: &Talk<'_>,
    card: &ItemCard,
) -> Result<Step<Receipt>, Step<Receipt>> {
    let Some(authority) = config.authority.items.filter(|_| !talk.late) else {
        return Ok(Step::Done(Receipt::plain()));
    };
    let known = talk.known.get(SYS_ID);
    let name = card.service.as_str();
    let receipt = Receipt::plain();
    let found = match (authority, known) {
        _ if talk.comparing => looked_up(config, talk, name)?,
        (Authority::Native, _) => Some(identified(config, talk, name, card.title.as_str())?),
        (Authority::Mirrored | Authority::Foreign, Some(known)) => Some(known.clone()),
        (Authority::Mirrored, None) => match looked_up(config, talk, name)? {
            Some(found) => Some(found),
            None => Some(identified(config, talk, name, card.title.as_str())?),
        },
        (Authority::Foreign, None) => looked_up(config, talk, name)?,
    };
    Ok(Step::Done(match found {
        Some(found) => receipt.reference(SYS_ID, found),
        None => {
            let differs = ("record", "declared".to_owned(), "no item of this name".to_owned());
            Receipt { differs: Some(differs), ..receipt }
        }
    }))
}

/// The item of the service that an effect is about; none where there is none, or it cannot be had. What is found out
/// on the way is noted for the service.
pub(super) fn of_effect(
    config: &Config,
    talk: &Talk<'_>,
    receipt: &mut Receipt,
) -> Result<Option<String>, Step<Receipt>> {
    let Some(authority) = config.authority.items else { return Ok(None) };
    let Some(service) = talk.effect.services.first() else { return Ok(None) };
    let entity = ItemCard::entity(service);
    if let Some(known) = talk.linked(&entity, SYS_ID) {
        return Ok(Some(known.to_owned()));
    }
    // A record is not held up by an item that cannot be had.
    let refused = |step: &str| {
        talk.last(step).is_some_and(|sent| is_status(sent, &[400, 401, 403, 404, 405, 422]))
    };
    if talk.comparing || refused("item") || refused("identify") {
        return Ok(None);
    }
    let found = match authority {
        Authority::Native => lenient(identified(config, talk, service.as_str(), ""))?,
        Authority::Foreign => looked_up(config, talk, service.as_str())?,
        Authority::Mirrored => match looked_up(config, talk, service.as_str())? {
            Some(found) => Some(found),
            None => lenient(identified(config, talk, service.as_str(), ""))?,
        },
    };
    if let Some(found) = &found {
        receipt.beside.push((entity, SYS_ID, found.clone()));
    }
    Ok(found)
}

/// What will never be taken in this form is none.
fn lenient<T>(found: Result<T, Step<Receipt>>) -> Result<Option<T>, Step<Receipt>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Step::GiveUp(_)) => Ok(None),
        Err(step) => Err(step),
    }
}

/// The item of this very name; none where there is none, or more than one.
fn looked_up(
    config: &Config,
    talk: &Talk<'_>,
    name: &str,
) -> Result<Option<String>, Step<Receipt>> {
    let Some(looked) = talk.last("item") else {
        let parameters = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("sysparm_query", &format!("name={}", plain(name)))
            .append_pair("sysparm_fields", "sys_id,name")
            .append_pair("sysparm_limit", "20")
            .append_pair("sysparm_suppress_pagination_header", "true")
            .finish();
        let url = format!("{}/api/now/table/{}?{parameters}", config.url, config.item_class);
        let ask = record::plain_json(Ask::new("item", Verb::Get, url));
        return Err(Step::Send(ask.by(talk.session)));
    };
    let answer = answers::json(looked)?;
    let rows =
        many(&answer).ok_or_else(|| not_understood("the answer is not a list of records"))?;
    // A query that was not understood gives rows of other names.
    let of_name = rows.iter().filter(|row| text(row, "name").as_deref() == Some(name));
    let ids: Vec<String> =
        of_name.filter_map(|row| text(row, "sys_id").filter(|id| is_sys_id(id))).collect();
    Ok(match ids.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    })
}

/// The item that identification and reconciliation finds or makes. Asked again it gives the same.
fn identified(
    config: &Config,
    talk: &Talk<'_>,
    name: &str,
    title: &str,
) -> Result<String, Step<Receipt>> {
    let Some(sent) = talk.last("identify") else {
        let mut values = json!({ "name": name });
        if !title.is_empty() {
            values["short_description"] = json!(title);
        }
        let body = json!({ "items": [{
            "className": config.item_class,
            "values": values,
            "sys_object_source_info": {
                "source_name": config.discovery_source,
                "source_native_key": config.correlation(name),
            },
        }] });
        let source: String =
            url::form_urlencoded::byte_serialize(config.discovery_source.as_bytes()).collect();
        let url = format!("{}/api/now/identifyreconcile?sysparm_data_source={source}", config.url);
        let ask = Ask::new("identify", Verb::Post, url).json(&body);
        return Err(Step::Send(record::plain_json(ask).by(talk.session)));
    };
    read_identified(sent)
}

/// A success may hold an item that was not taken.
fn read_identified(sent: &Exchange) -> Result<String, Step<Receipt>> {
    let answer = answers::json(sent)?;
    let odd = || not_understood("the answer is not one item");
    let items = answer.pointer("/result/items").and_then(Value::as_array).ok_or_else(odd)?;
    let [item] = items.as_slice() else { return Err(odd()) };
    let has_errors = item.get("errors").and_then(Value::as_array).is_some_and(|it| !it.is_empty());
    match item.get("sysId").and_then(Value::as_str).filter(|id| is_sys_id(id)) {
        Some(id) if !has_errors => Ok(id.to_owned()),
        _ if has_errors => {
            let detail = "the item was not taken by identification and reconciliation";
            Err(Step::GiveUp(Trouble::new(Because::Client, detail)))
        }
        _ => Err(odd()),
    }
}
