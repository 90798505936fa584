//! Finding, making and reading the one issue of a change.
//!
//! There is no key that makes a create idempotent: a label is searched for first, and what a search gives is compared
//! with what was asked for.

use serde_json::{Value, json};
use sluice_core::effect::ChangeCard;

use super::config::{Config, Product, Shape};
use super::wire::{FIELDS, Row, document, is_id, text_of};
use crate::kit::answers::{cut, done, is_status, json as answer_of, made_at, not_understood};
use crate::kit::words;
use crate::tell::{Ask, Because, Exchange, Receipt, Shown, Step, Talk, Trouble, Verb};

/// Address of the platform's API.
pub(super) fn api(config: &Config) -> String {
    match config.product {
        Product::Cloud => format!("{}/rest/api/3", config.url),
        Product::DataCenter => format!("{}/rest/api/2", config.url),
    }
}

/// So many issues of a page are read again with the next one, where pages are counted.
const STEP_BACK: u64 = 10;

pub(super) fn ask(step: &'static str, verb: Verb, url: String) -> Ask {
    Ask::new(step, verb, url).header("accept", "application/json")
}

/// Where a page of a search begins: the cloud gives a word for it, a Data Center counts.
#[derive(Default)]
pub(super) struct Place {
    token: Option<String>,
    start: u64,
}

/// A search by JQL, for some fields of so many issues.
pub(super) fn search(
    config: &Config,
    step: &'static str,
    jql: &str,
    (fields, most): (&str, u32),
    place: &Place,
) -> Ask {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("jql", jql);
    query.append_pair("fields", fields);
    query.append_pair("maxResults", &most.to_string());
    let path = match config.product {
        Product::Cloud => "search/jql",
        Product::DataCenter => "search",
    };
    match &place.token {
        Some(token) => drop(query.append_pair("nextPageToken", token)),
        None if place.start > 0 => drop(query.append_pair("startAt", &place.start.to_string())),
        None => {}
    }
    ask(step, Verb::Get, format!("{}/{path}?{}", api(config), query.finish()))
}

/// The issues of a page of a search, and where the next one begins.
pub(super) fn issues<T>(exchange: &Exchange) -> Result<(Vec<Row>, Option<Place>), Step<T>> {
    let odd = || not_understood("the answer is not a list of issues");
    let answer = answer_of(exchange)?;
    let listed = answer.get("issues").and_then(Value::as_array).ok_or_else(odd)?;
    let rows: Vec<Row> =
        listed.iter().map(|issue| Row::read(issue).ok_or_else(odd)).collect::<Result<_, _>>()?;
    let number = |name: &str| answer.get(name).and_then(Value::as_u64);
    let token = answer.get("nextPageToken").and_then(Value::as_str).map(str::to_owned);
    let next = match (token, number("startAt"), number("total")) {
        (Some(token), _, _) => Some(Place { token: Some(token), start: 0 }),
        (None, Some(start), Some(total)) => {
            let end = start.saturating_add(rows.len() as u64);
            // Issues that are altered meanwhile move to the end, and the others up: pages overlap.
            let next = end.saturating_sub(STEP_BACK).max(start.saturating_add(1));
            (end < total && !rows.is_empty()).then_some(Place { token: None, start: next })
        }
        (None, _, _) => None,
    };
    Ok((rows, next))
}

/// The name under which the id of an issue is remembered.
pub(super) const ISSUE_ID: &str = "issue_id";

type Found<T> = Result<T, Step<Receipt>>;

/// The one issue of the change: found, or made.
pub(super) fn row(config: &Config, talk: &Talk<'_>, card: &ChangeCard) -> Found<Row> {
    let label = config.label(&card.number.to_string());
    let known = talk.known.get(ISSUE_ID).filter(|id| is_id(id));
    let Some(searched) = talk.last("search") else {
        // Whoever may label an issue can write our number on it: what another account has made is none of ours.
        let jql = format!(
            "project = \"{}\" AND labels = \"{label}\" AND creator = currentUser() ORDER BY created ASC",
            config.project
        );
        let search = search(config, "search", &jql, (FIELDS, 20), &Place::default());
        return Err(Step::Send(search.by(talk.session)));
    };
    let (mut rows, _) = issues(searched)?;
    if rows.iter().any(|row| !row.labels.contains(&label)) {
        return Err(not_understood("the search gave issues that were not asked for"));
    }
    rows.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    let kept = match known {
        Some(known) => rows.iter().position(|row| row.id == *known),
        // What was ended by hand is the record all the same: no second one is made in its place.
        None => rows.iter().position(|row| !row.done).or(Some(0)),
    };
    let Some(kept) = kept.filter(|kept| *kept < rows.len()) else {
        return made(config, talk, card, &label);
    };
    let kept = rows.remove(kept);
    rows.retain(|row| !row.done);
    set_aside(config, talk, &label, &kept, &rows)?;
    Ok(kept)
}

/// An issue that they made twice is kept once. The others lose the label, and say which one is kept.
fn set_aside(
    config: &Config,
    talk: &Talk<'_>,
    label: &str,
    kept: &Row,
    surplus: &[Row],
) -> Found<()> {
    let sent = talk.so_far.iter().filter(|exchange| exchange.step == "set_aside");
    for exchange in sent.clone() {
        done(exchange)?;
    }
    let Some(row) = surplus.get(sent.count()) else { return Ok(()) };
    let note = format!("Duplicate of {}, which is kept in step instead of this.", kept.key);
    let body = json!({ "update": {
        "labels": [{ "remove": label }, { "add": format!("{label}-duplicate") }],
        "comment": [{ "add": { "body": document(config.product, &[note]) } }],
    } });
    let url = format!("{}/issue/{}", api(config), row.id);
    Err(Step::Send(ask("set_aside", Verb::Put, url).json(&body).by(talk.session)))
}

