//! What is new of what a neighbour said of our records. Both ways in, a delivery and a reading back, say the same
//! things; what was taken in before is known by the neighbour's own id of it and its own time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sluice_connectors::tell::{Shown, Stands};
use sluice_core::change::ApprovalVerdict;
use sluice_core::ids::{Digest, LinkName};
use sluice_core::signal::{Signal, TaskKind, TheirRecord};
use sluice_organisation::Keys as _;
use sluice_store::Row;
use sluice_store::rows::ExternalRefRow;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::keys::Keys;
use crate::tasks::InTurn;

/// Under this name stands which revision a record shows, and since when. Names with a dot are for the machinery.
const SHOWN: &str = "shown.revision";
/// Under this name stands how both sides were left when the record was told last: our word and theirs.
pub(crate) const LEFT: &str = "left.state";
/// Under this name stands what attempts may have made of their state of which it is not known how they went: our words.
pub(super) const SENT: &str = "left.sent";
/// Under this name stands up to which entry of the ledger the record was told of.
pub(super) const TOLD: &str = "told.entry";
/// Under this name stands the ledger's size at which theirs was taken over last: what was to be told before it is old.
const OVERTAKEN: &str = "left.entry";
/// Before the id of a record that they made stands this, where ours for it is kept.
const THEIRS: &str = "theirs/";
/// Under this name stands ours.
const OURS: &str = "entity";

/// What others said, and what is known about their records that it was said of.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) signals: Vec<Signal>,
    /// Which revision their record of one of ours shows, and since when by their clock.
    shown: BTreeMap<String, (Digest, Timestamp)>,
    /// How both sides of a record were left: our word for its state, and theirs.
    left: BTreeMap<String, (String, String)>,
    /// The states of a record that may be our own doing, while it is not known how telling went.
    sent: BTreeMap<String, String>,
    /// Which question of its run each is that a run asks.
    pub(crate) turns: BTreeMap<String, InTurn>,
}

impl News {
    /// Whether an approver could see a revision at a time.
    pub(crate) fn showed(&self, entity: &str, revision: &Digest, at: Timestamp) -> bool {
        self.shown.get(entity).is_some_and(|(shown, since)| shown == revision && at >= *since)
    }
}

impl News {
    /// How both sides of a record were left when it was told last.
    pub(crate) fn left(&self, entity: &str) -> Option<(&str, &str)> {
        self.left.get(entity).map(|(ours, theirs)| (ours.as_str(), theirs.as_str()))
    }

    /// Whether a record may be in a state because we have brought it there, and its answer was lost.
    pub(crate) fn may_be_ours(&self, entity: &str, theirs: &str) -> bool {
        self.sent.get(entity).is_some_and(|sent| sent.split(' ').any(|word| word == theirs))
    }
}

/// The rows by which a record that they made is known as ours from now on.
pub(crate) fn adopted(
    link: &LinkName,
    entity: &str,
    of: &TheirRecord,
    (task, number): (TaskKind, &str),
    (state, at): (&str, Option<Timestamp>),
) -> Vec<Row> {
    let mut rows = vec![
        row(link, &format!("{THEIRS}{}", of.id), OURS, entity.to_owned()),
        row(link, entity, &of.name, of.id.clone()),
        row(link, entity, task.as_str(), number.to_owned()),
        row(link, entity, &state_of(&of.id), state.to_owned()),
        left_row(link, entity, state, state),
    ];
    let age = Age { at, altered: None };
    rows.extend(age.named(&of.id).map(|(name, value)| row(link, entity, &name, value)));
    rows
}

/// How both sides of a record stand, once what they said of theirs was taken over. What is owed to them of the entries
/// before `size` is older than that.
pub(crate) fn overtaken(
    link: &LinkName,
    entity: &str,
    (ours, theirs): (&str, &str),
    size: u64,
) -> [Row; 2] {
    let overtaken = row(link, entity, OVERTAKEN, size.to_string());
    [left_row(link, entity, ours, theirs), overtaken]
}

