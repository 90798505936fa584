//! A clock that is moved by hand.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use sluice_engine::Clock;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FakeClock {
    state: Mutex<(Timestamp, Duration)>,
}

impl FakeClock {
    /// A clock at this time, such as `2026-03-04T10:00:00Z`.
    pub fn at(text: &str) -> Self {
        let now = text.parse().expect("a timestamp");
        Self { state: Mutex::new((now, Duration::ZERO)) }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock().expect("no test panicked while it set the clock");
        state.0 += by;
        state.1 += by;
    }

    /// Sets the wall clock, as an administrator or a broken time server would: no time passes.
    pub fn jump_to(&self, text: &str) {
        let now = text.parse().expect("a timestamp");
        self.state.lock().expect("no test panicked while it set the clock").0 = now;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.state.lock().expect("no test panicked while it set the clock").0
    }

    fn monotonic(&self) -> Duration {
        self.state.lock().expect("no test panicked while it set the clock").1
    }
}
