//! Playing loads over connections that are kept alive, as fast as they are answered or each at its time.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use sluice_benches::figures::Latencies;
use sluice_benches::wire::{Message, Wire};
use tokio::task::LocalSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Longer than this is not in time.
const IN_TIME: Duration = Duration::from_secs(1);

/// What a load is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Questions at the gate, which are measured.
    Question,
    /// What presses in beside them.
    Beside,
}

/// How a load is offered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    /// How many connections send it.
    pub(crate) connections: usize,
    /// How many requests a second, each at its time; none where the next follows the answer.
    pub(crate) per_second: Option<f64>,
}

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// How long those took that were answered.
    pub(crate) taken: Latencies,
    /// How long those took that were told to come again.
    pub(crate) refused: Latencies,
    /// Answers that are neither.
    pub(crate) wrong: u64,
    late: usize,
    seconds: f64,
}

impl Reading {
    /// Answers a second that came in time.
    pub(crate) fn per_second(&self) -> f64 {
        count(self.taken.count() - self.late) / self.seconds
    }

    /// Requests a second that were told to come again.
    pub(crate) fn refused_per_second(&self) -> f64 {
        count(self.refused.count()) / self.seconds
    }

    /// Requests a second that were sent.
    pub(crate) fn offered_per_second(&self) -> f64 {
        let wrong = usize::try_from(self.wrong).unwrap_or(usize::MAX);
        count(self.taken.count() + self.refused.count() + wrong) / self.seconds
    }
}

/// What one connection saw.
#[derive(Debug, Default)]
struct Seen {
    taken: Vec<Duration>,
    refused: Vec<Duration>,
    wrong: u64,
}

impl Seen {
    fn take(&mut self, other: Self) {
        self.taken.extend(other.taken);
        self.refused.extend(other.refused);
        self.wrong += other.wrong;
    }

    fn reading(self, seconds: f64) -> Reading {
        let late = self.taken.iter().filter(|took| **took > IN_TIME).count();
        Reading {
            taken: Latencies::of(self.taken),
            refused: Latencies::of(self.refused),
            wrong: self.wrong,
            late,
            seconds,
        }
    }
}

/// What came of loads that were played at the same time.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Of the questions.
    pub(crate) questions: Reading,
    /// Of what pressed in beside them. Not all of it is meant to be believed, so that nothing is said of what was wrong.
    pub(crate) beside: Reading,
    /// Connections beside the questions that ended before their time.
    pub(crate) died: usize,
}

/// Plays loads at the same time.
pub(crate) async fn play(
    address: SocketAddr,
    loads: Vec<(Kind, Offer, Vec<Message>)>,
    time: Duration,
) -> anyhow::Result<Played> {
    let local = LocalSet::new();
    let began = Instant::now();
    let mut workers = Vec::new();
    for (kind, offer, messages) in loads {
        let counter = Rc::new(Cell::new(0_u64));
        for number in 0..offer.connections {
            let (counter, messages) = (Rc::clone(&counter), messages.clone());
            let pace = offer.per_second.map(|all| pace(all, offer.connections, number));
            let worker = worker(address, counter, messages, pace, began + time);
            workers.push((kind, local.spawn_local(worker)));
        }
    }
    let (mut questions, mut beside, mut died) = (Seen::default(), Seen::default(), 0);
    let mut failed = None;
    local
        .run_until(async {
            for (kind, worker) in workers {
                match (kind, worker.await) {
                    (Kind::Question, Ok(Ok(seen))) => questions.take(seen),
                    (Kind::Beside, Ok(Ok(seen))) => beside.take(seen),
                    (Kind::Question, Ok(Err(error))) => failed = Some(error),
                    (Kind::Beside, Ok(Err(_))) => died += 1,
                    (_, Err(error)) => failed = Some(error.into()),
                }
            }
        })
        .await;
    if let Some(error) = failed {
        return Err(error);
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(Played { questions: questions.reading(seconds), beside: beside.reading(seconds), died })
}

/// The time between two requests of a connection, and when its first is due.
fn pace(per_second: f64, connections: usize, number: usize) -> (Duration, Duration) {
    let between = Duration::from_secs_f64(count(connections) / per_second.max(1.0));
    (between, between.mul_f64(count(number) / count(connections)))
}

async fn worker(
    address: SocketAddr,
    counter: Rc<Cell<u64>>,
    mut messages: Vec<Message>,
    pace: Option<(Duration, Duration)>,
    end: Instant,
) -> anyhow::Result<Seen> {
    let mut wire = Wire::to(address).await?;
    let mut ticks = pace.map(|(between, first)| {
        let mut ticks = interval_at(Instant::now() + first, between);
        // A request that could not be sent in its time is not offered later.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks
    });
    let mut seen = Seen::default();
    loop {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        if Instant::now() >= end {
            return Ok(seen);
        }
        let number = counter.replace(counter.get() + 1);
        let which = usize::try_from(number).unwrap_or_default() % messages.len().max(1);
        let Some(message) = messages.get_mut(which) else { return Ok(seen) };
        let sent = Instant::now();
        match wire.status(message.numbered(number)).await? {
            200 => seen.taken.push(sent.elapsed()),
            503 => seen.refused.push(sent.elapsed()),
            _ => seen.wrong += 1,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn count(number: usize) -> f64 {
    number as f64
}