fn left_row(link: &LinkName, entity: &str, ours: &str, theirs: &str) -> Row {
    row(link, entity, LEFT, format!("{ours} {theirs}"))
}

fn row(link: &LinkName, entity: &str, name: &str, value: String) -> Row {
    let (link, entity, name) = (link.to_string(), entity.to_owned(), name.to_owned());
    Row::ExternalRef(ExternalRefRow { link, entity, name, value })
}

/// The name under which stands what they said last of a record's state.
fn state_of(id: &str) -> String {
    format!("state.{id}")
}

/// The rows that say how a record stood when we told of it: never that it stood as it did before something newer.
pub(super) fn stands_rows(
    known: &BTreeMap<String, String>,
    stands: &Stands,
) -> Vec<(String, String)> {
    let age = Age { at: stands.at, altered: stands.altered };
    if age.is_older_than(&Age::known(known, &stands.of)) {
        return Vec::new();
    }
    let state = stands.state.clone().map(|state| (state_of(&stands.of), state));
    age.named(&stands.of).chain(state).collect()
}

/// How old something is that is said of a record: by their clock, and by their count where they have one.
#[derive(Debug, Clone, Copy)]
struct Age {
    at: Option<Timestamp>,
    altered: Option<u64>,
}

impl Age {
    fn of(signal: &Signal) -> Option<Self> {
        match signal {
            Signal::RecordReported { at, altered, .. }
            | Signal::TaskReported { at, altered, .. } => Some(Self { at: *at, altered: *altered }),
            _ => None,
        }
    }

    /// What is known of a record at the latest.
    fn known(there: &BTreeMap<String, String>, id: &str) -> Self {
        let at = there.get(&format!("at.{id}")).and_then(|value| value.parse().ok());
        let altered = there.get(&format!("altered.{id}")).and_then(|value| value.parse().ok());
        Self { at, altered }
    }

    /// Whether something newer is known. Where times are the same, and only what is known has a count, it is not said
    /// which was first: then a reading, which has one, is waited for.
    fn is_older_than(&self, known: &Self) -> bool {
        match (self.altered, known.altered) {
            (Some(altered), Some(known)) => altered < known,
            (None, Some(_)) => self.at.zip(known.at).is_some_and(|(at, known)| at <= known),
            (_, None) => self.at.zip(known.at).is_some_and(|(at, known)| at < known),
        }
    }

    fn named(self, id: &str) -> impl Iterator<Item = (String, String)> {
        let at = self.at.map(|at| (format!("at.{id}"), at.to_string()));
        let altered = self.altered.map(|count| (format!("altered.{id}"), count.to_string()));
        at.into_iter().chain(altered)
    }
}

impl Engine {
    /// What is new of what a neighbour said, and the rows by which it is known the next time.
    ///
    /// Only the record that was recorded as the one of a change speaks for it: others may bear its number.
    pub(crate) async fn news(
        &self,
        link: &LinkName,
        mut said: Vec<Signal>,
    ) -> Result<(News, Vec<Row>), EngineError> {
        said.sort_by_key(order);
        let (mut news, mut rows) = (News::default(), Vec::new());
        let mut known: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for mut signal in said {
            self.name_ours(link, &mut signal).await?;
            if let Some((entity, of)) = record_of(&signal) {
                if !known.contains_key(entity) {
                    let there = self.known(link, entity).await?;
                    let shown = there.get(SHOWN).and_then(|value| read_shown(value));
                    news.shown.extend(shown.map(|shown| (entity.clone(), shown)));
                    let left = there.get(LEFT).and_then(|value| value.split_once(' '));
                    let left = left.map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()));
                    news.left.extend(left.map(|left| (entity.clone(), left)));
                    let sent = there.get(SENT).cloned();
                    news.sent.extend(sent.map(|sent| (entity.clone(), sent)));
                    known.insert(entity.clone(), there);
                }
                let there = known.entry(entity.clone()).or_default();
                if there.get(&of.name) != Some(&of.id) {
                    tracing::debug!(%link, entity, "another record than the one that is known bears its number");
                    continue;
                }
                // How a record stood before is no news: a delivery may come late, or again, or tell of what we have
                // written ourselves before we wrote something newer.
                if let Some(age) = Age::of(&signal) {
                    if age.is_older_than(&Age::known(there, &of.id)) {
                        tracing::debug!(%link, entity, "a delivery says how a record stood before");
                        continue;
                    }
                    for (name, value) in age.named(&of.id) {
                        if there.get(&name) != Some(&value) {
                            rows.push(row(link, entity, &name, value.clone()));
                            there.insert(name, value);
                        }
                    }
                }
                if let Some((name, value)) = identity(self.signing(), &signal) {
                    if there.get(&name) == Some(&value) {
                        continue;
                    }
                    there.insert(name.clone(), value.clone());
                    rows.push(row(link, entity, &name, value));
                }
            }
            news.signals.push(signal);
        }
        Ok((news, rows))
    }
}

