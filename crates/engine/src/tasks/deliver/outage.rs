//! When a link that fails is an incident, and when that is over: one rule.
//!
//! It begins when something was owed for long and nothing else was told since: what fails while others go well has trouble
//! of its own. What reads well tells nothing by that. Where we are not believed, or may not, no time mends it, and others may
//! go well for ever: that it was owed for a while is enough. It is over when something was told and nothing that failed is
//! owed for long any more, so that a link which works now and then has one incident and not many. What is held back on
//! purpose, has no place over there yet, or is about the mailbox of one person neither begins nor keeps one.

use jiff::{SignedDuration, Timestamp};
use sluice_connectors::tell::Because;
use sluice_core::event::Event;
use sluice_core::ids::ServiceName;
use sluice_core::incident;
use sluice_core::standing::Standing;
use sluice_store::ReadError;
use sluice_store::rows::OutboxRow;

use super::later::is_about_one;
use super::line::{Line, Sent};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::owe::incident_of;

/// After so long without anything that was told an incident stands for the link.
const OUTAGE: SignedDuration = SignedDuration::from_hours(1);
/// The same, where we are not believed, or may not.
const REFUSED: SignedDuration = SignedDuration::from_mins(10);

/// What is given up is noted a little before the incident that it opens.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);
/// The most that is looked at in one piece.
const MOST: u32 = 100;

/// The incident that stands for a link which could not be told something.
pub(super) enum Disturbs {
    Begins(String),
    Ends,
    /// There is no such link to be told any more.
    Gone,
}

/// Something that could not be told, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed<'a> {
    /// The word for why.
    reason: &'a str,
    /// Whether it is owed to single people, while others got it.
    to_one: bool,
    /// Since when it could have been told.
    owed: Timestamp,
    /// How often it was tried.
    attempts: u32,
    /// Whether it is held back by now.
    is_held: bool,
}

impl Failed<'_> {
    /// Whether an incident begins by what has just failed.
    pub(super) fn begins(&self, last_told: Option<Timestamp>, now: Timestamp) -> bool {
        let is_refused = self.reason == Because::Auth.as_str();
        let alone = is_refused || last_told.is_none_or(|last| last < self.owed);
        // What was not tried for long, by a link that was paused say, may go well the next time.
        alone && self.attempts > 1 && self.lasts(now)
    }

    /// Whether an incident begins by what is given up.
    pub(super) fn begins_given_up(&self) -> bool {
        !is_about_one(self.to_one, self.reason)
    }

    /// Whether an incident goes on because of what failed earlier. Whoever is told alone is tried again whatever the others
    /// were told meanwhile.
    fn keeps(&self, now: Timestamp) -> bool {
        !self.is_held && !self.to_one && self.lasts(now)
    }

    /// Whether it is trouble of the link, and for long.
    fn lasts(&self, now: Timestamp) -> bool {
        if self.reason == Because::NotYet.as_str() || is_about_one(self.to_one, self.reason) {
            return false;
        }
        let is_refused = self.reason == Because::Auth.as_str();
        let patience = if is_refused { REFUSED } else { OUTAGE };
        now.duration_since(self.owed) >= patience
    }
}

impl Engine {
    /// Whether people should know that a link fails, although it is still tried.
    pub(super) fn is_outage(&self, line: &Line, failed: &Failed<'_>) -> bool {
        let last_told_us = line.state.fares.lock().health.as_ref().and_then(|it| it.last_told_us);
        let last_told = last_told_us.and_then(|us| Timestamp::from_microsecond(us).ok());
        failed.begins(last_told, self.now())
    }

    /// Whether the incident that stands for a link is over, now that an effect was told.
    pub(super) async fn outage_ends(
        &self,
        line: &Line,
        told: u64,
        sent: Sent,
    ) -> Result<Option<Disturbs>, EngineError> {
        // Where there was nothing to say, nobody has answered.
        if sent.requests == 0 {
            return Ok(None);
        }
        let incident = incident_of(line.name.as_str());
        let standing = self.standing();
        let Some(incident) = standing.incident_from(&incident) else { return Ok(None) };
        // What was given up before is none of it: with an earlier link of that name, or an incident that people ended.
        let before = incident.opened_at.checked_sub(MARGIN).unwrap_or(incident.opened_at);
        let (readers, link, now) = (self.readers().clone(), line.name.to_string(), self.now());
        let before_us = before.as_microsecond();
        let given_up = self.any(
            (before_us, u64::MAX >> 1),
            move |after| readers.outbox_given_up_after(&link, after, MOST),
            |row| line.failed(row, now).begins_given_up(),
            |row| row.effect.next_us,
        );
        if given_up.await? {
            return Ok(None);
        }
        let (readers, link) = (self.readers().clone(), line.name.to_string());
        let until_us = now.saturating_sub(REFUSED).unwrap_or(Timestamp::MIN).as_microsecond();
        let failing = self.any(
            (i64::MIN, 0),
            move |after| readers.outbox_failing(&link, until_us, after, MOST),
            |row| row.id != told && line.failed(row, now).keeps(now),
            |row| row.effect.created_us,
        );
        Ok((!failing.await?).then_some(Disturbs::Ends))
    }

