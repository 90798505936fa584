//! Reconciling: whether a neighbour's records say what ours say, record by record, and what differs.
//!
//! It is asked of the connector itself: the newest thing that was told of a record is told once more, without sending
//! anything that would alter something over there. What the connector would still have to do is what differs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use sluice_connectors::tell::{Because, Exchange, Session, Step, Talk, Trouble};
use sluice_core::effect::{ChangeCard, Effect, IncidentCard, ItemCard, ProblemCard, Tell};
use sluice_core::ids::LinkName;
use sluice_core::link::EffectsReplayed;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;
use sluice_store::rows::{EffectRow, OUTBOX_DELIVERED, OUTBOX_PENDING, OutboxRow};
use sluice_store::{OutboxFilter, Page, Row};

use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::owe::wants;
use crate::sequencer::{Commit, Step as Decided};
use crate::tasks::Line;

/// The most records that are compared at once, the newest first; and as many services that were told of longer ago.
const MOST: usize = 500;
/// The most pages of the outbox that are looked through for them.
const PAGES: u32 = 40;
/// The most exchanges about one record.
const EXCHANGES: usize = 20;

/// What a comparison gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// The link.
    pub link: LinkName,
    /// How many records were compared.
    pub compared: u64,
    /// How many of them say the same on both sides.
    pub equal: u64,
    /// What does not.
    pub differing: Vec<Difference>,
    /// How many effects were owed anew to make it so.
    pub owed_anew: u64,
}

/// What one record differs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Our record.
    pub entity: String,
    /// `record`, `state`, `revision`, `link`; `unknown` where they could not be asked.
    pub about: String,
    /// What we say.
    pub ours: String,
    /// What they say, as far as it is known.
    pub theirs: String,
    /// Whether telling them once more would mend it.
    pub mendable: bool,
}

/// What came of comparing one record.
#[derive(Debug)]
pub(crate) enum Compared {
    /// Both sides say the same.
    Equal,
    /// They do not.
    Differs(Difference),
    /// They could not be asked; whether they will never answer otherwise.
    Failed(Trouble, bool),
}

impl Engine {
    /// Compares the records of a link with ours. With `repair`, what telling once more would mend is owed anew.
    pub async fn reconcile_link(
        &self,
        caller: &Caller,
        name: &str,
        repair: bool,
    ) -> Result<Reconciliation, EngineError> {
        caller.require(Permission::OrganisationApply)?;
        let standing = self.standing();
        let link = crate::links::declared(&standing, name)?;
        let line = self.line(link).map_err(|trouble| unusable(name, trouble.detail))?;
        if !line.telling.keeps_records() {
            return Err(unusable(name, "it keeps no records of ours that could be compared").into());
        }
        let told = self.newest_told(&line).await?;
        let session =
            self.session(&line).await.map_err(|trouble| unusable(name, trouble.detail))?;
        let mut result = Reconciliation {
            link: link.name.clone(),
            compared: told.len() as u64,
            equal: 0,
            differing: Vec::new(),
            owed_anew: 0,
        };
        let mut anew = Vec::new();
        for row in told {
            let difference = match self.compare_record(&line, &session, &row).await? {
                Compared::Equal => None,
                Compared::Differs(difference) => Some(difference),
                Compared::Failed(trouble, _) => unknown(&row, trouble.detail),
            };
            match difference {
                None => result.equal += 1,
                Some(difference) => {
                    if difference.mendable {
                        anew.push(row);
                    }
                    result.differing.push(difference);
                }
            }
        }
        if repair && !anew.is_empty() {
            result.owed_anew = anew.len() as u64;
            self.owe_anew(caller, &link.name, anew).await?;
        }
        Ok(result)
    }

    /// The newest effect of each record that a link was told of, then the services that it was told of longer ago.
    async fn newest_told(&self, line: &Line) -> Result<Vec<OutboxRow>, EngineError> {
        let name = line.name.as_str();
        let (mut seen, mut told) = (BTreeSet::new(), Vec::new());
        let mut before = None;
        for _ in 0..PAGES {
            let (readers, link) = (self.readers().clone(), name.to_owned());
            let filter = OutboxFilter { link: Some(link), ..OutboxFilter::default() };
            let page = Page { before, ..Page::default() };
            let rows = self.blocking(move || readers.outbox(&filter, page)).await?;
            before = rows.last().map(|row| row.id);
            for row in rows {
                if is_record(&row.effect.entity) && seen.insert(row.effect.entity.clone()) {
                    told.push(row);
                }
            }
            if before.is_none() || told.len() >= MOST {
                break;
            }
        }
        told.truncate(MOST);
        let (standing, most) = (self.standing(), told.len() + MOST);
        for service in standing.organisation.services.keys() {
            let entity = ItemCard::entity(service);
            if told.len() >= most {
                break;
            }
            if !seen.contains(&entity) && !self.known(&line.name, &entity).await?.is_empty() {
                told.extend(as_declared(&standing, &line.name, &entity, self.now()));
            }
        }
        told.retain(|row| is_wanted(&standing, row));
        Ok(told)
    }

