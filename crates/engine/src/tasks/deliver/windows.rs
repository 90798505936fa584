//! Reading windows that people keep at a neighbour into the calendar.
//!
//! A reading that fails alters nothing: what was last known holds on. What was read and cannot be told is recorded as a
//! difference, once, and so is a reading that has not seen everything.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sluice_connectors::tell::{Polling, ReadWindows, Session};
use sluice_core::calendar::theirs::{self, Said, Unread};
use sluice_core::event::Event;
use sluice_core::ids::LinkName;
use sluice_core::link::Disagreement;
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::ExternalRefRow;

use super::line::Line;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::sequencer::{Commit, Step};

/// How often a neighbour's windows are read.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// Under which it is kept which windows cannot be read, and why.
const UNREAD: &str = "unread_windows";
/// Under which of those it is kept that not everything was seen. No window has this name.
const INCOMPLETE: &str = "*";

impl Engine {
    /// Reads the windows of a neighbour where it is time to; gives how many altered.
    pub async fn read_windows_by(&self, name: &LinkName) -> Result<usize, EngineError> {
        let standing = self.standing();
        let Some(link) = standing.organisation.links.get(name.as_str()) else { return Ok(0) };
        if link.tell.is_none() || standing.paused.contains(name) {
            return Ok(0);
        }
        let Ok(line) = self.line(link) else { return Ok(0) };
        let Ok(_working) = line.state.working.try_lock() else { return Ok(0) };
        let now = self.now();
        let (idle, looking) =
            (Session::default(), |session| Polling { so_far: &[], session, cursor: None, now });
        if line.telling.windows(&looking(&idle)).is_none() {
            return self
                .orphan(move |standing| theirs::orphaned(standing, |link| *link != line.name))
                .await;
        }
        let is_time = |last: &Timestamp| now.duration_since(*last) >= EVERY;
        let is_time = line.state.windows_read.lock().as_ref().is_none_or(is_time);
        if !is_time || self.not_before(&line).is_some() {
            return Ok(0);
        }
        *line.state.windows_read.lock() = Some(now);
        match self.read_their_windows(&line, now).await {
            Ok(read) => {
                line.state.fares.lock().breaker.went_well();
                self.take_windows(&line.name, read).await
            }
            Err(row) => {
                *line.state.windows_read.lock() = None;
                self.record_rows(&line.name, vec![row]).await.map(|()| 0)
            }
        }
    }

    /// Ends the windows of links that are declared no more.
    pub async fn end_orphaned_windows(&self) -> Result<usize, EngineError> {
        self.orphan(|standing| {
            let links = &standing.organisation.links;
            theirs::orphaned(standing, |link| {
                links.get(link.as_str()).is_some_and(|link| link.tell.is_some())
            })
        })
        .await
    }

    async fn orphan(
        &self,
        gone: impl Fn(&Standing) -> Vec<Event> + Send + 'static,
    ) -> Result<usize, EngineError> {
        if gone(&self.standing()).is_empty() {
            return Ok(0);
        }
        let decide = move |standing: &Standing, _: Timestamp| {
            let events = gone(standing);
            Step::Record(events.len(), Commit::of(events, Actor::Sluice))
        };
        Ok(self.sequencer().submit(decide).await?.0)
    }

    async fn read_their_windows(&self, line: &Line, now: Timestamp) -> Result<ReadWindows, Row> {
        let failed = |trouble: sluice_connectors::tell::Trouble| {
            let error = format!("{}: {}", trouble.reason.as_str(), line.said(&trouble));
            self.fails(line, &trouble, false, &error)
        };
        let session = self.session(line).await.map_err(failed)?;
        let (read, _) = self
            .converse(line, |so_far| {
                let polling = Polling { so_far, session: &session, cursor: None, now };
                let step = line.telling.windows(&polling);
                step.unwrap_or_else(|| unreachable!("it said before that it reads windows"))
            })
            .await;
        read.map_err(|(trouble, _)| failed(trouble))
    }

    async fn take_windows(&self, link: &LinkName, read: ReadWindows) -> Result<usize, EngineError> {
        let said: Vec<Said> = read
            .windows
            .into_iter()
            .map(|one| Said {
                name: theirs::name_of(link, &one.id),
                window: one.window.map_err(str::to_owned),
            })
            .collect();
        let (everything, known) = (read.everything, self.known(link, UNREAD).await?);
        let (events, unread) =
            theirs::taken(&self.standing(), link, said.clone(), everything, self.now());
        let (differing, rows) = differing(link, &known, &unread, everything);
        if events.is_empty() && rows.is_empty() {
            return Ok(0);
        }
        let link = link.clone();
        let decide = move |standing: &Standing, now: Timestamp| {
            let (mut events, _) = theirs::taken(standing, &link, said, everything, now);
            let count = events.len();
            events.extend(differing);
            let mut commit = Commit::of(events, Actor::Link(link));
            commit.rows = rows;
            Step::Record(count, commit)
        };
        Ok(self.sequencer().submit(decide).await?.0)
    }
}

/// What is not read and was not known to be, with the rows by which it is known the next time.
fn differing(
    link: &LinkName,
    known: &BTreeMap<String, String>,
    unread: &[Unread],
    everything: bool,
) -> (Vec<Event>, Vec<Row>) {
    let row = |name: &str, value: String| {
        let (link, entity, name) = (link.to_string(), UNREAD.to_owned(), name.to_owned());
        Row::ExternalRef(ExternalRefRow { link, entity, name, value })
    };
    let (mut events, mut rows): (Vec<Event>, Vec<Row>) = Default::default();
    let mut differs = |entity: String, ours: &str, theirs: &str| {
        let (about, ours, theirs) = ("window".to_owned(), ours.to_owned(), theirs.to_owned());
        events.push(Disagreement { link: link.clone(), entity, about, ours, theirs }.into());
    };
    for Unread { name, why } in unread {
        if known.get(name) == Some(why) {
            continue;
        }
        rows.push(row(name, why.clone()));
        differs(format!("calendar/{name}"), "not_read", why);
    }
    let was_incomplete = known.contains_key(INCOMPLETE);
    if everything {
        let settled = known.keys().filter(|name| !unread.iter().any(|one| one.name == **name));
        rows.extend(settled.map(|name| row(name, String::new())));
    } else if !was_incomplete {
        rows.push(row(INCOMPLETE, "incomplete".to_owned()));
        differs(
            "calendar".to_owned(),
            "incomplete",
            "not every window was seen: none of them ends",
        );
    }
    (events, rows)
}
