//! How much of the machine a class may take while the gate needs it: time in work for each second, down to a fraction of
//! one place. Whatever is beyond that is refused before anything is done for it. Pure: time is an argument.

use std::time::Duration;

/// How often the share is thought over.
const EVERY: Duration = Duration::from_millis(100);
/// How long the gate counts as pressed after it was: pressure comes in waves.
const LASTS: Duration = Duration::from_millis(1_000);

/// The share of a class.
#[derive(Debug)]
pub(super) struct Share {
    /// Seconds of work a second, while the gate is pressed.
    least: f64,
    /// The same when it is not: more than its places could take.
    most: f64,
    now: f64,
    /// Seconds of work that may be begun.
    balance: f64,
    /// What a request takes, as it was lately.
    usual: f64,
    filled: Duration,
    thought: Duration,
    pressed_until: Duration,
}

impl Share {
    pub(super) fn new(least: f64, most: f64) -> Self {
        Self {
            least,
            most,
            now: most,
            balance: most,
            usual: 0.005,
            filled: Duration::ZERO,
            thought: Duration::ZERO,
            pressed_until: Duration::ZERO,
        }
    }

    /// Takes in whether the gate is pressed, and says whether a request may begin.
    pub(super) fn admits(&mut self, pressed: bool, now: Duration) -> bool {
        if pressed {
            self.pressed_until = now.saturating_add(LASTS);
        }
        self.think(now);
        let elapsed = now.saturating_sub(self.filled).as_secs_f64();
        self.filled = now;
        // What was not used is not saved up: a burst would take it from the gate all at once.
        self.balance = (self.balance + elapsed * self.now).min((self.now * 0.1).max(self.usual));
        self.is_free() || self.balance > 0.0
    }

    /// A request begins; what it usually takes is paid at once.
    pub(super) fn begin(&mut self) -> f64 {
        self.balance -= self.usual;
        self.usual
    }

    /// It ends; the rest is paid.
    pub(super) fn end(&mut self, paid: f64, took: Duration) {
        let took = took.as_secs_f64();
        self.balance -= took - paid;
        self.usual = self.usual.mul_add(0.9, took * 0.1).clamp(0.000_1, 1.0);
    }

    fn think(&mut self, now: Duration) {
        let pressed = now < self.pressed_until;
        while now.saturating_sub(self.thought) >= EVERY {
            self.thought = self.thought.saturating_add(EVERY).max(now.saturating_sub(EVERY * 20));
            self.now = if pressed { self.now * 0.5 } else { (self.now * 2.0).max(0.01) };
            self.now = self.now.clamp(self.least, self.most);
        }
        if self.is_free() {
            self.balance = self.balance.max(0.0);
        }
    }

    fn is_free(&self) -> bool {
        self.now >= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(1);

    /// Requests of so many milliseconds that come all the time; gives the part of the time that was spent on them.
    fn play(
        share: &mut Share,
        now: &mut Duration,
        pressed: bool,
        takes_ms: u32,
        seconds: u32,
    ) -> f64 {
        let mut worked = 0.0;
        for _ in 0..seconds * 1_000 {
            *now += STEP;
            if share.admits(pressed, *now) {
                let paid = share.begin();
                share.end(paid, STEP * takes_ms);
                worked += f64::from(takes_ms) / 1_000.0;
            }
        }
        worked / f64::from(seconds)
    }

    #[test]
    fn under_pressure_a_class_keeps_to_its_share_whatever_a_request_takes() {
        for takes_ms in [1, 5, 40, 400] {
            let (mut share, mut now) = (Share::new(0.05, 32.0), Duration::ZERO);
            play(&mut share, &mut now, true, takes_ms, 3);
            let part = play(&mut share, &mut now, true, takes_ms, 60);
            assert!((0.03..0.08).contains(&part), "{takes_ms} ms: {part}");
        }
    }

    #[test]
    fn without_pressure_nothing_is_refused_and_it_comes_back_soon() {
        let (mut share, mut now) = (Share::new(0.05, 32.0), Duration::ZERO);
        let alone = play(&mut share, &mut now, false, 5, 2);
        assert!(alone > 4.9, "{alone}");
        play(&mut share, &mut now, true, 5, 10);
        play(&mut share, &mut now, false, 5, 4);
        let after = play(&mut share, &mut now, false, 5, 2);
        assert!(after > 4.9, "{after}");
    }

    #[test]
    fn a_class_without_a_share_waits_until_the_pressure_is_over() {
        let (mut share, mut now) = (Share::new(0.0, 2.0), Duration::ZERO);
        play(&mut share, &mut now, true, 5, 3);
        assert!(play(&mut share, &mut now, true, 5, 10) < 0.001);
    }
}
