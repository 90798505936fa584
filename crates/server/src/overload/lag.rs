//! How late the machine is: what is to happen at a moment happens later when the processors have more to do than they
//! can. Requests that nobody has read yet stand in no queue of ours, so that this is the only sign of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(20);
/// From here on it is late: a request has waited so long before anybody looked at it.
const LATE: Duration = Duration::from_millis(50);

/// When it was looked last, in milliseconds since the beginning, and how late that was.
#[derive(Debug)]
pub(super) struct Lag {
    began: Instant,
    due_ms: AtomicU64,
    was_ms: AtomicU64,
}

impl Lag {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), due_ms: AtomicU64::new(u64::MAX), was_ms: AtomicU64::new(0) }
    }

    /// Looks for ever.
    pub(super) async fn watch(&self) {
        loop {
            let due = Instant::now() + EVERY;
            self.due_ms.store(millis(due - self.began), Ordering::Relaxed);
            tokio::time::sleep_until(due).await;
            self.was_ms.store(millis(due.elapsed()), Ordering::Relaxed);
        }
    }

    /// Whether the last look was late, or the next one is by now.
    pub(super) fn is_long(&self) -> bool {
        let overdue =
            millis(self.began.elapsed()).saturating_sub(self.due_ms.load(Ordering::Relaxed));
        self.was_ms.load(Ordering::Relaxed).max(overdue) >= millis(LATE)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_long_while_nobody_comes_to_look_and_until_somebody_was_in_time() {
        let lag = Arc::new(Lag::new());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!lag.is_long(), "nobody looks yet");
        let watch = tokio::spawn({
            let lag = Arc::clone(&lag);
            async move { lag.watch().await }
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!lag.is_long(), "all in time");
        // The clock goes on while nothing runs, as on a machine that has too much to do.
        tokio::time::advance(EVERY + LATE).await;
        assert!(lag.is_long(), "late");
        tokio::time::sleep(EVERY * 2).await;
        assert!(!lag.is_long(), "in time again");
        watch.abort();
    }
}
