//! The clock, and whether it can be trusted. The only place that reads the system's time.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::{Timestamp, TimestampRound, Unit};
use sluice_core::facts::ClockFacts;

/// Time as the engine sees it.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment that no clock setting moves.
    fn monotonic(&self) -> Duration;
}

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the system's time enters")]
    fn now(&self) -> Timestamp {
        to_micros(Timestamp::now())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A time cut to microseconds, the grain of the ledger.
pub fn to_micros(time: Timestamp) -> Timestamp {
    let round = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
    time.round(round).unwrap_or(time)
}

/// The farthest that the clock may stand from where it should.
const BOUND_MS: i64 = 2_000;

/// How long a jump of the clock is held against it before the new time is taken as the right one.
const PROBATION: Duration = Duration::from_secs(60);

/// Watches the wall clock against the monotonic one and against the ledger's own time.
#[derive(Debug, Default)]
pub struct SkewWatch {
    state: Mutex<Option<Watched>>,
}

#[derive(Debug, Clone, Copy)]
struct Watched {
    /// Wall clock less monotonic clock, in milliseconds, as last trusted.
    offset_ms: i64,
    /// Since when another offset is seen.
    jumped_at: Option<Duration>,
}

impl SkewWatch {
    /// What is to be thought of `now`, given the time of the ledger's last entry.
    pub fn look(
        &self,
        now: Timestamp,
        monotonic: Duration,
        last_entry: Option<Timestamp>,
    ) -> ClockFacts {
        let offset_ms =
            now.as_millisecond() - i64::try_from(monotonic.as_millis()).unwrap_or(i64::MAX);
        let jump_ms = self.jump(offset_ms, monotonic);
        let behind_ms =
            last_entry.map_or(0, |last| last.as_millisecond() - now.as_millisecond()).max(0);
        let skew_ms = if behind_ms > jump_ms.abs() { -behind_ms } else { jump_ms };
        ClockFacts { skew_ms, trusted: skew_ms.abs() <= BOUND_MS }
    }

    /// How far the wall clock has jumped, until it has stood there for the time of probation.
    fn jump(&self, offset_ms: i64, monotonic: Duration) -> i64 {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let watched = state.get_or_insert(Watched { offset_ms, jumped_at: None });
        let jump_ms = offset_ms - watched.offset_ms;
        if jump_ms.abs() <= BOUND_MS {
            *watched = Watched { offset_ms, jumped_at: None };
            return jump_ms;
        }
        let jumped_at = *watched.jumped_at.get_or_insert(monotonic);
        if monotonic.saturating_sub(jumped_at) >= PROBATION {
            *watched = Watched { offset_ms, jumped_at: None };
            return 0;
        }
        jump_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_clock_that_jumps_is_not_trusted_until_it_has_stood_for_a_minute() {
        let watch = SkewWatch::default();
        let mono = Duration::from_secs;
        assert!(watch.look(at(1_000), mono(0), None).trusted);
        assert!(!watch.look(at(1_100), mono(10), None).trusted);
        assert!(!watch.look(at(1_150), mono(60), None).trusted);
        assert!(watch.look(at(1_161), mono(71), None).trusted);
    }

    #[test]
    fn a_clock_behind_the_ledger_is_not_trusted() {
        let watch = SkewWatch::default();
        let facts = watch.look(at(1_000), Duration::ZERO, Some(at(1_010)));
        assert_eq!((facts.skew_ms, facts.trusted), (-10_000, false));
    }
}
