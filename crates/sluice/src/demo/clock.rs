//! The demonstration's clock: it begins some weeks ago, so that there is a past to look at, and is led to the
//! present by the story. From then on it is the system's clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sluice_engine::{Clock, SystemClock};

/// How far back the past begins.
const PAST: SignedDuration = SignedDuration::from_hours(24 * 26);

/// A clock that can be led forward, up to the present.
#[derive(Debug, Default)]
pub(super) struct StoryClock {
    system: SystemClock,
    /// How far behind the present it stands, in microseconds.
    behind_us: AtomicI64,
}

impl StoryClock {
    /// A clock at the beginning of the past.
    pub(super) fn in_the_past() -> Self {
        let behind_us = i64::try_from(PAST.as_micros()).unwrap_or(0);
        Self { system: SystemClock::default(), behind_us: AtomicI64::new(behind_us) }
    }

    /// Leads it to a time, unless it is there already; never beyond the present.
    pub(super) fn lead_to(&self, wanted: Timestamp) {
        let missing = wanted.as_microsecond() - self.now().as_microsecond();
        if missing > 0 {
            let behind = self.behind_us.load(Ordering::Acquire);
            self.behind_us.store((behind - missing).max(0), Ordering::Release);
        }
    }

    /// Leads it forward by some minutes.
    pub(super) fn pass_minutes(&self, minutes: i64) {
        let later = self.now().saturating_add(SignedDuration::from_mins(minutes));
        self.lead_to(later.unwrap_or(Timestamp::MAX));
    }

    /// Leads it to some minutes before the present, unless it is there already.
    pub(super) fn lead_to_before_now(&self, minutes: i64) {
        let behind_us = minutes.saturating_mul(60_000_000);
        self.behind_us.fetch_min(behind_us, Ordering::AcqRel);
    }

    /// Leads it to the present.
    pub(super) fn arrive(&self) {
        self.behind_us.store(0, Ordering::Release);
    }
}

impl Clock for StoryClock {
    fn now(&self) -> Timestamp {
        let behind = SignedDuration::from_micros(self.behind_us.load(Ordering::Acquire));
        self.system.now().saturating_sub(behind).unwrap_or(Timestamp::MIN)
    }

    fn monotonic(&self) -> Duration {
        let whole = u64::try_from(PAST.as_micros()).unwrap_or(0);
        let behind = u64::try_from(self.behind_us.load(Ordering::Acquire)).unwrap_or(0);
        self.system.monotonic() + Duration::from_micros(whole.saturating_sub(behind))
    }
}
