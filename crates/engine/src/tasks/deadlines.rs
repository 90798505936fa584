//! Deadlines: what time alone makes of changes. Time is data: this only asks the rules with a later `now`.

use jiff::Timestamp;
use sluice_core::change;
use sluice_core::deployment;
use sluice_core::event::Event;
use sluice_core::standing::{Actor, Standing};
use sluice_store::rows::KEEP_US;
use sluice_store::{Row, RowOutcome};

use crate::changes::approval_standing;
use crate::engine::Engine;
use crate::envelope::Cause;
use crate::error::EngineError;
use crate::sequencer::{Commit, Step};

/// How often the deadlines are looked at.
const EVERY: std::time::Duration = std::time::Duration::from_secs(30);

/// How long rows of expired tokens are kept: a day, for whoever asks why one was refused.
const EXPIRED_US: i64 = 24 * 3_600 * 1_000_000;

/// Looks between two prunings: once an hour.
const PRUNE_EVERY: u64 = 120;

/// The most deployments that one look ends.
const DEPLOYMENTS: usize = 50;

/// The most events that one look makes.
const MOST: usize = 500;

pub(super) async fn run(engine: Engine) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looks: u64 = 0;
    loop {
        tick.tick().await;
        engine.went_round("deadlines", engine.keep_deadlines().await.as_ref());
        engine.went_round("sessions", engine.keep_sessions().await.as_ref());
        engine.went_round("calendars", engine.owe_calendars().await.as_ref());
        if looks.is_multiple_of(PRUNE_EVERY) {
            engine.went_round("pruning", engine.prune().await.as_ref());
        }
        looks += 1;
    }
}

impl Engine {
    /// Looks at every deadline once; gives how many events came of it. By a clock that is not trusted roles end whose time
    /// is over, and nothing else does: what is closed, canceled or ended by it is not opened again.
    pub async fn keep_deadlines(&self) -> Result<usize, EngineError> {
        let trusted = self.clock_facts(&self.standing()).trusted;
        // Of the ledger's own time, which may be far ahead then, nothing is known.
        let seen = self.now();
        let due = move |standing: &Standing, now: Timestamp| match trusted {
            true => due_events(standing, now),
            false => sluice_core::access::decide::over(standing, seen),
        };
        if due(&self.standing(), seen).is_empty() {
            return Ok(0);
        }
        let decide = move |standing: &Standing, now: Timestamp| {
            let events = due(standing, now);
            let count = events.len();
            let mut commit = Commit::of(events, Actor::Sluice);
            commit.cause = Some(Cause::Deadline);
            Step::Record(count, commit)
        };
        let (count, _) = self.sequencer().submit(decide).await?;
        Ok(count)
    }

    /// Forgets idempotency keys and deliveries whose thirty days are over, and the rows of sessions and tokens that
    /// have expired: each run of a pipeline leaves one. A few of each at a time, so that others come between.
    pub async fn prune(&self) -> Result<(), EngineError> {
        while self.prune_some().await? {}
        Ok(())
    }

    /// Whether there is more.
    async fn prune_some(&self) -> Result<bool, EngineError> {
        // As of the last entry and not of the clock: a check of the rows beside the ledger goes by it as well.
        let decide = |standing: &Standing, now: Timestamp| {
            let now = standing.last_time.map_or(now, |last| last.min(now));
            let mut commit = Commit::of(Vec::new(), Actor::Sluice);
            let before_us = now.as_microsecond() - KEEP_US;
            commit.rows = vec![
                Row::PruneIdempotency { before_us },
                Row::PruneInbox { before_us },
                Row::PruneOutbox { before_us },
                Row::PruneSessions { before_us: now.as_microsecond() },
                Row::PruneTokens { before_us: now.as_microsecond() - EXPIRED_US },
            ];
            Step::Record((), commit)
        };
        let ((), done) = self.sequencer().submit(decide).await?;
        Ok(done.rows.contains(&RowOutcome::Pruned { more: true }))
    }
}

fn due_events(standing: &Standing, now: Timestamp) -> Vec<Event> {
    let mut events = sluice_core::access::decide::due(standing, now);
    events.extend(sluice_core::link::due(standing, now));
    // What ends a deployment goes together: it is not cut, and few enough.
    events.truncate(MOST);
    events.extend(deployment::overdue(standing, now, DEPLOYMENTS));
    for change in standing.changes.values() {
        let unmet: Vec<_> = if change.waiting {
            let approvals = approval_standing(standing, change, now);
            approvals
                .rules
                .into_iter()
                .filter(|rule| rule.missing() > 0)
                .map(|rule| rule.rule)
                .collect()
        } else {
            Vec::new()
        };
        let due = change::overdue(change, &standing.organisation, &unmet, now);
        for event in due {
            let lessons = match &event {
                Event::ChangeClosed(closed) => deployment::models(standing, change, closed.outcome),
                _ => Vec::new(),
            };
            events.push(event);
            events.extend(lessons);
        }
        if events.len() >= MOST {
            break;
        }
    }
    events
}
