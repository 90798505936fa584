//! Places with a queue: whoever waited too long is refused, and while the queue does not empty the newest goes first,
//! since the oldest will have been given up by whoever asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::full;
use super::limit::Limit;
use super::share::Share;
use crate::problem::Problem;

/// How long a request may wait for a place.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the shortest wait may be before the queue counts as standing (CoDel: a good queue empties).
const STANDING: Duration = Duration::from_millis(20);
/// Over which time the shortest wait is looked for.
const WINDOW: Duration = Duration::from_millis(100);
/// No more may wait than are done in this time: who would wait longer is refused at once, which costs both sides least.
const AHEAD_S: f64 = 0.2;
/// So many may wait in any case: after a quiet time it is not known yet how many are done.
const LEAST_QUEUE: usize = 256;

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    lane: Arc<Lane>,
    since: Instant,
    paid: f64,
}

#[derive(Debug)]
pub(super) struct Lane {
    began: Instant,
    queue: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: Limit,
    share: Option<Share>,
    in_work: usize,
    waiting: VecDeque<Waiting>,
    /// The shortest wait of this window and of the one before.
    shortest: (Duration, Duration),
    window: Instant,
    /// How many were done in this window, and a second, lately; negative where it is not known yet.
    done: u32,
    rate: f64,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    wake: oneshot::Sender<Held>,
}

impl Lane {
    /// Places that adapt between two numbers, and how many may wait for one.
    pub(super) fn new(least: usize, most: usize, queue: usize, share: Option<Share>) -> Arc<Self> {
        let now = Instant::now();
        let state = State {
            limit: Limit::new(least, most),
            share,
            in_work: 0,
            waiting: VecDeque::new(),
            shortest: (Duration::ZERO, Duration::MAX),
            window: now,
            done: 0,
            rate: -1.0,
        };
        Arc::new(Self { began: now, queue, state: Mutex::new(state) })
    }

    /// Whether all places are taken, or so many are.
    pub(super) fn is_pressed(&self, from: usize) -> bool {
        let state = self.state.lock();
        !state.waiting.is_empty() || state.in_work >= from.min(state.limit.settled())
    }

    /// Whether nothing can be done for a request but to refuse it. Costs nothing, and promises nothing.
    pub(super) fn refuses(&self, pressed: bool) -> bool {
        let now = self.began.elapsed();
        let mut state = self.state.lock();
        let spent = state.share.as_mut().is_some_and(|share| !share.admits(pressed, now));
        let room = state.room(self.queue).max(1);
        if state.waiting.len() >= room {
            state.drop_late(Instant::now());
        }
        spent || state.waiting.len() >= room
    }

    pub(super) async fn enter(self: &Arc<Self>, pressed: bool) -> Result<Held, Problem> {
        let woken = {
            let (now, mut state) = (self.began.elapsed(), self.state.lock());
            if state.share.as_mut().is_some_and(|share| !share.admits(pressed, now)) {
                return Err(full());
            }
            if state.in_work < state.limit.get(now) {
                return Ok(self.take(&mut state));
            }
            let since = Instant::now();
            state.drop_late(since);
            if state.waiting.len() >= state.room(self.queue) {
                return Err(full());
            }
            let (wake, woken) = oneshot::channel();
            state.waiting.push_back(Waiting { since, wake });
            woken
        };
        match tokio::time::timeout(PATIENCE, woken).await {
            Ok(Ok(held)) => Ok(held),
            _ => Err(full()),
        }
    }

    fn take(self: &Arc<Self>, state: &mut State) -> Held {
        state.in_work += 1;
        self.held(state)
    }

    fn held(self: &Arc<Self>, state: &mut State) -> Held {
        let paid = state.share.as_mut().map_or(0.0, Share::begin);
        Held { lane: Arc::clone(self), since: Instant::now(), paid }
    }

    fn leave(self: &Arc<Self>, since: Instant, paid: f64) {
        let (took, now) = (since.elapsed(), self.began.elapsed());
        let mut state = self.state.lock();
        let is_full = state.in_work >= state.limit.get(now);
        state.limit.took(took, is_full, now);
        if let Some(share) = &mut state.share {
            share.end(paid, took);
        }
        state.in_work = state.in_work.saturating_sub(1);
        state.done = state.done.saturating_add(1);
        let mut woken = Vec::new();
        while state.in_work < state.limit.get(now) {
            let Some(next) = state.next() else { break };
            // Its place is taken before it runs: nobody comes between.
            woken.push((next.wake, self.take(&mut state)));
        }
        drop(state);
        for (wake, held) in woken {
            // Whoever has given up meanwhile gives the place back by dropping it.
            drop(wake.send(held));
        }
    }