impl Engine {
    /// Names our record in what is said of one that they made, where it was taken over before.
    async fn name_ours(&self, link: &LinkName, signal: &mut Signal) -> Result<(), EngineError> {
        if let Signal::TaskReported { entity: entity @ None, of, .. } = signal {
            let known = self.known(link, &format!("{THEIRS}{}", of.id)).await?;
            *entity = known.get(OURS).cloned();
        }
        Ok(())
    }
}

/// Words of approvers in the order in which they were given, before where the record stands. Of two at the same time a
/// no comes last, and counts.
fn order(signal: &Signal) -> (bool, Timestamp, bool) {
    match signal {
        Signal::ApprovalReported { at, verdict, .. } => {
            (false, *at, *verdict == ApprovalVerdict::Reject)
        }
        _ => (true, Timestamp::MIN, false),
    }
}

fn record_of(signal: &Signal) -> Option<(&String, &TheirRecord)> {
    match signal {
        Signal::RecordReported { entity, of, .. }
        | Signal::ApprovalReported { entity, of, .. }
        | Signal::ReferenceReported { entity, of, .. } => Some((entity, of)),
        Signal::TaskReported { entity: Some(entity), of, .. } => Some((entity, of)),
        _ => None,
    }
}

/// The name under which a signal is known, and what stands for what it says.
fn identity(keys: &Keys, signal: &Signal) -> Option<(String, String)> {
    match signal {
        Signal::RecordReported { of, state, .. } | Signal::TaskReported { of, state, .. } => {
            Some((state_of(&of.id), state.clone()))
        }
        Signal::ReferenceReported { name, value, .. } => Some((name.clone(), value.clone())),
        Signal::ApprovalReported { approval, verdict, at, .. } => {
            // Keyed, as everything about people is that stands where nothing is erased.
            let id = keys.identity("approval", approval);
            let word = match verdict {
                ApprovalVerdict::Approve => "yes",
                ApprovalVerdict::Reject => "no",
            };
            Some((format!("approval.{id}"), format!("{word} {at}")))
        }
        _ => None,
    }
}

/// The row that says what a record shows, where that is another thing than what is known.
pub(super) fn shown_row(
    known: &BTreeMap<String, String>,
    shown: &Shown,
    now: Timestamp,
) -> Option<(&'static str, String)> {
    let before = known.get(SHOWN).and_then(|value| read_shown(value));
    let is_known = before.is_some_and(|(revision, _)| revision == shown.revision);
    if is_known && !shown.written {
        return None;
    }
    Some((SHOWN, format!("{} {}", shown.revision, shown.since.unwrap_or(now))))
}

fn read_shown(value: &str) -> Option<(Digest, Timestamp)> {
    let (revision, since) = value.split_once(' ')?;
    Some((revision.parse().ok()?, since.parse().ok()?))
}
