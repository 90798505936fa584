//! A long history, made quickly: some lives of changes are lived through the engine, and their entries are then
//! written again and again with other numbers, names and times, through the store's own path and the views' own
//! projection.

mod again;
mod lives;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use sluice_engine::{Clock, SystemClock};

/// Who may look at the pages, and by which password.
pub const HANDLE: &str = "ann";
/// See [`HANDLE`].
pub const PASSWORD: &str = "a long word for the benchmark";
/// Services that the changes are of.
pub const SERVICES: usize = 1_000;
/// How far the history reaches back.
pub const DAYS: i64 = 120;

/// Fills a folder with `changes` changes over the last [`DAYS`] days.
pub async fn fill(dir: &Path, changes: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    let clock = Arc::new(Past::days_ago(DAYS));
    let lives = lives::live(dir, &clock).await?;
    let lived = began.elapsed();
    again::write(dir, &lives, changes, clock.now())?;
    let (lived, all) = (lived.as_secs_f64(), began.elapsed().as_secs_f64());
    #[expect(clippy::print_stdout, reason = "a benchmark says what it does")]
    {
        println!(
            "a history of {changes} changes: lived {lived:.1} s, written {:.1} s",
            all - lived
        );
    }
    Ok(())
}

/// A clock that stands in the past and is led forward.
pub(crate) struct Past {
    system: SystemClock,
    behind_us: AtomicI64,
    whole_us: i64,
}

impl Past {
    fn days_ago(days: i64) -> Self {
        let whole_us = days * 86_400_000_000;
        Self { system: SystemClock::default(), behind_us: AtomicI64::new(whole_us), whole_us }
    }

    pub(crate) fn pass_minutes(&self, minutes: i64) {
        self.behind_us.fetch_sub(minutes * 60_000_000, Ordering::AcqRel);
    }
}

impl Clock for Past {
    fn now(&self) -> Timestamp {
        let behind = SignedDuration::from_micros(self.behind_us.load(Ordering::Acquire));
        self.system.now().saturating_sub(behind).unwrap_or(Timestamp::MIN)
    }

    fn monotonic(&self) -> Duration {
        let led = self.whole_us - self.behind_us.load(Ordering::Acquire);
        self.system.monotonic() + Duration::from_micros(u64::try_from(led).unwrap_or(0))
    }
}

/// The key that signs the folder's log, as its owner reads it.
pub(crate) fn signing_key(dir: &Path) -> anyhow::Result<(String, sluice_ledger::SigningKey)> {
    let read = |name: &str| {
        let path = dir.join("keys").join(name);
        std::fs::read_to_string(&path).with_context(|| format!("read `{}`", path.display()))
    };
    let origin = read("origin")?.trim().to_owned();
    let seed = data_encoding::BASE64.decode(read("log.key")?.trim().as_bytes())?;
    let seed: [u8; 32] = seed.try_into().ok().context("a seed has 32 bytes")?;
    let key = sluice_ledger::SigningKey::from_seed(&origin, &seed)?;
    Ok((origin, key))
}
