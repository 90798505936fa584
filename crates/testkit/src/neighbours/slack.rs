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
            "/api/conversations.history" => {
                Said::json(200, &json!({ "ok": true, "messages": self.roots() }))
            }
            "/api/conversations.replies" => {
                let thread = seen.query.get("ts").map(|ts| json!(ts));
                let of = |message: &&Value| {
                    message.get("thread_ts") == thread.as_ref()
                        || Some(&message["ts"]) == thread.as_ref()
                };
                let found: Vec<&Value> = self.messages.iter().filter(of).collect();
                Said::json(200, &json!({ "ok": true, "messages": found }))
            }
            _ => no("unknown_method"),
        }
    }
}
