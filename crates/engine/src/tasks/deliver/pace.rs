//! When to try again, when to stop trying, and how fast: arithmetic, without a clock.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(6 * 3_600);
/// After so long nobody tries again by themselves.
pub(super) const GIVE_UP: Duration = Duration::from_secs(72 * 3_600);
/// So often it is tried at least, however long that takes.
pub(super) const LEAST: u32 = 14;
/// Failures in a row after which a link is left alone for a while.
const FAILURES: u32 = 5;
/// For how long at first, and at most.
const OPEN_FIRST: Duration = Duration::from_secs(30);
const OPEN_LONGEST: Duration = Duration::from_secs(600);

/// How long to wait before the next attempt: full jitter, doubling from 5 s to 6 h. `chance` is any number.
pub(super) fn wait(attempts: u32, chance: u64) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1).min(20)));
    let most = u64::try_from(doubled.min(LONGEST).as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(1_000.max(chance % most.saturating_add(1)))
}

/// Leaves a neighbour alone that fails again and again, and lets a single one try when the time is over.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    opened: u32,
    until: Option<Duration>,
}

impl Breaker {
    /// Until when nothing is sent, on the clock that no setting moves.
    pub(super) fn closed_until(&self, now: Duration) -> Option<Duration> {
        self.until.filter(|until| *until > now)
    }

    /// Whether only one may try.
    pub(super) fn is_trying(&self) -> bool {
        self.failures >= FAILURES
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn went_well(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            let open = OPEN_FIRST.saturating_mul(2_u32.saturating_pow(self.opened.min(10)));
            self.until = Some(now + open.min(OPEN_LONGEST));
            self.opened = self.opened.saturating_add(1);
        }
    }
}

/// So many requests in a minute, a tenth of them at once, and none while the neighbour asked to be left alone.
#[derive(Debug)]
pub(super) struct Budget {
    left: f64,
    at: Duration,
    held_until: Duration,
    a_minute: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: f64::MAX, at: Duration::ZERO, held_until: Duration::ZERO, a_minute: 60.0 }
    }
}

impl Budget {
    /// When the next request may go: now, or later.
    pub(super) fn ready(&mut self, now: Duration, per_minute: u32) -> Result<(), Duration> {
        if self.held_until > now {
            return Err(self.held_until);
        }
        self.a_minute = f64::from(per_minute);
        let a_second = self.a_minute / 60.0;
        let most = (self.a_minute / 10.0).max(1.0);
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + passed * a_second).min(most);
        self.at = now;
        if self.left >= 1.0 {
            return Ok(());
        }
        Err(now + Duration::from_secs_f64((1.0 - self.left) / a_second))
    }

    /// Notes a request. What a person asks for goes beyond the budget, and silences the link for a minute at most.
    pub(super) fn spend(&mut self) {
        self.left = (self.left - 1.0).max(-self.a_minute);
    }

    /// Whether the neighbour asked to be left alone.
    pub(super) fn is_held(&self, now: Duration) -> bool {
        self.held_until > now
    }

    /// Leaves the neighbour alone until then.
    pub(super) fn hold(&mut self, until: Duration) {
        self.held_until = self.held_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_six_hours_and_are_anywhere_below() {
        for (attempts, most_s) in
            [(1, 5), (2, 10), (3, 20), (10, 2_560), (13, 20_480), (14, 21_600), (99, 21_600)]
        {
            let most = wait(attempts, most_s * 1_000);
            assert_eq!(most, Duration::from_secs(most_s), "{attempts}");
            for chance in [0, 7, 1 << 20, u64::MAX] {
                let waited = wait(attempts, chance);
                assert!(waited >= Duration::from_secs(1) && waited <= Duration::from_secs(most_s));
            }
        }
    }

    #[test]
    fn a_breaker_opens_after_five_failures_and_longer_each_time() {
        let mut breaker = Breaker::default();
        let at = Duration::from_secs;
        for second in 0..4 {
            breaker.failed(at(second));
            assert_eq!(breaker.closed_until(at(second)), None);
        }
        breaker.failed(at(4));
        assert_eq!(breaker.closed_until(at(5)), Some(at(34)));
        assert!(breaker.closed_until(at(34)).is_none() && breaker.is_trying());
        breaker.failed(at(34));
        assert_eq!(breaker.closed_until(at(35)), Some(at(94)));
        breaker.went_well();
        assert!(breaker.closed_until(at(36)).is_none() && !breaker.is_trying());
    }

    #[test]
    fn a_budget_lets_through_what_a_minute_has() {
        let mut budget = Budget::default();
        let mut now = Duration::ZERO;
        let mut sent = 0;
        while now < Duration::from_secs(60) {
            match budget.ready(now, 60) {
                Ok(()) => {
                    budget.spend();
                    sent += 1;
                }
                Err(later) => now = later,
            }
        }
        assert!((60..=67).contains(&sent), "{sent}");
        budget.hold(Duration::from_secs(120));
        assert_eq!(budget.ready(now, 60), Err(Duration::from_secs(120)));
    }
}
