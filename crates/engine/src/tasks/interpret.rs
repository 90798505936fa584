//! Deliveries in the inbox become signals, signals become commands, in the order in which they came.

use jiff::Timestamp;
use sluice_connectors::Delivery;
use sluice_core::event::Event;
use sluice_core::housekeeping::DeliveryHeard;
use sluice_core::ids::{Digest, LinkName};
use sluice_core::run::RunRef;
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
        let ended = engine.interpret_inbox().await;
        engine.went_round("inbox", ended.as_ref());
        match ended {
            Ok(0) => {
                let _ = tokio::time::timeout(REST, engine.inbox().notified()).await;
            }
            Ok(_) => {}
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
}

/// What a delivery came to.
struct Interpreted {
    state: &'static str,
    detail: String,
    signals: Vec<sluice_core::signal::Signal>,
    /// The run that comes to wait by it, where it cannot be read for what.
    unread: Option<(RunRef, Option<Timestamp>)>,
}

/// A delivery whose outcome is to be recorded.
#[derive(Clone)]
struct Taken {
    id: u64,
    link: LinkName,
    body: Digest,
    attempts: u32,
}

impl Taken {
    fn of(row: &InboxRow, link: &LinkName) -> Self {
        let body = Digest::of(&row.delivery.body);
        Self { id: row.id, link: link.clone(), body, attempts: row.attempts + 1 }
    }

    fn put_aside(self, why: &str) -> Commit {
        let Interpreted { state, detail, .. } = quarantined(why);
        self.came_to(state, detail, Vec::new(), Vec::new())
    }

    fn came_to(
        self,
        state: &str,
        detail: String,
        mut events: Vec<Event>,
        mut rows: Vec<Row>,
    ) -> Commit {
        let Self { id, link, body, attempts } = self;
        let inbox = i64::try_from(id).unwrap_or(i64::MAX);
        let outcome = state.to_owned();
        let heard =
            DeliveryHeard { link: link.clone(), inbox, body, outcome, detail: detail.clone() };
        events.push(heard.into());
        let state = if state == "signals" { "done" } else { state }.to_owned();
        rows.push(Row::DeliveryOutcome { id, state, outcome: Some(detail), attempts });
        let mut commit = Commit::of(events, Actor::Link(link));
        commit.rows = rows;
        commit.cause = Some(Cause::Delivery { inbox: id });
        commit
    }
}

impl Engine {
    /// Interprets what waits in the inbox; gives how many there were.
    pub async fn interpret_inbox(&self) -> Result<usize, EngineError> {
        let _interpreting = self.interpreting().lock().await;
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
        let heard = read.unwrap_or_else(|_| quarantined("reader_panicked"));
        let Ok(link) = LinkName::parse(&row.delivery.link) else { return Ok(()) };
        let turns = self.turns(&link, &heard.signals).await?;
        let in_vain = self.in_vain(&row, &link, &heard).await?;
        let (mut news, mut rows) = self.news(&link, heard.signals).await?;
        news.turns = turns;
        rows.extend(in_vain);
        let taken = Taken::of(&row, &link);
        let (engine, by) = (self.clone(), link.clone());
        let make = move |standing: &Standing, now: Timestamp| {
            let events = engine.correlate(standing, &by, &news, &mut rows, now);
            (events, rows)
        };
        let told = self
            .standing()
            .organisation
            .links
            .get(link.as_str())
            .is_some_and(|link| link.tell.is_some());
        self.record_heard(taken, heard.state, heard.detail, make).await?;
        if told {
            self.lines().hint(&link);
            self.sequencer().wake_tellers();
        }
        Ok(())
    }

    /// What is kept of runs that come to wait by a delivery for what nobody is told an answer to. Read once more by a
    /// person, a delivery tells nothing of what waits now.
    async fn in_vain(
        &self,
        row: &InboxRow,
        link: &LinkName,
        heard: &Interpreted,
    ) -> Result<Vec<Row>, EngineError> {
        let mut rows = Vec::new();
        if row.attempts > 0 {
            return Ok(rows);
        }
        let unanswered = self.unanswered(link, &heard.signals).into_iter();
        let runs = unanswered.map(|asked| (asked.run, asked.at)).chain(heard.unread.clone());
        for (run, at) in runs {
            rows.extend(self.asked_in_vain(&run, at).await?);
        }
        Ok(rows)
    }

    /// Records what a delivery came to, together with what `make` makes of it. Where that panics, or is more than can be
    /// recorded, the delivery is put aside and the others go on; it stays where it is only while nothing can be recorded
    /// at all.
    async fn record_heard(
        &self,
        taken: Taken,
        state: &'static str,
        detail: String,
        make: impl FnOnce(&Standing, Timestamp) -> (Vec<Event>, Vec<Row>) + Send + 'static,
    ) -> Result<(), EngineError> {
        let it = taken.clone();
        let decide = move |standing: &Standing, now: Timestamp| {
            let make = std::panic::AssertUnwindSafe(|| make(standing, now));
            let commit = match std::panic::catch_unwind(make) {
                Ok((events, rows)) => it.came_to(state, detail, events, rows),
                Err(_) => it.put_aside("correlation_panicked"),
            };
            Step::Record((), commit)
        };
        match self.sequencer().submit(decide).await {
            Ok(((), _)) => Ok(()),
            Err(EngineError::Refused(refusal)) => {
                let why = format!("{}: {}", refusal.code, refusal.message);
                tracing::warn!(link = %taken.link, inbox = taken.id, why, "a delivery is put aside");
                let decide = move |_: &Standing, _| Step::Record((), taken.put_aside(&why));
                self.sequencer().submit(decide).await.map(|_| ())
            }
            Err(
                error @ (EngineError::Unavailable(_)
                | EngineError::Read(_)
                | EngineError::Forbidden(_)),
            ) => Err(error),
        }
    }

