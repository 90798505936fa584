//! What people see of links, and do with them.

use jiff::Timestamp;
use serde::Serialize;
use sluice_connectors::tell::Trial;
use sluice_core::effect::Subject;
use sluice_core::event::Event;
use sluice_core::ids::LinkName;
use sluice_core::link::{EffectsReplayed, Expiring, LinkPaused, LinkResumed, first_expiring};
use sluice_core::organisation::Link;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;
use sluice_core::stop::reason_given;
use sluice_store::rows::{OUTBOX_GIVEN_UP, OutboxRow};
use sluice_store::{OutboxFilter, Page, ReadError, Row};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::sequencer::{Commit, Step};
use crate::tasks::place;

/// The most effects that one request replays.
const MOST: u32 = 200;

/// A link and how it fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkCard {
    /// Its name.
    pub name: LinkName,
    /// Which connector.
    pub connector: String,
    /// Whether deliveries from it are taken.
    pub heard: bool,
    /// What it wants to be told.
    pub told: Vec<Subject>,
    /// Whether nothing is sent until it is resumed.
    pub paused: bool,
    /// Effects that are still to be told.
    pub owed: u64,
    /// Effects that were given up, and wait for a person.
    pub given_up: u64,
    /// For how many seconds the oldest has been owed.
    pub lag_s: u64,
    /// When it last went well.
    pub last_good_at: Option<Timestamp>,
    /// When it last did not.
    pub last_error_at: Option<Timestamp>,
    /// Why, as `reason: detail`.
    pub last_error: Option<String>,
    /// Failures since it last went well.
    pub failures: u32,
    /// When it was last read back.
    pub polled_at: Option<Timestamp>,
    /// The credential that expires first, where that is known.
    pub expires: Option<Expiring>,
}

/// What a trial of a link gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkTrial {
    /// Whether it went well.
    pub ok: bool,
    /// In words.
    pub detail: String,
    /// One of the closed set of reasons, where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

impl Engine {
    /// All links, and how they fare. Blocking.
    pub fn links(&self) -> Result<Vec<LinkCard>, EngineError> {
        let standing = self.standing();
        let links = standing.organisation.links.values();
        Ok(links.map(|link| self.link_card(&standing, link)).collect::<Result<_, ReadError>>()?)
    }

    fn link_card(&self, standing: &Standing, link: &Link) -> Result<LinkCard, ReadError> {
        let name = link.name.as_str();
        let owed = self.readers().outbox_owed(name)?;
        let health = self.readers().link_health(name)?.unwrap_or_default();
        let at = |us: Option<i64>| us.and_then(|us| Timestamp::from_microsecond(us).ok());
        let now_us = self.now().as_microsecond();
        let is_heard = self.is_heard(link);
        let unheard = (!is_heard && !link.secrets.is_empty()).then(|| {
            let places: Vec<String> = link.secrets.iter().map(place).collect();
            format!("auth: no delivery is taken, for no secret is there: {}", places.join(", "))
        });
        let lag_us = owed.oldest_us.map_or(0, |oldest| now_us.saturating_sub(oldest));
        Ok(LinkCard {
            name: link.name.clone(),
            connector: link.connector.clone(),
            heard: is_heard,
            told: link.tell.iter().flat_map(|tell| tell.about.iter().copied()).collect(),
            paused: standing.paused.contains(&link.name),
            owed: owed.pending,
            given_up: owed.given_up,
            lag_s: u64::try_from(lag_us / 1_000_000).unwrap_or(0),
            last_good_at: at(health.last_good_us),
            last_error_at: at(health.last_error_us),
            last_error: unheard.or(health.last_error),
            failures: health.failures,
            polled_at: at(health.polled_us),
            expires: first_expiring(link, self.now()),
        })
    }

    /// Whether deliveries of a link are taken: with no secret that is there, none is.
    fn is_heard(&self, link: &Link) -> bool {
        let found = |reference| self.secrets().find(reference).filter(|secret| !secret.is_empty());
        let are_there = link.secrets.iter().any(|reference| found(reference).is_some());
        are_there && sluice_connectors::find(&link.connector).is_some()
    }

