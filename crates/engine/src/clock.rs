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

/// A jump ahead by more than this is held against the clock for longer: what is once in the ledger cannot be put back, and
/// nothing but a machine that slept comes so far by itself.
const FAR_MS: i64 = 24 * 3_600 * 1_000;

/// How long a jump so far ahead is.
const FAR_PROBATION: Duration = Duration::from_secs(600);

/// A start so long after the last entry is a jump of the clock as well, until it has stood for a minute: machines begin
/// with a wrong clock until the time service has put it right.
const AWAY_MS: i64 = 30 * FAR_MS;

/// Watches the wall clock against the monotonic one and against the ledger's own time. While the wall clock is not
/// trusted, time goes on from where it was trusted last, by the monotonic clock.
#[derive(Debug, Default)]
pub struct SkewWatch {
    state: Mutex<Option<Watched>>,
}

#[derive(Debug, Clone, Copy)]
struct Watched {
    /// Wall clock less monotonic clock, in milliseconds, as last trusted.
    offset_ms: i64,
    /// Another offset that is seen.
    jumped: Option<Jumped>,
}

#[derive(Debug, Clone, Copy)]
struct Jumped {
    offset_ms: i64,
    /// Since when it is seen.
    since: Duration,
    /// For how long it is held against the clock.
    probation: Duration,
}

impl SkewWatch {
    /// Begins to watch when the ledger's last entry is of `last_entry`.
    pub fn begin(now: Timestamp, monotonic: Duration, last_entry: Option<Timestamp>) -> Self {
        let watch = Self::default();
        let away_ms = last_entry.map_or(0, |last| now.as_millisecond() - last.as_millisecond());
        if away_ms > AWAY_MS {
            let offset_ms = offset(now, monotonic);
            let jumped = Jumped { offset_ms, since: monotonic, probation: PROBATION };
            let trusted = Watched { offset_ms: offset_ms - away_ms, jumped: Some(jumped) };
            *watch.lock() = Some(trusted);
        }
        watch
    }

    /// The time that is trusted, when the wall clock says `now`.
    pub fn trusted(&self, now: Timestamp, monotonic: Duration) -> Timestamp {
        let jump_ms = self.jump(offset(now, monotonic), monotonic);
        if jump_ms.abs() <= BOUND_MS {
            return now;
        }
        now.checked_sub(jiff::SignedDuration::from_millis(jump_ms)).unwrap_or(now)
    }

    /// What is to be thought of `now`, given the time of the ledger's last entry.
    pub fn look(
        &self,
        now: Timestamp,
        monotonic: Duration,
        last_entry: Option<Timestamp>,
    ) -> ClockFacts {
        let jump_ms = self.jump(offset(now, monotonic), monotonic);
        let behind_ms =
            last_entry.map_or(0, |last| last.as_millisecond() - now.as_millisecond()).max(0);
        let skew_ms = if behind_ms > jump_ms.abs() { -behind_ms } else { jump_ms };
        ClockFacts { skew_ms, trusted: skew_ms.abs() <= BOUND_MS }
    }

    /// How far the wall clock has jumped, until it has stood there for the time of probation.
    fn jump(&self, offset_ms: i64, monotonic: Duration) -> i64 {
        let mut state = self.lock();
        let watched = state.get_or_insert(Watched { offset_ms, jumped: None });
        let jump_ms = offset_ms - watched.offset_ms;
        if jump_ms.abs() <= BOUND_MS {
            *watched = Watched { offset_ms, jumped: None };
            return jump_ms;
        }
        let probation = if jump_ms > FAR_MS { FAR_PROBATION } else { PROBATION };
        let seen = Jumped { offset_ms, since: monotonic, probation };
        let same = |jumped: &Jumped| (jumped.offset_ms - offset_ms).abs() <= BOUND_MS;
        // A clock that jumps again has not stood anywhere.
        let jumped = watched.jumped.filter(same).unwrap_or(seen);
        watched.jumped = Some(jumped);
        if monotonic.saturating_sub(jumped.since) >= jumped.probation {
            *watched = Watched { offset_ms, jumped: None };
            return 0;
        }
        jump_ms
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Watched>> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Wall clock less monotonic clock, in milliseconds.
fn offset(now: Timestamp, monotonic: Duration) -> i64 {
    now.as_millisecond() - i64::try_from(monotonic.as_millis()).unwrap_or(i64::MAX)
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
    fn time_goes_on_from_where_it_was_trusted_last() {
        let watch = SkewWatch::default();
        let trusted =
            |wall: i64, mono: u64| watch.trusted(at(wall), Duration::from_secs(mono)).as_second();
        assert_eq!(trusted(1_000, 0), 1_000);
        assert_eq!(trusted(5_000, 10), 1_010);
        // It jumps again: a minute begins anew.
        assert_eq!(trusted(9_000, 60), 1_060);
        assert_eq!(trusted(9_030, 90), 1_090);
        assert_eq!(trusted(9_060, 120), 9_060);
        // So far ahead it takes ten minutes.
        assert_eq!(trusted(1_000_000, 130), 9_070);
        assert_eq!(trusted(1_000_500, 630), 9_570);
        assert_eq!(trusted(1_000_600, 730), 1_000_600);
    }

    #[test]
    fn a_start_long_after_the_last_entry_is_not_trusted_for_a_minute() {
        let day = 24 * 3_600;
        let begun = |days: i64| {
            let watch = SkewWatch::begin(at(days * day), Duration::ZERO, Some(at(0)));
            watch.look(at(days * day), Duration::ZERO, Some(at(0))).trusted
        };
        assert_eq!([begun(0), begun(30), begun(31), begun(3_650)], [true, true, false, false]);
        let watch = SkewWatch::begin(at(31 * day), Duration::ZERO, Some(at(0)));
        let minute = Duration::from_secs(60);
        assert!(watch.look(at(31 * day + 60), minute, Some(at(0))).trusted);
    }

    #[test]
    fn a_clock_behind_the_ledger_is_not_trusted() {
        let watch = SkewWatch::default();
        let facts = watch.look(at(1_000), Duration::ZERO, Some(at(1_010)));
        assert_eq!((facts.skew_ms, facts.trusted), (-10_000, false));
    }
}
