//! Looking once more at records that a neighbour made for us, when its searches show everything.
//!
//! Some make two records of one request. Whoever tells of the change next finds both and keeps one; but what was made
//! may not be found for a while, and nothing else may have to be told by then. So each record is looked at once when
//! that time is over. What differs then is told anew. What is to be looked at is kept beside the journal, in the
//! transaction that notes the record.
//!
//! Of a neighbour that says nothing by itself each record is looked at again and again: what was altered over there is
//! mended or recorded as telling it would, once.
//!
//! A record that hangs together with one that the neighbour has not yet cannot be linked to it when it is told. It is
//! looked at again when that one is there, however late.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sluice_connectors::tell::{Receipt, Trouble};
use sluice_core::effect::Effect;
use sluice_core::ids::LinkName;
use sluice_core::link::EffectsReplayed;
use sluice_core::standing::{Actor, Standing};
use sluice_store::rows::{ExternalRefRow, OUTBOX_DELIVERED, OUTBOX_GIVEN_UP, OutboxRow};
use sluice_store::{OutboxFilter, Page, Row};

use super::line::Line;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::reconcile::{Compared, Difference, again, as_declared, is_wanted};
use crate::sequencer::{Commit, Step};

/// Under which it is kept what is to be looked at, and when.
const LOOKS: &str = "looks";
/// Under this, with a record behind it, it is kept who could not be linked to that record yet.
const WAITING: &str = "waiting/";
/// Names of what both sides differ in begin with this.
const DIFFERS: &str = "differs.";
/// The most records that are looked at before something else gets its turn.
const AT_ONCE: usize = 16;

/// The row that has a record looked at, where this receipt is the first to name it.
pub(super) fn owed(
    line: &Line,
    entity: &str,
    known: &BTreeMap<String, String>,
    receipt: &Receipt,
    now: Timestamp,
) -> Option<Row> {
    if !line.telling.keeps_records() || entity.is_empty() {
        return None;
    }
    let is_new = receipt.references.iter().any(|(name, _)| !known.contains_key(*name));
    let at = if is_new { Some(line.settled(now)) } else { line.looks_next(now) };
    at.map(|at| row(&line.name, entity, Some(at)))
}

impl Engine {
    /// The rows by which records that hang together are linked when the neighbour has both: what this one still
    /// lacks is kept, and who lacked this one is looked at when it is there.
    pub(super) async fn links_owed(
        &self,
        line: &Line,
        effect: &Effect,
        known: &BTreeMap<String, String>,
        receipt: &Receipt,
    ) -> Result<Vec<Row>, EngineError> {
        let (link, entity, mut rows) = (&line.name, &effect.entity, Vec::new());
        let at = Some(line.settled(self.now()));
        for (related, there) in self.linked(line, effect).await? {
            // Items are looked up whenever something is told of them.
            if !is_there(&there) && !related.starts_with("service/") {
                rows.push(waiting(link, &related, entity, true));
                // It may come to be there while this is recorded.
                rows.push(row(link, entity, at));
            }
        }
        let is_new = !is_there(known) && !receipt.references.is_empty();
        if is_new && line.telling.keeps_records() {
            for waits in self.known(link, &format!("{WAITING}{entity}")).await?.into_keys() {
                rows.push(row(link, &waits, at));
                rows.push(waiting(link, entity, &waits, false));
            }
        }
        Ok(rows)
    }

