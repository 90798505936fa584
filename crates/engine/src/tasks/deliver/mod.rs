//! Delivering: what is owed to neighbours is told, in the order of each record, by one worker for each link.
//!
//! At least once, and found before made: an effect that was sent and not recorded as told is begun anew, and the
//! connector looks for what it would make. A neighbour that fails costs nobody else anything: each link has its own
//! worker, its own breaker and its own budget, and no decision waits for any of them.

mod along;
mod attempt;
mod audience;
mod gone;
mod held;
mod later;
mod line;
mod looks;
mod news;
mod noted;
mod outage;
mod pace;
mod poll;
mod repeats;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sluice_core::ids::LinkName;
use sluice_store::ReadError;
use sluice_store::rows::OutboxRow;
use tokio::task::{JoinHandle, JoinSet};

use self::attempt::Came;
pub use self::later::record_owed;
pub(crate) use self::line::{Line, Lines, place};
pub(crate) use self::news::{News, adopted, overtaken};
use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};

/// How many effects of a link are told at the same time, each of another record.
const AT_ONCE: usize = 4;
/// How many are read at once, at most.
const PAGE: u32 = 64;
/// How long a worker rests when nothing wakes it.
const REST: Duration = Duration::from_secs(15);

/// What a round of telling came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Effects that were told.
    pub told: usize,
    /// Effects that are tried again later.
    pub waiting: usize,
    /// Effects that were given up.
    pub given_up: usize,
    /// When there is more to do, as far as is known.
    pub next: Option<Timestamp>,
    /// Whether more may be due at once.
    has_more: bool,
}