    /// Compares one record as it was told last.
    pub(crate) async fn compare_record(
        &self,
        line: &Line,
        session: &Session,
        row: &OutboxRow,
    ) -> Result<Compared, EngineError> {
        let Ok(mut effect) = serde_json::from_str::<Effect>(&row.effect.body) else {
            return Ok(Compared::Equal);
        };
        let Some(card) = Ours::of(&effect) else { return Ok(Compared::Equal) };
        effect.tell = stands(&effect);
        effect.decision = None;
        if row.state != OUTBOX_DELIVERED {
            let theirs =
                if row.state == OUTBOX_PENDING { "it is still owed" } else { "it was given up" };
            return Ok(Compared::Differs(of(&card, "state", theirs, false)));
        }
        let known = self.known(&line.name, &row.effect.entity).await?;
        let linked = self.linked(line, &effect).await?;
        let (now, public_url) = (self.now(), self.public_url());
        let mut so_far: Vec<Exchange> = Vec::new();
        loop {
            let step = line.telling.tell(&Talk {
                effect: &effect,
                so_far: &so_far,
                session,
                credentials: &line.credentials,
                known: &known,
                linked: &linked,
                attempt: 2,
                now,
                public_url,
                late: false,
                comparing: true,
                people: &[],
                along: &[],
                waits: None,
            });
            match step {
                Step::Done(receipt) => {
                    let differs = receipt.differs;
                    return Ok(differs.map_or(Compared::Equal, |(about, _, theirs)| {
                        Compared::Differs(of(&card, about, &theirs, false))
                    }));
                }
                Step::Retry(trouble) => return Ok(Compared::Failed(trouble, false)),
                Step::GiveUp(trouble) => return Ok(Compared::Failed(trouble, true)),
                Step::Send(ask) | Step::SendKnowing(_, ask) if !ask.only_reads => {
                    return Ok(Compared::Differs(would(&card, ask.step)));
                }
                Step::Send(_) | Step::SendKnowing(..) if so_far.len() >= EXCHANGES => {
                    let trouble = Trouble::new(Because::Server, "it cannot be found out");
                    return Ok(Compared::Failed(trouble, false));
                }
                Step::Send(ask) | Step::SendKnowing(_, ask) => {
                    so_far.push(self.ask_by(line, ask).await);
                }
            }
        }
    }

    /// Owes once more how these records stand at the moment of recording, which may be newer than what was compared.
    async fn owe_anew(
        &self,
        caller: &Caller,
        link: &LinkName,
        told: Vec<OutboxRow>,
    ) -> Result<(), EngineError> {
        let (actor, link) = (caller.actor(), link.clone());
        let decide = move |standing: &Standing, now: Timestamp| {
            let count = told.len() as u64;
            let mut commit = Commit::of(vec![EffectsReplayed { link, count }.into()], actor);
            commit.rows = told.iter().filter_map(|row| again(standing, row, now)).collect();
            Decided::Record((), commit)
        };
        self.sequencer().submit(decide).await?;
        self.sequencer().wake_tellers();
        Ok(())
    }
}

/// One of our records, as it was told.
struct Ours {
    entity: String,
    state: String,
    revision: String,
}

impl Ours {
    fn of(effect: &Effect) -> Option<Self> {
        let (state, revision) = match effect {
            Effect { change: Some(card), .. } => (card.state.as_str(), card.revision.to_string()),
            Effect { incident: Some(card), .. } => (card.state.as_str(), String::new()),
            Effect { problem: Some(card), .. } => (card.state.as_str(), String::new()),
            Effect { item: Some(_), .. } => ("declared", String::new()),
            _ => return None,
        };
        Some(Self { entity: effect.entity.clone(), state: state.to_owned(), revision })
    }
}

/// Whether a neighbour may have a record of its own for one of ours.
fn is_record(entity: &str) -> bool {
    ["CHG", "INC", "PRB", "service/"].iter().any(|prefix| entity.starts_with(prefix))
}

