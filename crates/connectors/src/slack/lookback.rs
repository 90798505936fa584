//! Looking for what was said: before it is said again, after an answer was lost; and after it was said, for what was said
//! twice of one request. Each message of ours has the key of its effect in its metadata, which no person can write.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::config::Config;
use super::tell::{Said, ok, ts};
use crate::kit::answers::{self, not_understood};
use crate::tell::{Ask, Exchange, Step, Talk, Verb};

/// By so much their clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(2);
/// The most pages that are looked through.
const PAGES: usize = 4;
/// Errors that a message can only be left where it is after.
const STAYS: [&str; 4] = [
    "message_not_found",
    "cant_delete_message",
    "missing_scope",
    "compliance_exports_prevent_deletion",
];

/// Where something is said, and by which key it is known.
pub(super) struct Place<'a> {
    pub(super) thread: Option<&'a str>,
    pub(super) key: &'a str,
}

/// When it is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// An answer was lost: it is not known whether it was said.
    Loss,
    /// It was said; perhaps twice.
    Saying,
}

/// Ids of our messages with the key, the oldest first.
pub(super) fn found(
    config: &Config,
    talk: &Talk<'_>,
    place: &Place<'_>,
    after: After,
) -> Said<Vec<String>> {
    let step = match (after, place.thread) {
        (After::Loss, None) => "look",
        (After::Loss, Some(_)) => "look_in_thread",
        (After::Saying, None) => "look_after",
        (After::Saying, Some(_)) => "look_after_in_thread",
    };
    let (mut found, mut next, mut pages) = (Vec::new(), Some(String::new()), 0);
    for exchange in talk.so_far.iter().filter(|exchange| exchange.step == step) {
        if after == After::Saying && is_refused(exchange) {
            // Whoever may not look has said it all the same.
            return Ok(Vec::new());
        }
        let answer = ok(exchange)?;
        let messages = answer.get("messages").and_then(Value::as_array);
        let messages = messages.ok_or_else(|| not_understood("the answer holds no messages"))?;
        found.extend(messages.iter().filter(|message| is_ours(message, place.key)).filter_map(ts));
        let cursor = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str);
        next = cursor.filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        pages += 1;
    }
    match next.filter(|_| pages < PAGES) {
        Some(cursor) => Err(Step::Send(look(config, talk, place, step, &cursor))),
        None => {
            found.sort();
            found.dedup();
            Ok(found)
        }
    }
}

fn is_ours(message: &Value, key: &str) -> bool {
    message.pointer("/metadata/event_type").and_then(Value::as_str) == Some("sluice")
        && message.pointer("/metadata/event_payload/key").and_then(Value::as_str) == Some(key)
}

fn look(
    config: &Config,
    talk: &Talk<'_>,
    place: &Place<'_>,
    step: &'static str,
    cursor: &str,
) -> Ask {
    let since = talk.effect.at.checked_sub(SKEW).unwrap_or(talk.effect.at);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("channel", &config.channel);
    query.append_pair("include_all_metadata", "true").append_pair("limit", "200");
    query.append_pair("oldest", &since.as_second().to_string());
    if !cursor.is_empty() {
        query.append_pair("cursor", cursor);
    }
    let method = match place.thread {
        Some(thread) => {
            query.append_pair("ts", thread);
            "conversations.replies"
        }
        None => "conversations.history",
    };
    let url = format!("{}?{}", config.method(method), query.finish());
    Ask::new(step, Verb::Get, url).by(talk.session)
}

/// The oldest of them, or the one that was made where none was found; the others are taken away.
pub(super) fn kept_once(
    config: &Config,
    talk: &Talk<'_>,
    place: &Place<'_>,
    found: Vec<String>,
    made: Option<String>,
) -> Said<String> {
    let step = if place.thread.is_some() { "surplus_in_thread" } else { "surplus" };
    let removed = talk.so_far.iter().filter(|exchange| exchange.step == step);
    for exchange in removed.clone().filter(|exchange| !is_refused(exchange)) {
        ok(exchange)?;
    }
    if let Some(surplus) = found.get(removed.count() + 1) {
        let body = json!({ "channel": config.channel, "ts": surplus });
        let ask = Ask::new(step, Verb::Post, config.method("chat.delete")).json(&body);
        return Err(Step::Send(ask.by(talk.session)));
    }
    let odd = || not_understood("the answer holds no message of ours");
    found.into_iter().next().or(made).ok_or_else(odd)
}

/// Whether they have answered that it will never be done.
fn is_refused(exchange: &Exchange) -> bool {
    let reply = exchange.answer.as_ref().ok();
    let answer = reply.and_then(answers::parsed);
    let error = answer.as_ref().and_then(|answer| answer.get("error")).and_then(Value::as_str);
    error.is_some_and(|error| STAYS.contains(&error))
}
