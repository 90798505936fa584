//! What is owed to a link that is told nothing any more, because it is declared no more, under another name, or without
//! what it wants to be told: nobody would ever tell it. It is given up where people see it, and can be owed anew should
//! the link be declared again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sluice_connectors::tell::{Because, Trouble};
use sluice_core::event::Event;
use sluice_core::ids::LinkName;
use sluice_core::standing::{Actor, Standing};
use sluice_store::rows::{OUTBOX_GIVEN_UP, OUTBOX_PENDING, OutboxRow};
use sluice_store::{OutboxFilter, Page, Row};

use super::attempt::given_up;
use super::outage::Disturbs;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::owe::{incident_of, link_of_incident};
use crate::sequencer::{Commit, Step};

/// The most that one commit gives up.
const AT_ONCE: u32 = 100;

impl Engine {
    /// Gives up what is owed to links that are told nothing any more, and ends the incidents that stand for them; gives
    /// how many effects that were.
    pub async fn give_up_orphaned_effects(&self) -> Result<usize, EngineError> {
        let readers = self.readers().clone();
        let owing = self.blocking(move || readers.outbox_owing()).await?;
        let standing = self.standing();
        let mut gone: BTreeSet<LinkName> = disturbing(&standing).collect();
        gone.extend(owing.iter().filter_map(|name| LinkName::parse(name).ok()));
        gone.retain(|link| !is_told(&standing, link));
        let mut count = 0;
        for link in gone {
            count += self.give_up_all(&link).await?;
        }
        Ok(count)
    }

    async fn give_up_all(&self, link: &LinkName) -> Result<usize, EngineError> {
        let mut count = 0;
        let state = self.lines().of(link);
        // Whoever still tells something by it comes to an end first.
        let Ok(_working) = state.working.try_lock() else { return Ok(count) };
        loop {
            let filter = OutboxFilter {
                link: Some(link.to_string()),
                state: Some(OUTBOX_PENDING.to_owned()),
                ..OutboxFilter::default()
            };
            let (readers, page) =
                (self.readers().clone(), Page { limit: AT_ONCE, ..Page::default() });
            let owed = self.blocking(move || readers.outbox(&filter, page)).await?;
            let (given_up, is_last) = (owed.len(), owed.len() < AT_ONCE as usize);
            self.give_up_some(link, owed).await?;
            count += given_up;
            if is_last || is_told(&self.standing(), link) {
                return Ok(count);
            }
        }
    }

    async fn give_up_some(&self, link: &LinkName, owed: Vec<OutboxRow>) -> Result<(), EngineError> {
        let link = link.clone();
        let trouble = Trouble::new(Because::Client, "the link is told nothing any more");
        let decide = move |standing: &Standing, now: Timestamp| {
            if is_told(standing, &link) {
                return Step::Answer(());
            }
            let mut events: Vec<Event> =
                owed.iter().map(|row| given_up(&link, row, &trouble)).collect();
            let over = Disturbs::Gone.event(standing, &incident_of(link.as_str()));
            events.extend(over);
            if events.is_empty() {
                return Step::Answer(());
            }
            let mut commit = Commit::of(events, Actor::Sluice);
            commit.rows = owed.iter().map(|row| given_up_row(row, &trouble, now)).collect();
            Step::Record((), commit)
        };
        self.sequencer().submit(decide).await.map(|_| ())
    }
}

/// The links that an incident stands for.
fn disturbing(standing: &Standing) -> impl Iterator<Item = LinkName> + '_ {
    let sources = standing.incidents_by_source.keys();
    sources.filter_map(|source| LinkName::parse(link_of_incident(source)?).ok())
}

fn is_told(standing: &Standing, link: &LinkName) -> bool {
    let declared = standing.organisation.links.get(link.as_str());
    declared.is_some_and(|declared| declared.tell.is_some())
}

fn given_up_row(row: &OutboxRow, trouble: &Trouble, now: Timestamp) -> Row {
    Row::EffectOutcome {
        id: row.id,
        state: OUTBOX_GIVEN_UP.to_owned(),
        attempts: row.attempts,
        next_us: now.as_microsecond(),
        last_error: Some(format!("{}: {}", trouble.reason.as_str(), trouble.detail)),
    }
}
