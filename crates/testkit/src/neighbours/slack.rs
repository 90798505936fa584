//! Slack's API: messages, threads, and what was said before.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Neighbour, Said, Seen};

/// A channel.
#[derive(Debug, Default)]
pub struct Slack {
    /// Messages, oldest first, with their `ts`.
    pub messages: Vec<Value>,
    /// The error that every call ends in.
    pub error: Option<String>,
    /// Whatever says this ends in an error of theirs.
    pub fails_on: Option<String>,
    /// Whether the bot may not read what was said in the channel.
    pub no_history: bool,
    /// What was said to whoever pressed a button: path of the address, and the message.
    pub answers: Vec<(String, Value)>,
    counted: u64,
}

impl Slack {
    /// The first messages of threads, and messages that began none.
    pub fn roots(&self) -> Vec<&Value> {
        self.messages.iter().filter(|message| message.get("thread_ts").is_none()).collect()
    }
}

impl Neighbour for Slack {
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said {
        // These addresses are known to nobody else, and nobody shows there who they are.
        if seen.path.starts_with("/actions/") {
            self.answers.push((seen.path.clone(), seen.json()));
            let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
            return Said { status: 200, headers, body: b"ok".to_vec() };
        }
        let no = |error: &str| Said::json(200, &json!({ "ok": false, "error": error }));
        if !seen
            .headers
            .get("authorization")
            .is_some_and(|shown| shown.starts_with("Bearer secret-of-"))
        {
            return no("invalid_auth");
        }
        if let Some(error) = &self.error {
            return no(error);
        }
        let mut body = seen.json();
        if self.fails_on.as_ref().is_some_and(|word| body.to_string().contains(word)) {
            return no("internal_error");
        }
        match seen.path.as_str() {
            "/api/auth.test" => Said::json(200, &json!({ "ok": true, "user": "sluice" })),
            "/api/chat.postMessage" => {
                self.counted += 1;
                let ts = format!("{}.{:06}", now.as_second(), self.counted);
                body["ts"] = json!(ts);
                self.messages.push(body);
                Said::json(200, &json!({ "ok": true, "channel": "C1", "ts": ts }))
            }
            "/api/chat.update" => {
                let found = self.messages.iter_mut().find(|message| message["ts"] == body["ts"]);
                let Some(message) = found else { return no("message_not_found") };
                message["blocks"] = body["blocks"].clone();
                message["text"] = body["text"].clone();
                Said::json(200, &json!({ "ok": true, "ts": body["ts"] }))
            }
            "/api/conversations.history" | "/api/conversations.replies" if self.no_history => {
                no("missing_scope")
            }
            "/api/conversations.history" => {
                let messages = self.roots().into_iter().rev().cloned().collect();
                page(messages, seen)
            }
            "/api/conversations.replies" => {
                let thread = seen.query.get("ts").map(|ts| json!(ts));
                let of = |message: &&Value| {
                    message.get("thread_ts") == thread.as_ref()
                        || Some(&message["ts"]) == thread.as_ref()
                };
                page(self.messages.iter().filter(of).cloned().collect(), seen)
            }
            "/api/chat.delete" => {
                let before = self.messages.len();
                self.messages.retain(|message| message["ts"] != body["ts"]);
                match self.messages.len() < before {
                    true => Said::json(200, &json!({ "ok": true, "ts": body["ts"] })),
                    false => no("message_not_found"),
                }
            }
            _ => no("unknown_method"),
        }
    }

    fn again(&mut self, seen: &Seen, now: Timestamp) {
        if seen.path == "/api/chat.postMessage" {
            self.answer(seen, now);
        }
    }
}

/// Some of the messages since a time, and where the next ones begin. They are seconds with a fraction.
fn page(messages: Vec<Value>, seen: &Seen) -> Said {
    let number = |name: &str| seen.query.get(name).and_then(|text| text.parse::<f64>().ok());
    let ts = |message: &Value| message["ts"].as_str().and_then(|ts| ts.parse::<f64>().ok());
    let since = number("oldest").unwrap_or(0.0);
    let found = messages.into_iter().filter(|message| ts(message).is_some_and(|ts| ts > since));
    let found: Vec<Value> = found.collect();
    let start = seen.query.get("cursor").and_then(|text| text.parse().ok()).unwrap_or(0);
    let most = seen.query.get("limit").and_then(|text| text.parse().ok()).unwrap_or(100);
    let more = found.len() > start + most;
    let next = if more { (start + most).to_string() } else { String::new() };
    let shown: Vec<Value> = found.into_iter().skip(start).take(most).collect();
    Said::json(
        200,
        &json!({
            "ok": true, "messages": shown, "has_more": more,
            "response_metadata": { "next_cursor": next },
        }),
    )
}