    /// Tries a link without altering anything over there.
    pub async fn test_link(&self, caller: &Caller, name: &str) -> Result<LinkTrial, EngineError> {
        caller.require(Permission::OrganisationApply)?;
        let standing = self.standing();
        let link = declared(&standing, name)?;
        let failed = |reason: &'static str, detail: &str| LinkTrial {
            ok: false,
            detail: detail.to_owned(),
            reason: Some(reason),
        };
        let line = match self.line(link) {
            Ok(line) => line,
            Err(trouble) => return Ok(failed(trouble.reason.as_str(), trouble.detail)),
        };
        let session = match self.session(&line).await {
            Ok(session) => session,
            Err(trouble) => return Ok(failed(trouble.reason.as_str(), &line.said(&trouble))),
        };
        let next = |so_far: &[_]| line.telling.test(&Trial { so_far, session: &session });
        Ok(match self.converse(&line, next).await.0 {
            Ok(detail) => LinkTrial { ok: true, detail, reason: None },
            Err((trouble, _)) => failed(trouble.reason.as_str(), &line.said(&trouble)),
        })
    }

    /// Sends nothing by a link until it is resumed. What is owed is kept.
    pub async fn pause_link(
        &self,
        caller: &Caller,
        name: &str,
        because: String,
    ) -> Result<Answer<()>, EngineError> {
        let by = caller.person.clone();
        reason_given(&because)?;
        self.with_link(caller, name, move |standing, link| {
            if standing.paused.contains(&link) {
                return Err(Refusal::conflict(
                    "link_paused",
                    format!("`{link}` is paused"),
                    "nothing is left to do",
                ));
            }
            Ok((LinkPaused { link, by, because }.into(), Vec::new()))
        })
        .await
    }

    /// Sends by a link again.
    pub async fn resume_link(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<Answer<()>, EngineError> {
        self.with_link(caller, name, move |standing, link| {
            if !standing.paused.contains(&link) {
                return Err(Refusal::conflict(
                    "link_not_paused",
                    format!("`{link}` is not paused"),
                    "nothing is left to do",
                ));
            }
            Ok((LinkResumed { link }.into(), Vec::new()))
        })
        .await
    }

    /// Owes anew what was given up: one effect, or the oldest 200 of the link. Gives how many.
    pub async fn replay_link(
        &self,
        caller: &Caller,
        name: &str,
        id: Option<u64>,
    ) -> Result<Answer<u64>, EngineError> {
        caller.require(Permission::OrganisationApply)?;
        let (readers, link) = (self.readers().clone(), name.to_owned());
        let given_up = self
            .blocking(move || match id {
                Some(id) => Ok(readers.outbox_get(id)?.into_iter().collect()),
                None => {
                    let filter = OutboxFilter {
                        link: Some(link),
                        state: Some(OUTBOX_GIVEN_UP.to_owned()),
                        ..OutboxFilter::default()
                    };
                    // What was given up first is told first: the rest comes with the next call.
                    readers.outbox(&filter, Page { after: Some(0), limit: MOST, before: None })
                }
            })
            .await?;
        let given_up: Vec<OutboxRow> = given_up
            .into_iter()
            .filter(|row| row.effect.link == name && row.state == OUTBOX_GIVEN_UP)
            .collect();
        if given_up.is_empty() {
            let what = format!("nothing of `{name}` was given up");
            return Err(
                Refusal::conflict("nothing_given_up", what, "see `sluice link list`").into()
            );
        }
        let count = given_up.len() as u64;
        let next_us = self.now().as_microsecond();
        let rows = given_up.iter().map(|row| Row::EffectAnew { id: row.id, next_us }).collect();
        let answer = self
            .with_link(caller, name, move |_, link| {
                Ok((EffectsReplayed { link, count }.into(), rows))
            })
            .await?;
        Ok(Answer { value: count, receipt: answer.receipt, as_of: answer.as_of })
    }

    async fn with_link(
        &self,
        caller: &Caller,
        name: &str,
        decide: impl FnOnce(&Standing, LinkName) -> Result<(Event, Vec<Row>), Refusal> + Send + 'static,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::OrganisationApply)?;
        let (name, actor) = (name.to_owned(), caller.actor());
        let decided = move |standing: &Standing, _: Timestamp| {
            let found = declared(standing, &name).map(|link| link.name.clone());
            match found.and_then(|link| decide(standing, link)) {
                Err(refusal) => Step::Refuse(refusal.into(), None),
                Ok((event, rows)) => {
                    let mut commit = Commit::of(vec![event], actor);
                    commit.rows = rows;
                    Step::Record((), commit)
                }
            }
        };
        let ((), done) = self.sequencer().submit(decided).await?;
        self.sequencer().wake_tellers();
        Ok(Answer { value: (), receipt: done.receipt(), as_of: done.size })
    }
}

pub(crate) fn declared<'a>(standing: &'a Standing, name: &str) -> Result<&'a Link, Refusal> {
    standing.organisation.links.get(name).map(AsRef::as_ref).ok_or_else(|| {
        Refusal::missing(
            "link_unknown",
            format!("there is no link `{name}`"),
            "see `sluice link list`",
        )
    })
}

/// What is wrong with how a link is to be told.
pub(crate) fn telling_problems(
    link: &Link,
    teller: Option<&dyn sluice_connectors::tell::Teller>,
) -> Vec<sluice_connectors::Problem> {
    let problem = |message: String, help: String| sluice_connectors::Problem {
        path: String::new(),
        message,
        help,
    };
    let Some(teller) = teller else {
        let known: Vec<&str> =
            sluice_connectors::tellers().iter().map(|known| known.kind()).collect();
        let message = format!("`{}` cannot be told anything", link.connector);
        return vec![problem(message, format!("those that can: {}", known.join(", ")))];
    };
    match teller.configure(&link.settings) {
        Err(problems) => problems,
        Ok(telling) => {
            let missing = telling
                .credentials()
                .iter()
                .filter(|name| !link.credentials.contains_key(**name))
                .map(|name| {
                    let help = format!("write `credentials: {{{name}: {{env: NAME}}}}`");
                    problem(format!("the credential `{name}` is missing"), help)
                });
            let unheard = telling.wants_to_hear().filter(|_| link.secrets.is_empty()).map(|name| {
                sluice_connectors::Problem {
                    path: format!("/{name}"),
                    message: format!("`{name}` leads nowhere: nothing is heard by this link"),
                    help: "write `secrets: [{env: NAME}]` with what deliveries are signed with"
                        .to_owned(),
                }
            });
            missing.chain(unheard).collect()
        }
    }
}
