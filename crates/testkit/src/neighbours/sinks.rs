//! Systems that only take things: dashboards, logs, pagers, channels, and sinks of events. Each knows what it got.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Neighbour, Said, Seen, percent_decoded};

/// One of each.
#[derive(Debug, Default)]
pub struct Sinks {
    /// Grafana's annotations.
    pub annotations: Vec<Value>,
    /// Datadog's events.
    pub events: Vec<Value>,
    /// Splunk's events.
    pub collected: Vec<Value>,
    /// Elasticsearch's documents, by id.
    pub documents: BTreeMap<String, Value>,
    /// Log records of a collector.
    pub records: Vec<Value>,
    /// PagerDuty's alerts by their key, with the last action.
    pub alerts: BTreeMap<String, String>,
    /// PagerDuty's change events.
    pub changes: Vec<Value>,
    /// Alerts of Jira Service Management by their alias, with their state.
    pub operations: BTreeMap<String, String>,
    /// ntfy's messages.
    pub messages: Vec<Value>,
    /// Cards of Teams.
    pub cards: Vec<Value>,
    /// CloudEvents by their id.
    pub published: BTreeMap<String, Value>,
}

impl Sinks {
    fn bulk(&mut self, seen: &Seen) -> Said {
        let text = String::from_utf8_lossy(&seen.body).into_owned();
        let mut lines =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
        let (Some(action), Some(document), true) =
            (lines.next(), lines.next(), text.ends_with('\n'))
        else {
            return Said::json(400, &json!({ "error": "malformed" }));
        };
        let id = action["create"]["_id"].as_str().unwrap_or_default().to_owned();
        let status = if self.documents.contains_key(&id) { 409 } else { 201 };
        self.documents.entry(id.clone()).or_insert(document);
        let item = json!({ "create": { "_id": id, "status": status } });
        Said::json(200, &json!({ "errors": status == 409, "items": [item] }))
    }

    fn paged(&mut self, seen: &Seen) -> Said {
        let body = seen.json();
        if body["routing_key"].as_str().is_none_or(|key| !key.starts_with("secret-of-")) {
            return Said::json(400, &json!({ "status": "invalid event" }));
        }
        if seen.path.ends_with("/change/enqueue") {
            self.changes.push(body);
        } else {
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            self.alerts.insert(text("dedup_key"), text("event_action"));
        }
        Said::json(202, &json!({ "status": "success", "message": "Event processed" }))
    }

    /// Alerts that are made by an alias and closed by it; both are taken at once and done later.
    fn operated(&mut self, seen: &Seen) -> Said {
        if !seen.headers.get("authorization").is_some_and(|it| it.starts_with("GenieKey ")) {
            return Said::json(401, &json!({ "message": "Could not authenticate" }));
        }
        let parts = seen.parts();
        let (alias, state) = match parts.as_slice() {
            [.., alias, "close"] if seen.query.contains_key("identifierType") => {
                (percent_decoded(alias), "closed")
            }
            _ => (seen.json()["alias"].as_str().unwrap_or_default().to_owned(), "open"),
        };
        self.operations.insert(alias, state.to_owned());
        let said = json!({ "result": "Request will be processed", "took": 0.1, "requestId": "r1" });
        Said::json(202, &said)
    }

    fn annotated(&mut self, seen: &Seen) -> Said {
        if seen.method == "GET" {
            let tag = seen.query.get("tags").cloned().unwrap_or_default();
            let has = |one: &&Value| {
                one["tags"].as_array().is_some_and(|tags| tags.iter().any(|one| *one == tag))
            };
            return Said::json(
                200,
                &json!(self.annotations.iter().filter(has).collect::<Vec<_>>()),
            );
        }
        self.annotations.push(seen.json());
        Said::json(200, &json!({ "id": self.annotations.len(), "message": "Annotation added" }))
    }

    fn card(&mut self, seen: &Seen) -> Said {
        let body = seen.json();
        let card = &body["attachments"][0];
        if card["contentType"] != "application/vnd.microsoft.card.adaptive" {
            return Said::json(400, &json!({}));
        }
        self.cards.push(card["content"].clone());
        Said { status: 202, headers: Vec::new(), body: Vec::new() }
    }

    fn event(&mut self, seen: &Seen) -> Said {
        let body = seen.json();
        let id = seen.headers.get("webhook-id").cloned().unwrap_or_default();
        if !seen.headers.contains_key("webhook-signature") || body["id"] != id {
            return Said::json(401, &json!({}));
        }
        self.published.insert(id, body);
        Said { status: 202, headers: Vec::new(), body: Vec::new() }
    }
}

impl Neighbour for Sinks {
    fn answer(&mut self, seen: &Seen, _: Timestamp) -> Said {
        match seen.path.as_str() {
            path if path.starts_with("/jsm/ops/") => self.operated(seen),
            "/api/annotations" => self.annotated(seen),
            "/api/v1/validate" => Said::json(200, &json!({ "valid": true })),
            "/api/v1/events" => {
                self.events.push(seen.json());
                Said::json(202, &json!({ "status": "ok" }))
            }
            "/services/collector/event" => {
                self.collected.push(seen.json());
                Said::json(200, &json!({ "text": "Success", "code": 0 }))
            }
            "/services/collector/health" => {
                Said::json(200, &json!({ "text": "HEC is healthy", "code": 17 }))
            }
            "/_bulk" => self.bulk(seen),
            "/_security/_authenticate" => Said::json(200, &json!({ "username": "sluice" })),
            "/v1/logs" => {
                let body = seen.json();
                let scopes =
                    body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().cloned();
                self.records.extend(scopes.unwrap_or_default());
                Said::json(200, &json!({}))
            }
            "/v2/enqueue" | "/v2/change/enqueue" => self.paged(seen),
            "/workflows/17/invoke" => self.card(seen),
            "/in" if seen.method == "POST" => self.event(seen),
            "/" if seen.method == "POST" => {
                self.messages.push(seen.json());
                let id = format!("m{}", self.messages.len());
                Said::json(200, &json!({ "id": id, "event": "message", "topic": "t" }))
            }
            _ => Said::json(404, &json!({})),
        }
    }
}
