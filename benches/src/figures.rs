//! Figures: medians and quantiles of what was measured.

use std::time::Duration;

/// Latencies of one run.
#[derive(Debug, Default, Clone)]
pub struct Latencies {
    taken: Vec<Duration>,
}

impl Latencies {
    /// Latencies from the measured times.
    pub fn of(mut taken: Vec<Duration>) -> Self {
        taken.sort_unstable();
        Self { taken }
    }

    /// The latency that `share` (0 to 1) of all stayed below.
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.taken.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank"
        )]
        let rank = (last as f64 * share).round() as usize;
        self.taken.get(rank).copied().unwrap_or_default()
    }

    /// How many were measured.
    pub fn count(&self) -> usize {
        self.taken.len()
    }
}

/// The middle of several readings, with the least and the most.
pub fn median(readings: &[f64]) -> (f64, f64, f64) {
    let mut sorted = readings.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    (at(sorted.len() / 2), at(0), at(sorted.len().saturating_sub(1)))
}

/// Milliseconds, as people read them.
pub fn ms(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1_000.0)
}