/// Keeps a worker for each link that wants to be told.
pub(super) async fn run(engine: Engine) {
    let mut workers: BTreeMap<LinkName, JoinHandle<()>> = BTreeMap::new();
    loop {
        let standing = engine.standing();
        workers.retain(|name, worker| {
            let is_declared = standing.organisation.links.contains_key(name.as_str());
            if !is_declared {
                worker.abort();
            }
            is_declared && !worker.is_finished()
        });
        for link in standing.organisation.links.values().filter(|link| link.tell.is_some()) {
            workers
                .entry(link.name.clone())
                .or_insert_with(|| tokio::spawn(work(engine.clone(), link.name.clone())));
        }
        if let Err(error) = engine.end_orphaned_windows().await {
            tracing::warn!(%error, "the windows of a link that is gone could not be ended");
        }
        if let Err(error) = engine.give_up_orphaned_effects().await {
            tracing::warn!(%error, "what is owed to a link that is gone could not be given up");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn work(engine: Engine, link: LinkName) {
    let mut owed = engine.sequencer().watch_owed();
    loop {
        owed.mark_unchanged();
        let rest = match engine.deliver_page(&link).await {
            // Between pages there is time to read back what they say.
            Ok(delivered) if delivered.has_more => Duration::ZERO,
            Ok(delivered) => engine.until(delivered.next).min(REST),
            Err(error) => {
                tracing::warn!(%link, %error, "what is owed could not be looked at");
                REST
            }
        };
        if let Err(error) = engine.poll_by(&link).await {
            tracing::warn!(%link, %error, "what a neighbour says could not be recorded");
        }
        if let Err(error) = engine.read_windows_by(&link).await {
            tracing::warn!(%link, %error, "the windows of a neighbour could not be recorded");
        }
        let _ = tokio::time::timeout(rest, owed.changed()).await;
        if !engine.standing().organisation.links.contains_key(link.as_str()) {
            return;
        }
    }
}

impl Engine {
    /// Tells everything that is due, by every link.
    pub async fn deliver(&self) -> Result<Delivered, EngineError> {
        let mut all = Delivered::default();
        let standing = self.standing();
        for link in standing.organisation.links.values().filter(|link| link.tell.is_some()) {
            let one = self.deliver_by(&link.name).await?;
            all.told += one.told;
            all.waiting += one.waiting;
            all.given_up += one.given_up;
            all.next = all.next.into_iter().chain(one.next).min();
        }
        // What was recorded on the way may be owed to a link that had its turn before.
        if all.next.is_none() && self.standing().size > standing.size {
            all.next = Some(self.now());
        }
        Ok(all)
    }

    /// Tells everything that is due by one link. While somebody else does so, nothing.
    pub async fn deliver_by(&self, name: &LinkName) -> Result<Delivered, EngineError> {
        let mut all = Delivered::default();
        loop {
            let page = self.deliver_page(name).await?;
            all.told += page.told;
            all.waiting += page.waiting;
            all.given_up += page.given_up;
            all.next = page.next;
            if !page.has_more {
                return Ok(all);
            }
        }
    }

    /// Tells some of what is due. The link is looked up for each page: it may be paused, or lead somewhere else by now.
    async fn deliver_page(&self, name: &LinkName) -> Result<Delivered, EngineError> {
        let mut delivered = Delivered::default();
        let standing = self.standing();
        let Some(link) = standing.organisation.links.get(name.as_str()) else {
            return Ok(delivered);
        };
        if link.tell.is_none() || standing.paused.contains(name) {
            return Ok(delivered);
        }
        let line = match self.line(link) {
            Ok(line) => Arc::new(line),
            Err(trouble) => {
                tracing::warn!(link = %name, detail = trouble.detail, "a link cannot be used");
                return Ok(delivered);
            }
        };
        let Ok(_working) = line.state.working.try_lock() else { return Ok(delivered) };
        self.remember_health(&line).await?;
        if let Some(later) = self.not_before(&line) {
            delivered.next = Some(later);
            return Ok(delivered);
        }
        let due = self.due(&line).await?;
        if !due.is_empty() {
            self.tell_some(&line, due, &mut delivered).await?;
            delivered.has_more = !self.standing().paused.contains(name);
            return Ok(delivered);
        }
        let (readers, link) = (self.readers().clone(), name.to_string());
        let next = self.blocking(move || readers.outbox_next_us(&link)).await?;
        let next = next.and_then(|next_us| Timestamp::from_microsecond(next_us).ok());
        let (look, is_owed) = self.look_again(&line).await?;
        delivered.next = next.into_iter().chain(look).min();
        delivered.has_more = is_owed;
        Ok(delivered)
    }

    /// Tells effects of different records, some at the same time.
    async fn tell_some(
        &self,
        line: &Arc<Line>,
        due: Vec<OutboxRow>,
        delivered: &mut Delivered,
    ) -> Result<(), EngineError> {
        let mut due = due.into_iter();
        let mut telling = JoinSet::new();
        loop {
            let one = line.telling.gathers_any() || line.state.fares.lock().breaker.is_trying();
            let at_once = if one { 1 } else { AT_ONCE };
            while telling.len() < at_once && self.may_send(line) {
                let Some(row) = due.next() else { break };
                let (engine, line) = (self.clone(), Arc::clone(line));
                telling.spawn(async move { engine.attempt(&line, row).await });
            }
            let Some(came) = telling.join_next().await else { return Ok(()) };
            let stopped = |_| Unavailable::ledger("the worker was stopped");
            match came.map_err(stopped)?? {
                Came::Told => delivered.told += 1,
                Came::Waits => delivered.waiting += 1,
                Came::GivenUp => delivered.given_up += 1,
            }
        }
    }

    fn may_send(&self, line: &Line) -> bool {
        self.not_before(line).is_none() && !self.standing().paused.contains(&line.name)
    }

    /// When the line may be used again, where it may not be used now.
    fn not_before(&self, line: &Line) -> Option<Timestamp> {
        let mono = self.monotonic();
        let mut fares = line.state.fares.lock();
        let open = fares.breaker.closed_until(mono);
        let budget = fares.budget.ready(mono, line.telling.pace().per_minute).err();
        let later = open.into_iter().chain(budget).max()?;
        let wait = SignedDuration::try_from(later.saturating_sub(mono)).ok()?;
        self.now().checked_add(wait).ok()
    }

    /// Whether it is left alone, because it fails or asked for it.
    fn is_left_alone(&self, line: &Line) -> bool {
        let mono = self.monotonic();
        let fares = line.state.fares.lock();
        fares.breaker.closed_until(mono).is_some() || fares.budget.is_held(mono)
    }

    async fn due(&self, line: &Line) -> Result<Vec<OutboxRow>, EngineError> {
        let (readers, link) = (self.readers().clone(), line.name.to_string());
        let now_us = self.now().as_microsecond();
        // No more than are told within the time after which they are read back.
        let page = PAGE.min((line.telling.pace().per_minute / 12).max(4));
        let mut due = self.blocking(move || readers.outbox_due(&link, now_us, page)).await?;
        due.extend(self.pressed(line).await?);
        Ok(due)
    }

    /// Fills in how the link fared before the program was started.
    async fn remember_health(&self, line: &Line) -> Result<(), EngineError> {
        if line.state.fares.lock().health.is_some() {
            return Ok(());
        }
        let (readers, link) = (self.readers().clone(), line.name.to_string());
        let health = self.blocking(move || readers.link_health(&link)).await?;
        line.state.fares.lock().health = Some(health.unwrap_or_default());
        Ok(())
    }

    /// Reads from the store on a thread that may wait.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let read = tokio::task::spawn_blocking(read).await;
        Ok(read.map_err(|_| Unavailable::ledger("the reader was stopped"))??)
    }

    fn until(&self, next: Option<Timestamp>) -> Duration {
        let Some(next) = next else { return REST };
        let wait = next.duration_since(self.now());
        Duration::try_from(wait).unwrap_or(Duration::ZERO).max(Duration::from_millis(10))
    }
}