    /// Looks at records whose time has come; gives when there is another to look at, and whether something is owed
    /// anew.
    pub(super) async fn look_again(
        &self,
        line: &Line,
    ) -> Result<(Option<Timestamp>, bool), EngineError> {
        let mut looks: Vec<(Timestamp, String)> = Vec::new();
        for (entity, due) in self.known(&line.name, LOOKS).await? {
            // What cannot be read is due.
            looks.push((due.parse().unwrap_or(Timestamp::MIN), entity));
        }
        looks.sort();
        let (now, mut is_owed, mut next) = (self.now(), false, None::<Timestamp>);
        for (count, (due, entity)) in looks.into_iter().enumerate() {
            if due > now || count >= AT_ONCE || self.not_before(line).is_some() {
                next = next.into_iter().chain([due.max(now)]).min();
                break;
            }
            match self.look(line, &entity).await? {
                Looked::Done => {}
                Looked::OwedAnew => is_owed = true,
                Looked::Later(at) => next = next.into_iter().chain([at]).min(),
            }
        }
        Ok((next, is_owed))
    }

    async fn look(&self, line: &Line, entity: &str) -> Result<Looked, EngineError> {
        let told = self.last_told(&line.name, entity).await?;
        let declared = || as_declared(&self.standing(), &line.name, entity, self.now());
        let Some(told) = told.or_else(declared) else {
            return self.looked(line, entity, Vec::new()).await;
        };
        if !is_wanted(&self.standing(), &told) {
            self.record_rows(&line.name, vec![row(&line.name, entity, None)]).await?;
            return Ok(Looked::Done);
        }
        if told.state == OUTBOX_GIVEN_UP {
            // A person has to look there anyway, and to tell it anew is to look.
            return self.looked(line, entity, Vec::new()).await;
        }
        if told.state != OUTBOX_DELIVERED {
            return self.later(line, entity, Vec::new()).await;
        }
        let session = match self.session(line).await {
            Ok(session) => session,
            Err(trouble) => return self.not_seen(line, entity, &trouble).await,
        };
        match self.compare_record(line, &session, &told).await? {
            Compared::Differs(difference) if line.looks_next(self.now()).is_some() => {
                match self.is_recorded(line, entity, &difference).await? {
                    true => self.looked(line, entity, Vec::new()).await,
                    false => self.owe_look(line, entity, told).await,
                }
            }
            Compared::Differs(difference) if difference.mendable => {
                self.owe_look(line, entity, told).await
            }
            Compared::Equal => {
                let rows = self.no_more_differing(line, entity).await?;
                self.looked(line, entity, rows).await
            }
            Compared::Differs(_) | Compared::Failed(_, true) => {
                self.looked(line, entity, Vec::new()).await
            }
            Compared::Failed(trouble, false) => self.not_seen(line, entity, &trouble).await,
        }
    }

    async fn last_told(
        &self,
        link: &LinkName,
        entity: &str,
    ) -> Result<Option<OutboxRow>, EngineError> {
        let filter = OutboxFilter {
            link: Some(link.to_string()),
            entity: Some(entity.to_owned()),
            state: None,
        };
        let readers = self.readers().clone();
        let newest = Page { limit: 1, ..Page::default() };
        let rows = self.blocking(move || readers.outbox(&filter, newest)).await?;
        Ok(rows.into_iter().next())
    }

    async fn looked(
        &self,
        line: &Line,
        entity: &str,
        mut rows: Vec<Row>,
    ) -> Result<Looked, EngineError> {
        let next = line.looks_next(self.now()).filter(|_| self.is_kept(entity));
        rows.push(row(&line.name, entity, next));
        self.record_rows(&line.name, rows).await?;
        Ok(next.map_or(Looked::Done, Looked::Later))
    }

    /// Whether there is still such a thing here: a service that is declared no more is nobody's to compare.
    fn is_kept(&self, entity: &str) -> bool {
        let service = entity.strip_prefix("service/");
        service.is_none_or(|name| self.standing().organisation.services.contains_key(name))
    }

    /// Whether it was recorded before that both sides differ so. What telling once more has not mended is for people.
    async fn is_recorded(
        &self,
        line: &Line,
        entity: &str,
        difference: &Difference,
    ) -> Result<bool, EngineError> {
        let known = self.known(&line.name, entity).await?;
        let mut recorded = known.iter().filter(|(name, _)| name.starts_with(DIFFERS));
        let says_so = format!("|{}", difference.theirs);
        Ok(recorded.any(|(_, said)| match difference.mendable {
            true => !said.is_empty(),
            false => said.ends_with(&says_so),
        }))
    }

