//! What the calendar closes, for neighbours that keep it over there: owed anew whenever it is another thing.
//!
//! Time alone alters it, so that it is looked at again and again. What a neighbour was last owed is known by its digest,
//! in the transaction in which it was owed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sluice_connectors::tell::Kept;
use sluice_core::calendar::{Calendar, WindowKind};
use sluice_core::effect::{ClosedSpan, Effect, Subject, Tell};
use sluice_core::ids::{Digest, LinkName};
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::ExternalRefRow;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::owe::owed;
use crate::sequencer::{Commit, Step};

/// How far ahead a neighbour knows what is closed. Less than a year, since some know no years.
const AHEAD: SignedDuration = SignedDuration::from_hours(60 * 24);
/// The most spans of one calendar.
const MOST: usize = 20;
/// Under which it is kept what a neighbour was last owed.
const OWED: &str = "owed";

impl Engine {
    /// Owes neighbours what the calendar closes, where it is another thing than before; gives to how many.
    pub async fn owe_calendars(&self) -> Result<usize, EngineError> {
        let (standing, now) = (self.standing(), self.now());
        let mut count = 0;
        for link in standing.organisation.links.values() {
            let wants =
                link.tell.as_ref().is_some_and(|tell| tell.about.contains(&Subject::Calendar));
            let Some(line) = Some(link).filter(|_| wants).and_then(|link| self.line(link).ok())
            else {
                continue;
            };
            let calendar = self.calendar(&standing, now);
            for kept in line.telling.calendars() {
                let Some(closed) = closed(&standing, &calendar, &kept, now) else { continue };
                count += usize::from(self.owe_calendar(&link.name, &kept, closed, now).await?);
            }
        }
        Ok(count)
    }

    async fn owe_calendar(
        &self,
        link: &LinkName,
        kept: &Kept,
        closed: Vec<ClosedSpan>,
        now: Timestamp,
    ) -> Result<bool, EngineError> {
        let entity = format!("calendar/{}", kept.name);
        let said = serde_json::to_vec(&closed)
            .unwrap_or_else(|error| unreachable!("spans have a JSON form: {error}"));
        let digest = Digest::of(&said).to_string();
        let known = self.known(link, &entity).await?;
        // Of a calendar that closes nothing, nobody has to be told who was told nothing else.
        let is_known = match known.get(OWED) {
            Some(owed) => *owed == digest,
            None => closed.is_empty(),
        };
        if is_known {
            return Ok(false);
        }
        let line = match closed.first() {
            Some(first) => {
                format!("{} is closed from {} until {}", kept.name, first.from, first.until)
            }
            None => format!("nothing is closed for {}", kept.name),
        };
        let key = format!("{entity}@{}/{now}", self.standing().size);
        let effect = Effect {
            closed,
            ..Effect::aside(entity.clone(), key, Tell::CalendarChanged, now, line)
        };
        let (link, name) = (link.clone(), OWED.to_owned());
        let known = ExternalRefRow { link: link.to_string(), entity, name, value: digest };
        let rows = vec![Row::ExternalRef(known), owed(&link, &effect)];
        let decide = move |_: &Standing, _: Timestamp| {
            let mut commit = Commit::of(Vec::new(), Actor::Link(link));
            commit.rows = rows;
            Step::Record((), commit)
        };
        self.sequencer().submit(decide).await?;
        self.sequencer().wake_tellers();
        Ok(true)
    }
}

/// What is closed for the services of a repository, in order; nothing where none of them is declared.
fn closed(
    standing: &Standing,
    calendar: &Calendar,
    kept: &Kept,
    now: Timestamp,
) -> Option<Vec<ClosedSpan>> {
    let organisation = &standing.organisation;
    let environment = organisation.environment_named(&kept.environment)?.name.clone();
    let horizon = now.checked_add(AHEAD).ok()?;
    let services = organisation.services_from(&kept.repository);
    if services.is_empty() {
        return None;
    }
    let mut spans = BTreeSet::new();
    for service in services {
        let target = organisation.target(&service.name, &environment);
        let coming = calendar.next_windows(&target, now, Some(WindowKind::Freeze), 4 * MOST);
        let freezes = coming.into_iter().filter(|it| it.start < horizon);
        spans.extend(freezes.map(|it| (it.start, it.end, it.name)));
    }
    let mut closed: Vec<ClosedSpan> = Vec::new();
    for (from, until, window) in spans {
        match closed.last_mut().filter(|last| from <= last.until) {
            Some(last) => last.until = last.until.max(until),
            None => closed.push(ClosedSpan { window, from, until }),
        }
    }
    closed.truncate(MOST);
    Some(closed)
}