    /// Whether there is such a row, page by page behind a place in their order.
    async fn any(
        &self,
        mut after: (i64, u64),
        read: impl Fn((i64, u64)) -> Result<Vec<OutboxRow>, ReadError> + Clone + Send + 'static,
        is: impl Fn(&OutboxRow) -> bool,
        place: impl Fn(&OutboxRow) -> i64,
    ) -> Result<bool, EngineError> {
        loop {
            let page = read.clone();
            let rows = self.blocking(move || page(after)).await?;
            if rows.iter().any(&is) {
                return Ok(true);
            }
            match rows.last() {
                Some(last) if rows.len() == MOST as usize => after = (place(last), last.id),
                _ => return Ok(false),
            }
        }
    }
}

impl Line {
    /// How a row of the outbox stands that failed.
    pub(super) fn failed<'a>(&self, row: &'a OutboxRow, now: Timestamp) -> Failed<'a> {
        let said = row.last_error.as_deref().unwrap_or_default();
        let reason = said.split(':').next().unwrap_or_default();
        let is_held = self.holds_row(row, now).is_some();
        Failed { is_held, ..self.failing(row, reason, row.attempts, now) }
    }

    /// How one stands that has just failed for this reason.
    pub(super) fn failing<'a>(
        &self,
        row: &OutboxRow,
        reason: &'a str,
        attempts: u32,
        now: Timestamp,
    ) -> Failed<'a> {
        let created = Timestamp::from_microsecond(row.effect.created_us).unwrap_or(now);
        // What was held to begin with was not to be told before.
        let held = self.holds_row(row, created).filter(|until| *until <= now);
        let (to_one, owed) = (super::later::is_later(row), held.unwrap_or(created));
        Failed { reason, to_one, owed, attempts, is_held: false }
    }
}

impl Disturbs {
    pub(super) fn event(self, standing: &Standing, source: &str) -> Option<Event> {
        let service = ServiceName::parse("sluice").ok()?;
        let (title, note, is_over) = match self {
            Self::Begins(title) => (title, String::new(), false),
            Self::Ends => (String::new(), "everything was told".to_owned(), true),
            Self::Gone => (String::new(), "the link is told nothing any more".to_owned(), true),
        };
        let severity = "warning".to_owned();
        let told = incident::Opening { title, severity, note, ..incident::Opening::default() };
        incident::report(standing, source, Some(&service), told, is_over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long ago in minutes it could have been told, why not, how often it was tried, whether it is for one person and
    /// whether it is held; when something was told last; and whether an incident begins, goes on, begins where it is given
    /// up.
    #[test]
    fn one_rule_says_what_begins_an_incident_and_what_keeps_it() {
        const ONE: (bool, bool) = (true, false);
        const HELD: (bool, bool) = (false, true);
        const ALL: (bool, bool) = (false, false);
        for (owed, reason, attempts, (to_one, is_held), told, comes) in [
            // Owed: for an hour, while nothing was told.
            (59, "server", 9, ALL, None, (false, false, true)),
            (60, "server", 9, ALL, None, (true, true, true)),
            (60, "unreachable", 9, ALL, Some(61), (true, true, true)),
            (60, "timeout", 9, ALL, Some(59), (false, true, true)),
            (600, "client", 9, ALL, Some(1), (false, true, true)),
            (600, "server", 1, ALL, None, (false, true, true)),
            // Refused: whatever else goes well.
            (9, "auth", 9, ALL, None, (false, false, true)),
            (10, "auth", 9, ALL, Some(0), (true, true, true)),
            (10, "auth", 9, ONE, Some(0), (true, false, true)),
            // Held by now; held when it was made is no time in which it was owed.
            (600, "server", 9, HELD, Some(1), (false, false, true)),
            (600, "auth", 9, HELD, Some(1), (true, false, true)),
            // To those whose mailbox is full, and to them while the server is away.
            (600, "rate_limited", 9, ONE, None, (false, false, false)),
            (600, "server", 9, ONE, None, (false, false, false)),
            (600, "unreachable", 9, ONE, None, (true, false, true)),
            (600, "rate_limited", 9, ALL, None, (true, true, true)),
            // What has no place over there yet has not failed.
            (600, "not_yet", 9, ALL, None, (false, false, true)),
        ] {
            let now: Timestamp = "2026-03-04T22:00:00Z".parse().expect("a time");
            let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
            let failed = Failed { reason, to_one, owed: ago(owed), attempts, is_held };
            let found =
                (failed.begins(told.map(ago), now), failed.keeps(now), failed.begins_given_up());
            assert_eq!(found, comes, "{owed} {reason} {attempts} {to_one} {is_held} {told:?}");
        }
    }
}