    /// Should both sides differ in the same way again, that is news.
    async fn no_more_differing(&self, line: &Line, entity: &str) -> Result<Vec<Row>, EngineError> {
        if line.looks_next(self.now()).is_none() {
            return Ok(Vec::new());
        }
        let known = self.known(&line.name, entity).await?.into_iter();
        let recorded = known.filter(|(name, said)| name.starts_with(DIFFERS) && !said.is_empty());
        let (link, entity) = (line.name.to_string(), entity.to_owned());
        let row = |(name, _)| {
            let (link, entity) = (link.clone(), entity.clone());
            Row::ExternalRef(ExternalRefRow { link, entity, name, value: String::new() })
        };
        Ok(recorded.map(row).collect())
    }

    async fn later(
        &self,
        line: &Line,
        entity: &str,
        mut rows: Vec<Row>,
    ) -> Result<Looked, EngineError> {
        let at = line.settled(self.now());
        rows.push(row(&line.name, entity, Some(at)));
        self.record_rows(&line.name, rows).await?;
        Ok(Looked::Later(at))
    }

    async fn not_seen(
        &self,
        line: &Line,
        entity: &str,
        trouble: &Trouble,
    ) -> Result<Looked, EngineError> {
        let error = format!("{}: {}", trouble.reason.as_str(), line.said(trouble));
        let fares = self.fails(line, trouble, false, &error);
        self.later(line, entity, vec![fares]).await
    }

    async fn owe_look(
        &self,
        line: &Line,
        entity: &str,
        told: OutboxRow,
    ) -> Result<Looked, EngineError> {
        let (link, looked) = (line.name.clone(), row(&line.name, entity, None));
        let decide = move |standing: &Standing, now: Timestamp| {
            let replayed = EffectsReplayed { link: link.clone(), count: 1 };
            let mut commit = Commit::of(vec![replayed.into()], Actor::Link(link));
            commit.rows = again(standing, &told, now).into_iter().chain([looked]).collect();
            Step::Record((), commit)
        };
        self.sequencer().submit(decide).await?;
        self.sequencer().wake_tellers();
        Ok(Looked::OwedAnew)
    }
}

/// What became of a look.
enum Looked {
    Done,
    OwedAnew,
    Later(Timestamp),
}

/// Whether the neighbour has a record: what has a dot in its name is for the machinery.
fn is_there(known: &BTreeMap<String, String>) -> bool {
    known.keys().any(|name| !name.contains('.'))
}

/// That a record waits for another one to be there, or no more.
fn waiting(link: &LinkName, related: &str, waits: &str, does: bool) -> Row {
    Row::ExternalRef(ExternalRefRow {
        link: link.to_string(),
        entity: format!("{WAITING}{related}"),
        name: waits.to_owned(),
        value: if does { "yes".to_owned() } else { String::new() },
    })
}

/// That a record is to be looked at, or no more.
fn row(link: &LinkName, entity: &str, at: Option<Timestamp>) -> Row {
    Row::ExternalRef(ExternalRefRow {
        link: link.to_string(),
        entity: LOOKS.to_owned(),
        name: entity.to_owned(),
        value: at.map(|at| at.to_string()).unwrap_or_default(),
    })
}

impl Line {
    /// When a record is looked at again that was looked at now, where each is again and again.
    fn looks_next(&self, now: Timestamp) -> Option<Timestamp> {
        now.checked_add(self.telling.compares_every()?).ok()
    }

    /// When what is made now can be found.
    fn settled(&self, now: Timestamp) -> Timestamp {
        let settle = SignedDuration::try_from(self.settle()).unwrap_or(SignedDuration::ZERO);
        now.checked_add(settle).unwrap_or(now)
    }
}