fn made(config: &Config, talk: &Talk<'_>, card: &ChangeCard, label: &str) -> Found<Row> {
    let known = talk.known.get(ISSUE_ID).filter(|id| is_id(id)).cloned();
    let id = match (known, talk.last("create")) {
        (Some(id), _) => id,
        (None, None) => return Err(Step::Send(create(config, card, talk, label))),
        (None, Some(sent)) => {
            let answer = answer_of(sent)?;
            let id = ["id", "issueId"].iter().find_map(|name| answer.get(*name)?.as_str());
            let id = id.filter(|id| is_id(id)).map(str::to_owned);
            id.ok_or_else(|| not_understood("the answer is not the issue that was made"))?
        }
    };
    let row = reread(config, talk, "read", &id)?;
    if row.labels.iter().any(|known| known == label) {
        return Ok(row);
    }
    let detail = "the label was not taken or is gone, so that issues cannot be told apart";
    Err(Step::GiveUp(Trouble::new(Because::Client, detail)))
}

/// An issue by its id.
pub(super) fn reread(config: &Config, talk: &Talk<'_>, step: &'static str, id: &str) -> Found<Row> {
    let Some(read) = talk.last(step) else {
        return Err(Step::Send(read_ask(config, step, id).by(talk.session)));
    };
    read_row(read, id)
}

pub(super) fn read_ask(config: &Config, step: &'static str, id: &str) -> Ask {
    ask(step, Verb::Get, format!("{}/issue/{id}?fields={FIELDS}", api(config)))
}

pub(super) fn read_row(read: &Exchange, id: &str) -> Found<Row> {
    if is_status(read, &[403, 404]) {
        // They may have deleted it, or do not show it: a person has to look.
        let detail = "the issue is gone, or may no longer be read";
        return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
    }
    Row::read(&answer_of(read)?)
        .filter(|row| row.id == id)
        .ok_or_else(|| not_understood("the answer is not the issue that was asked for"))
}

fn create(config: &Config, card: &ChangeCard, talk: &Talk<'_>, label: &str) -> Ask {
    let summary = cut(&format!("{}: {}", card.number, card.title), 250).replace('\n', " ");
    let lines = words::description(talk, card);
    let mut fields = config.fields.clone();
    fields.insert("summary".to_owned(), json!(summary));
    fields.insert("labels".to_owned(), json!([label]));
    let ask = match &config.shape {
        Shape::Issue(types) => {
            let kind = types.get(card.kind.as_str()).map_or("Change", String::as_str);
            fields.insert("project".to_owned(), json!({ "key": config.project }));
            fields.insert("issuetype".to_owned(), json!({ "name": kind }));
            fields.insert("description".to_owned(), document(config.product, &lines));
            ask("create", Verb::Post, format!("{}/issue", api(config)))
                .json(&json!({ "fields": fields }))
        }
        Shape::Request { desk, request_type } => {
            let text = document(Product::DataCenter, &lines);
            fields.insert("description".to_owned(), text);
            let body = json!({
                "serviceDeskId": desk, "requestTypeId": request_type, "requestFieldValues": fields,
            });
            ask("create", Verb::Post, format!("{}/rest/servicedeskapi/request", config.url))
                .json(&body)
        }
    };
    ask.by(talk.session)
}

/// Shows the present revision to whoever looks at the issue; gives what it shows then.
pub(super) fn described(
    config: &Config,
    talk: &Talk<'_>,
    card: &ChangeCard,
    row: &Row,
) -> Found<Option<Shown>> {
    let revision = card.revision.clone();
    if words::shown_revision(&row.description).as_ref() == Some(&revision) {
        // Where nothing was recorded before, it is what the issue was made with.
        let since = row.created.filter(|_| !talk.known.contains_key("revision"));
        return Ok(Some(Shown { revision, written: false, since }));
    }
    if row.done {
        return Ok(None);
    }
    match talk.last("describe") {
        Some(sent) => {
            let since = made_at(done(sent)?);
            Ok(Some(Shown { revision, written: true, since }))
        }
        None => {
            let text = document(config.product, &words::description(talk, card));
            let url = format!("{}/issue/{}", api(config), row.id);
            let body = json!({ "fields": { "description": text } });
            Err(Step::Send(ask("describe", Verb::Put, url).json(&body).by(talk.session)))
        }
    }
}

/// The link back to the change; the same global id is the same link.
pub(super) fn linked(
    config: &Config,
    talk: &Talk<'_>,
    card: &ChangeCard,
    row: &Row,
) -> Found<Option<String>> {
    let Some(page) = talk.page() else { return Ok(None) };
    if let Some(known) = talk.known.get("remote_link") {
        return Ok(Some(known.clone()));
    }
    if let Some(sent) = talk.last("link") {
        let answer = answer_of(sent)?;
        let id = answer.get("id").and_then(Value::as_u64);
        let id = id.ok_or_else(|| not_understood("the answer is not the link that was made"))?;
        return Ok(Some(id.to_string()));
    }
    let body = json!({
        "globalId": format!("sluice={page}"),
        "application": { "type": "sluice", "name": "Sluice" },
        "relationship": "is governed by",
        "object": { "url": page, "title": format!("{} in Sluice", card.number) },
    });
    let url = format!("{}/issue/{}/remotelink", api(config), row.id);
    Err(Step::Send(ask("link", Verb::Post, url).json(&body).by(talk.session)))
}

/// Whether a comment has been written.
pub(super) fn has_marker(comment: &Value, marker: &str) -> bool {
    comment.get("body").is_some_and(|body| text_of(body).contains(marker))
}
