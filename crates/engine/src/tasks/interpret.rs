//! Deliveries in the inbox become signals, signals become commands, in the order in which they came.

use sluice_connectors::Delivery;
use sluice_core::housekeeping::DeliveryHeard;
use sluice_core::ids::{Digest, LinkName};
use sluice_core::signal::Heard;
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::InboxRow;

use crate::engine::Engine;
use crate::envelope::Cause;
use crate::error::EngineError;
use crate::sequencer::{Commit, Step};

/// How many deliveries are read at once.
const PAGE: u32 = 64;

/// How long it rests when nothing wakes it: what a lost wake-up may cost.
const REST: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) async fn run(engine: Engine) {
    loop {
        match engine.interpret_inbox().await {
            Ok(0) => {
                let _ = tokio::time::timeout(REST, engine.inbox().notified()).await;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "deliveries wait in the inbox");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// What a delivery came to.
struct Interpreted {
    state: &'static str,
    detail: String,
    signals: Vec<sluice_core::signal::Signal>,
}

impl Engine {
    /// Interprets what waits in the inbox; gives how many there were.
    pub async fn interpret_inbox(&self) -> Result<usize, EngineError> {
        let readers = self.readers().clone();
        let waiting = tokio::task::spawn_blocking(move || readers.inbox_next(PAGE)).await;
        let waiting =
            waiting.map_err(|_| crate::error::Unavailable::ledger("the reader was stopped"))??;
        let count = waiting.len();
        for row in waiting {
            self.interpret(row).await?;
        }
        Ok(count)
    }

    async fn interpret(&self, row: InboxRow) -> Result<(), EngineError> {
        // A delivery that makes its reader panic is put aside; the others go on.
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.hear(&row)));
        let Interpreted { state, detail, signals } =
            read.unwrap_or_else(|_| quarantined("reader_panicked"));
        let Ok(link) = LinkName::parse(&row.delivery.link) else { return Ok(()) };
        let (engine, link_name) = (self.clone(), link.clone());
        let (news, mut rows) = self.news(&link, signals).await?;
        let decide = move |standing: &Standing, now: jiff::Timestamp| {
            let mut events = engine.correlate(standing, &link, &news, &mut rows, now);
            let body = Digest::of(&row.delivery.body);
            let outcome = state.to_owned();
            let inbox = i64::try_from(row.id).unwrap_or(i64::MAX);
            events.push(
                DeliveryHeard { link: link.clone(), inbox, body, outcome, detail: detail.clone() }
                    .into(),
            );
            let state = if state == "signals" { "done" } else { state };
            rows.push(Row::DeliveryOutcome {
                id: row.id,
                state: state.to_owned(),
                outcome: Some(detail),
                attempts: row.attempts + 1,
            });
            let mut commit = Commit::of(events, Actor::Link(link));
            commit.rows = rows;
            commit.cause = Some(Cause::Delivery { inbox: row.id });
            Step::Record((), commit)
        };
        let told = self
            .standing()
            .organisation
            .links
            .get(link_name.as_str())
            .is_some_and(|link| link.tell.is_some());
        self.sequencer().submit(decide).await?;
        if told {
            self.lines().hint(&link_name);
            self.sequencer().wake_tellers();
        }
        Ok(())
    }

    fn hear(&self, row: &InboxRow) -> Interpreted {
        let standing = self.standing();
        let Some(link) = standing.organisation.links.get(row.delivery.link.as_str()) else {
            return quarantined("link_withdrawn");
        };
        let Some(ear) = self.ear(link) else { return quarantined("link_not_usable") };
        let headers: Vec<(String, String)> =
            serde_json::from_str(&row.delivery.headers).unwrap_or_default();
        let received_at = jiff::Timestamp::from_microsecond(row.delivery.received_us)
            .unwrap_or_else(|_| self.now());
        let mut delivery = Delivery::of_body(row.delivery.body.clone(), received_at);
        delivery.headers = headers;
        match ear.hearing.hear(&delivery) {
            Ok(Heard::Signals { signals }) => {
                let names: Vec<String> = signals.iter().map(name_of).collect();
                Interpreted { state: "signals", detail: cut(&names.join(" ")), signals }
            }
            Ok(Heard::Ignored { code, reason }) => Interpreted {
                state: "ignored",
                detail: cut(&format!("{code}: {reason}")),
                signals: Vec::new(),
            },
            Err(unreadable) => quarantined(&format!("{}: {}", unreadable.code, unreadable.reason)),
        }
    }
}

fn quarantined(detail: &str) -> Interpreted {
    Interpreted { state: "quarantined", detail: cut(detail), signals: Vec::new() }
}

fn cut(text: &str) -> String {
    text.chars().take(500).collect()
}

/// The word for a signal, as it stands in its JSON.
fn name_of(signal: &sluice_core::signal::Signal) -> String {
    let value = serde_json::to_value(signal).unwrap_or_default();
    value.get("signal").and_then(serde_json::Value::as_str).unwrap_or("signal").to_owned()
}
