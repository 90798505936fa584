//! How many are in work at once: found by what it does to the time that each takes.
//!
//! While requests queue up inside, each takes many times what it takes when there is room: then fewer are let in. While
//! all places are taken and each takes little longer than it has to, more are let in. How long it has to take is
//! measured anew now and then with few in work, since nothing that is measured in a crowd says so. Pure: time is an argument.

use std::time::Duration;

/// How often the limit is thought over.
const EVERY: Duration = Duration::from_millis(100);
/// For how long the best time is believed: what was quick once may have become slow for good.
const BELIEVED: Duration = Duration::from_secs(10);
/// For how long few are let in to measure it.
const PROBE: Duration = Duration::from_millis(200);
/// Up to this a request may take, however quick the best one was.
const FINE: Duration = Duration::from_millis(50);
/// Longer than this a request must not take, however long it has to: an answer within a second is promised.
const SLOW: Duration = Duration::from_millis(400);
/// How many times the best time is queueing.
const TIMES: u32 = 4;

/// A limit that adapts.
#[derive(Debug)]
pub(super) struct Limit {
    least: usize,
    most: usize,
    now: f64,
    best: Duration,
    best_until: Duration,
    next_best: Duration,
    probing_until: Duration,
    since: Duration,
    total: Duration,
    count: u32,
    was_full: bool,
}

impl Limit {
    pub(super) fn new(least: usize, most: usize) -> Self {
        Self {
            least,
            most,
            now: float(most),
            best: Duration::MAX,
            best_until: Duration::ZERO,
            next_best: Duration::MAX,
            probing_until: Duration::ZERO,
            since: Duration::ZERO,
            total: Duration::ZERO,
            count: 0,
            was_full: false,
        }
    }

    /// How many may be in work.
    pub(super) fn get(&self, now: Duration) -> usize {
        if now < self.probing_until { self.least } else { self.settled() }
    }

    /// Takes in how long a request took, and whether all places were taken when it ended.
    pub(super) fn took(&mut self, time: Duration, full: bool, now: Duration) {
        self.total = self.total.saturating_add(time);
        self.count = self.count.saturating_add(1);
        self.was_full |= full;
        self.next_best = self.next_best.min(time);
        if now >= self.best_until {
            self.renew(now);
        }
        self.best = self.best.min(time);
        if now >= self.probing_until && now.saturating_sub(self.since) >= EVERY {
            self.think(now);
        }
    }

    fn renew(&mut self, now: Duration) {
        let crowded = self.now < float(self.most);
        self.best = if crowded { Duration::MAX } else { self.next_best };
        self.next_best = Duration::MAX;
        self.best_until = now.saturating_add(BELIEVED);
        if crowded {
            self.probing_until = now.saturating_add(PROBE);
        }
    }

    /// How many may be in work, but for the moments in which it is measured what a request takes.
    pub(super) fn settled(&self) -> usize {
        places(self.now).clamp(self.least, self.most)
    }

    fn think(&mut self, now: Duration) {
        let mean = self.total / self.count.max(1);
        if mean > SLOW || mean > FINE.max(self.best.saturating_mul(TIMES)) {
            self.now *= 0.9;
        } else if self.was_full {
            self.now += self.now.sqrt();
        }
        self.now = self.now.clamp(float(self.least), float(self.most));
        (self.since, self.total, self.count, self.was_full) = (now, Duration::ZERO, 0, false);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it lies between two small numbers"
)]
fn places(limit: f64) -> usize {
    limit as usize
}

#[expect(clippy::cast_precision_loss, reason = "places are few")]
fn float(places: usize) -> f64 {
    places as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a machine that does `per_second` at most, with as many in work as the limit lets in, for some seconds.
    fn play(limit: &mut Limit, from: &mut Duration, per_second: f64, wanted: usize, seconds: u64) {
        let end = *from + Duration::from_secs(seconds);
        while *from < end {
            let in_work = limit.get(*from).min(wanted);
            // Each waits for those before it.
            let time = Duration::from_secs_f64((float(in_work) / per_second).max(0.002));
            *from += Duration::from_secs_f64(1.0 / per_second);
            limit.took(time, in_work == limit.get(*from), *from);
        }
    }

    #[test]
    fn it_shrinks_until_little_queues_inside_and_grows_back() {
        let (mut limit, mut now) = (Limit::new(8, 128), Duration::ZERO);
        play(&mut limit, &mut now, 500.0, 16, 20);
        assert_eq!(limit.settled(), 128, "a usual load is not touched");
        play(&mut limit, &mut now, 500.0, 1_000, 20);
        let pressed = limit.settled();
        assert!((12..80).contains(&pressed), "some queue outside: {pressed}");
        play(&mut limit, &mut now, 30.0, 1_000, 20);
        assert!(limit.settled() < pressed, "a slower machine takes fewer: {}", limit.settled());
        play(&mut limit, &mut now, 20_000.0, 1_000, 5);
        assert_eq!(limit.settled(), 128, "a quick one takes all");
    }

    #[test]
    fn it_never_leaves_its_bounds() {
        let (mut limit, mut now) = (Limit::new(8, 64), Duration::ZERO);
        play(&mut limit, &mut now, 2.0, 1_000, 300);
        assert_eq!(limit.settled(), 8);
        play(&mut limit, &mut now, 100_000.0, 1_000, 10);
        assert_eq!(limit.settled(), 64);
    }
}