/// The word for how a record stands, whatever was told of it last.
fn stands(effect: &Effect) -> Tell {
    match effect {
        Effect { incident: Some(_), .. } => Tell::IncidentMoved,
        Effect { problem: Some(_), .. } => Tell::ProblemMoved,
        Effect { item: Some(_), .. } => Tell::ItemDeclared,
        _ => Tell::ChangeMoved,
    }
}

fn of(card: &Ours, about: &str, theirs: &str, mendable: bool) -> Difference {
    let ours = match about {
        "revision" => card.revision.clone(),
        _ => card.state.clone(),
    };
    Difference {
        entity: card.entity.clone(),
        about: about.to_owned(),
        ours,
        theirs: theirs.to_owned(),
        mendable,
    }
}

/// What differs where the connector would do this.
fn would(card: &Ours, step: &str) -> Difference {
    match step {
        "create" => of(card, "record", "there is none", true),
        "cancel_surplus" | "set_aside" => of(card, "record", "there are several", true),
        "update" => of(card, "attributes", "others are shown", true),
        "describe" => of(card, "revision", "another one is shown", true),
        "link" | "relate" | "gather" => of(card, "link", "there is none", true),
        _ => of(card, "state", "an earlier one", true),
    }
}

/// What could not be asked.
fn unknown(row: &OutboxRow, detail: &str) -> Option<Difference> {
    let effect = serde_json::from_str::<Effect>(&row.effect.body).ok()?;
    Some(of(&Ours::of(&effect)?, "unknown", detail, false))
}

/// Whether a link still is to be told what it was told: what it may not be told any more is not compared, and nobody mends
/// it by telling how it stands now.
pub(crate) fn is_wanted(standing: &Standing, row: &OutboxRow) -> bool {
    let Ok(effect) = serde_json::from_str::<Effect>(&row.effect.body) else { return false };
    let link = standing.organisation.links.get(row.effect.link.as_str());
    link.is_some_and(|link| wants(standing, link, &effect))
}

/// How a service would be told of now. What was told of it long ago has left the outbox, and the neighbour has it still.
pub(crate) fn as_declared(
    standing: &Standing,
    link: &LinkName,
    entity: &str,
    now: Timestamp,
) -> Option<OutboxRow> {
    let service = standing.organisation.services.get(entity.strip_prefix("service/")?)?;
    let key = format!("{link}:{entity}:declared");
    let mut effect = Effect::aside(String::new(), key, Tell::ItemDeclared, now, String::new());
    effect.declared(service);
    let now_us = now.as_microsecond();
    let effect = EffectRow {
        link: link.to_string(),
        entity: entity.to_owned(),
        body: serde_json::to_string(&effect).ok()?,
        effect_key: effect.key,
        kind: effect.tell.as_str().to_owned(),
        next_us: now_us,
        created_us: now_us,
    };
    let (state, last_error) = (OUTBOX_DELIVERED.to_owned(), None);
    Some(OutboxRow { id: 0, effect, state, attempts: 1, last_error })
}

/// The same thing owed once more, as it stands now.
pub(crate) fn again(standing: &Standing, row: &OutboxRow, now: Timestamp) -> Option<Row> {
    let size = standing.size;
    let mut effect: Effect = serde_json::from_str(&row.effect.body).ok()?;
    renew(standing, &mut effect);
    effect.tell = stands(&effect);
    effect.decision = None;
    effect.key = format!("{}:again{size}", row.effect.effect_key);
    let body = serde_json::to_string(&effect).ok()?;
    Some(Row::Effect(EffectRow {
        link: row.effect.link.clone(),
        entity: row.effect.entity.clone(),
        effect_key: effect.key,
        kind: effect.tell.as_str().to_owned(),
        body,
        next_us: now.as_microsecond(),
        created_us: now.as_microsecond(),
    }))
}

/// The record as it stands now, where it is open.
fn renew(standing: &Standing, effect: &mut Effect) {
    if let Some(card) = &mut effect.change
        && let Some(change) = standing.changes.get(&card.number)
    {
        *card = ChangeCard::of(change);
    }
    if let Some(card) = &mut effect.incident
        && let Some(incident) = standing.incidents.get(&card.number)
    {
        let problem = standing.problem_with(card.number).map(|problem| problem.number);
        *card = IncidentCard { problem, ..IncidentCard::of(incident) };
    }
    if let Some(card) = &mut effect.problem
        && let Some(problem) = standing.problems.get(&card.number)
    {
        *card = ProblemCard::of(problem);
    }
}

fn unusable(name: &str, detail: &str) -> Refusal {
    Refusal::conflict(
        "link_not_comparable",
        format!("`{name}` cannot be compared: {detail}"),
        "try `sluice link test`",
    )
}