    fn hear(&self, row: &InboxRow) -> Interpreted {
        let standing = self.standing();
        let Some(link) = standing.organisation.links.get(row.delivery.link.as_str()) else {
            return quarantined("link_withdrawn");
        };
        let Some(ear) = self.ear(link) else { return quarantined("link_not_usable") };
        let headers: Vec<(String, String)> =
            serde_json::from_str(&row.delivery.headers).unwrap_or_default();
        let received_at =
            Timestamp::from_microsecond(row.delivery.received_us).unwrap_or_else(|_| self.now());
        let mut delivery = Delivery::of_body(row.delivery.body.clone(), received_at);
        delivery.headers = headers;
        match ear.hearing.hear(&delivery) {
            Ok(Heard::Signals { signals }) => {
                let names: Vec<String> = signals.iter().map(name_of).collect();
                Interpreted {
                    state: "signals",
                    detail: cut(&names.join(" ")),
                    signals,
                    unread: None,
                }
            }
            Ok(Heard::Ignored { code, reason }) => Interpreted {
                state: "ignored",
                detail: cut(&format!("{code}: {reason}")),
                signals: Vec::new(),
                unread: None,
            },
            Err(unreadable) => Interpreted {
                unread: ear.hearing.asks_unread(&delivery),
                ..quarantined(&format!("{}: {}", unreadable.code, unreadable.reason))
            },
        }
    }
}

fn quarantined(detail: &str) -> Interpreted {
    let (state, detail) = ("quarantined", cut(detail));
    Interpreted { state, detail, signals: Vec::new(), unread: None }
}

fn cut(text: &str) -> String {
    text.chars().take(500).collect()
}

/// The word for a signal, as it stands in its JSON.
fn name_of(signal: &sluice_core::signal::Signal) -> String {
    let value = serde_json::to_value(signal).unwrap_or_default();
    value.get("signal").and_then(serde_json::Value::as_str).unwrap_or("signal").to_owned()
}

#[cfg(test)]
mod tests {
    use sluice_core::housekeeping::RunSeen;
    use sluice_core::run::RunRef;
    use sluice_store::rows::DeliveryRow;

    use super::*;
    use crate::engine::EngineOptions;

    #[tokio::test]
    async fn a_delivery_of_which_nothing_can_be_recorded_is_put_aside() {
        let dir = tempfile::tempdir().expect("a folder");
        let origin = Some("test.example/log".to_owned());
        let options = EngineOptions { origin, ..EngineOptions::new(dir.path()) };
        let engine = Engine::open(options).expect("it opens");
        for id in [1, 2, 3] {
            received(&engine, id).await;
        }
        let large = |_: &Standing, _| (vec![run_seen(70_000).into()], Vec::new());
        record(&engine, 1, large).await;
        let panics = |_: &Standing, _| panic!("a fault of the program");
        record(&engine, 2, panics).await;
        let good = |_: &Standing, _| (vec![run_seen(100).into()], Vec::new());
        record(&engine, 3, good).await;
        for (id, state, detail) in [
            (1, "quarantined", "too_large: `run.seen` would be larger than 65535 bytes"),
            (2, "quarantined", "correlation_panicked"),
            (3, "done", "run_started"),
        ] {
            let row = engine.readers().inbox_get(id).expect("it reads").expect("it is there");
            assert_eq!((row.state.as_str(), row.outcome.as_deref()), (state, Some(detail)));
        }
        assert_eq!(engine.readers().inbox_backlog().expect("it reads"), 0);
        assert_eq!(engine.standing().runs.len(), 1);
    }

    async fn received(engine: &Engine, id: u64) {
        let delivery = DeliveryRow {
            link: "github".to_owned(),
            delivery_id: id.to_string(),
            body_hash: [u8::try_from(id).expect("small"); 32],
            kind: "x".to_owned(),
            headers: "{}".to_owned(),
            body: vec![1],
            received_us: 1,
        };
        let decide = move |_: &Standing, _| {
            let mut commit = Commit::of(Vec::new(), Actor::Sluice);
            commit.rows.push(Row::Delivery(delivery));
            Step::Record((), commit)
        };
        engine.sequencer().submit(decide).await.expect("it is taken in");
    }

    async fn record(
        engine: &Engine,
        id: u64,
        make: impl FnOnce(&Standing, Timestamp) -> (Vec<Event>, Vec<Row>) + Send + 'static,
    ) {
        let row = engine.readers().inbox_get(id).expect("it reads").expect("it is there");
        let taken = Taken::of(&row, &LinkName::parse("github").expect("a name"));
        let recorded = engine.record_heard(taken, "signals", "run_started".to_owned(), make).await;
        recorded.expect("the others go on");
    }

    fn run_seen(url_bytes: usize) -> RunSeen {
        let url = Some("x".repeat(url_bytes));
        let run = RunRef { system: "test".into(), id: "1".into(), attempt: 1, url };
        RunSeen { run, commit: None, involved: [].into() }
    }
}
