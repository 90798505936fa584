//! Events as they happen: `GET /api/v1/events`, server-sent CloudEvents in structured JSON.
//!
//! Each event is an entry of the ledger, its id the entry's index, so that a reader who comes
//! back with `Last-Event-ID` misses nothing and sees nothing twice. A reader who does not keep
//! up is closed, and comes back in the same way; nothing is kept in memory for them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::permission::Permission;
use sluice_engine::Caller;
use sluice_engine::envelope::Envelope;
use sluice_engine::store::Entry;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::app::App;
use crate::guard::By;
use crate::overload::Place;
use crate::problem::Problem;
use crate::query::Query;
use crate::status;

/// Entries read at once.
const BATCH: u32 = 256;
/// Events that may wait for a reader.
const BUFFER: usize = 64;
/// How long a reader may leave the buffer full.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a comment is sent while nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What the type of every event begins with.
const PREFIX: &str = "sluice.";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// Only events whose type begins so; `change.` and `sluice.change.` are the same.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Index of the first entry; where absent, what happens from now on.
    from: Option<u64>,
}

pub(crate) async fn follow(
    State(app): State<App>,
    By(caller): By,
    Extension(place): Extension<Place>,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let size = app.engine.lists().head().size;
    let from = match last_event_id(&headers)? {
        Some(last) => last.saturating_add(1),
        None => query.from.unwrap_or(size),
    };
    if from > size {
        let detail = format!("it has {size} entries, and entry {from} was to follow");
        return Err(Problem::of(&status::AHEAD_OF_LEDGER, detail));
    }
    let wanted = query.kind.unwrap_or_default();
    let wanted = wanted.strip_prefix(PREFIX).unwrap_or(&wanted).to_owned();
    let (sender, receiver) = mpsc::channel(BUFFER);
    tokio::spawn(async move {
        let feed = Feed { app: app.clone(), caller, wanted, sender };
        tokio::select! {
            () = feed.run(from) => {}
            () = app.closed() => {}
        }
        drop(place);
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("nothing happened");
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(keep_alive))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let invalid = || Problem::of(&status::HEADER_INVALID, "`Last-Event-ID` is an id that was sent");
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| invalid()) }
}

struct Feed {
    app: App,
    caller: Arc<Caller>,
    wanted: String,
    sender: mpsc::Sender<Result<Event, Infallible>>,
}

impl Feed {
    /// Sends what happens from entry `next` on, until the reader goes or falls behind, the token
    /// ends, or an entry cannot be read.
    async fn run(self, mut next: u64) {
        let mut size = self.app.engine.watch_size();
        loop {
            // What its token or session may is read anew, like that of every other request.
            let now = self.app.engine.as_now(&self.caller);
            if !now.is_some_and(|caller| caller.everywhere(Permission::EventRead)) {
                return;
            }
            let read = self.app.read(move |readers| readers.entries(next, BATCH)).await;
            let entries = match read {
                Ok(entries) => entries,
                Err(problem) => {
                    tracing::error!(code = %problem.code, cause = problem.log, "an event stream ended");
                    return;
                }
            };
            for entry in &entries {
                next = entry.seq + 1;
                if entry.name.starts_with(&self.wanted) && !self.send(entry).await {
                    return;
                }
            }
            if entries.is_empty() {
                let grown = tokio::select! {
                    grown = size.wait_for(|size| *size > next) => grown.is_ok(),
                    () = self.sender.closed() => false,
                };
                if !grown {
                    return;
                }
            }
        }
    }

    async fn send(&self, entry: &Entry) -> bool {
        let Some(event) = cloud_event(&self.app.engine.keys().origin, entry) else {
            tracing::error!(index = entry.seq, "an entry is not an event");
            return false;
        };
        matches!(tokio::time::timeout(PATIENCE, self.sender.send(Ok(event))).await, Ok(Ok(())))
    }
}

/// An entry as a CloudEvent. `ledgerindex` and `actor` are extension attributes.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    subject: &'a str,
    time: jiff::Timestamp,
    datacontenttype: &'static str,
    ledgerindex: String,
    actor: String,
    data: &'a RawValue,
}

fn cloud_event(origin: &str, entry: &Entry) -> Option<Event> {
    let envelope = Envelope::parse(&entry.bytes).ok()?;
    let kind = format!("{PREFIX}{}.v{}", envelope.event, envelope.version);
    let event = CloudEvent {
        specversion: "1.0",
        id: entry.seq.to_string(),
        source: format!("//{origin}"),
        kind: kind.clone(),
        subject: &envelope.stream,
        time: envelope.time,
        datacontenttype: "application/json",
        ledgerindex: entry.seq.to_string(),
        actor: actor(&envelope.actor),
        data: envelope.data,
    };
    let text = serde_json::to_string(&event).ok()?;
    Some(Event::default().id(entry.seq.to_string()).event(kind).data(text))
}

fn actor(actor: &sluice_core::standing::Actor) -> String {
    use sluice_core::standing::Actor;
    match actor {
        Actor::Person(id) => id.to_string(),
        Actor::Pipeline(id) => format!("token/{id}"),
        Actor::Link(name) => format!("link/{name}"),
        Actor::Sluice => "sluice".to_owned(),
    }
}