    #[cfg(test)]
    pub(super) fn in_work(&self) -> usize {
        self.state.lock().in_work
    }
}

impl State {
    /// Forgets those who have given up, or have waited too long.
    fn forget(&mut self, now: Instant) {
        self.waiting.retain(|one| !one.wake.is_closed() && now - one.since < PATIENCE);
    }

    /// Forgets those at the front who have waited too long: the oldest are there, so that it costs no more than they do.
    fn drop_late(&mut self, now: Instant) {
        while self.waiting.front().is_some_and(|one| now - one.since >= PATIENCE) {
            self.waiting.pop_front();
        }
    }

    /// How many may wait.
    fn room(&self, most: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small number that is not negative"
        )]
        let ahead = (self.rate * AHEAD_S).max(0.0) as usize;
        if self.rate < 0.0 { most } else { ahead.max(LEAST_QUEUE).min(most) }
    }

    /// Who goes next: the oldest while the queue empties now and then, else the newest.
    fn next(&mut self) -> Option<Waiting> {
        let now = Instant::now();
        if now - self.window >= WINDOW {
            self.shortest = (self.shortest.1, Duration::MAX);
            let rate = f64::from(self.done) / (now - self.window).as_secs_f64();
            self.rate = if self.rate < 0.0 { rate } else { self.rate.mul_add(0.7, rate * 0.3) };
            (self.window, self.done) = (now, 0);
        }
        self.forget(now);
        let Some(oldest) = self.waiting.front() else {
            self.shortest.1 = Duration::ZERO;
            return None;
        };
        self.shortest.1 = self.shortest.1.min(now - oldest.since);
        let is_standing = self.shortest.0 != Duration::MAX && self.shortest.0 > STANDING;
        if is_standing { self.waiting.pop_back() } else { self.waiting.pop_front() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.lane.leave(self.since, self.paid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_waits_too_long_is_refused_and_places_come_back() {
        let lane = Lane::new(1, 1, 1, None);
        let first = lane.enter(false).await.expect("a place");
        let (queued, beyond) = tokio::join!(lane.enter(false), lane.enter(false));
        assert!(queued.is_err() && beyond.is_err());
        drop(first);
        let second = lane.enter(false).await.expect("a place");
        let waits = tokio::spawn({
            let lane = Arc::clone(&lane);
            async move { lane.enter(false).await.is_ok() }
        });
        tokio::task::yield_now().await;
        drop(second);
        assert!(waits.await.expect("ran"), "whoever waits is woken");
        assert_eq!(lane.in_work(), 0);
    }

    /// In which order those come in who begin to wait a little after one another, while one place works slowly.
    async fn order(each: Duration) -> Vec<u32> {
        let lane = Lane::new(1, 1, 100, None);
        let done = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for number in 0..12 {
            let (lane, done) = (Arc::clone(&lane), Arc::clone(&done));
            tasks.push(tokio::spawn(async move {
                if let Ok(held) = lane.enter(false).await {
                    tokio::time::sleep(each).await;
                    drop(held);
                    done.lock().push(number);
                }
            }));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for task in tasks {
            task.await.expect("ran");
        }
        Arc::into_inner(done).expect("all have ended").into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_empties_goes_in_order_and_a_standing_one_newest_first() {
        assert_eq!(order(Duration::from_millis(5)).await, (0..12).collect::<Vec<_>>());
        let standing = order(Duration::from_millis(110)).await;
        let newest = standing.iter().position(|number| *number == 11).expect("the newest comes in");
        assert!(newest < standing.len() - 1 && standing.len() < 12, "{standing:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_gives_up_leaves_no_place_taken() {
        let lane = Lane::new(1, 1, 10, None);
        let first = lane.enter(false).await.expect("a place");
        let gives_up = tokio::time::timeout(Duration::from_millis(1), lane.enter(false)).await;
        assert!(gives_up.is_err());
        drop(first);
        assert_eq!(lane.in_work(), 0);
        assert!(lane.enter(false).await.is_ok());
    }
}
