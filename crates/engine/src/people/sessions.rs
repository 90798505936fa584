//! Sessions of people: opened after a proof, kept by a secret that is stored as a hash, ended at any time.
//!
//! A session ends thirty minutes after its last use and twelve hours after it began, and whenever the roles of its
//! person change. What the person may is gathered anew for each request.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sluice_core::access::event::{LoginGroups, SessionEnded, SessionOpened};
use sluice_core::access::{self, Session};
use sluice_core::event::Event;
use sluice_core::ids::{PersonId, TokenId};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::{Actor, Standing};
use sluice_store::Row;
use sluice_store::rows::SessionRow;

use super::{LoginProvider, Seen};
use crate::answer::Answer;
use crate::caller::{Caller, CallerKind, CallerSession, Client, Grant};
use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};
use crate::sequencer::{Commit, Step};

/// How long a session is good without being used.
const IDLE: SignedDuration = SignedDuration::from_mins(30);

/// How long a session is good at the longest.
const LONGEST: SignedDuration = SignedDuration::from_hours(12);

/// Uses of a session are stored when they are this much later than the stored one.
const NOTED_US: i64 = 60 * 1_000_000;

/// A session to be opened, by whoever has seen the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Who.
    pub person: PersonId,
    /// By which program.
    pub client: Client,
    /// How they proved who they are: `password`, `totp`, `recovery_code`, `oidc`, `device`.
    pub methods: BTreeSet<String>,
    /// When they proved it; absent: now.
    pub auth_time: Option<Timestamp>,
    /// Only these permissions, of those the person has; absent: all of them.
    pub narrowed_to: Option<BTreeSet<Permission>>,
    /// Groups that the login said, of those that mappings name.
    pub groups: Option<LoginGroups>,
}

/// A session that was opened, or whose secret was renewed. The secret is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenedSession {
    /// Its id.
    pub id: TokenId,
    /// What a browser keeps in a cookie, and the command line sends as a bearer token.
    pub secret: String,
    /// What a browser sends along with everything that changes something.
    pub csrf: String,
    /// Whose it is.
    pub person: PersonId,
    /// By which program.
    pub client: Client,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// Until when it is good at the longest.
    pub expires_at: Timestamp,
}

/// What is recorded with a session that is opened.
#[derive(Default)]
pub(super) struct Opening {
    pub(super) events: Vec<Event>,
    pub(super) rows: Vec<Row>,
    /// The session that lets it in: without it there is none, and it lasts no longer.
    pub(super) under: Option<TokenId>,
}

pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

impl Engine {
    /// Says by which providers people come in here. Where none confirms roles, the next login of whatever kind lifts what
    /// one confirmed before.
    pub fn come_in_by(&self, providers: &[LoginProvider]) {
        let confirms = |one: &LoginProvider| {
            one.groups.as_ref().is_some_and(|groups| !groups.roles.is_empty())
        };
        self.people().unconfirmed.store(!providers.iter().any(confirms), Ordering::Relaxed);
    }

    /// Opens a session for a person who has proved who they are. The caller of this function has seen the proof.
    pub async fn open_session(
        &self,
        new: NewSession,
    ) -> Result<Answer<OpenedSession>, EngineError> {
        self.open_session_with(new, Opening::default()).await
    }

    pub(super) async fn open_session_with(
        &self,
        new: NewSession,
        with: Opening,
    ) -> Result<Answer<OpenedSession>, EngineError> {
        let now = self.now();
        let auth_time = new.auth_time.unwrap_or(now).min(now);
        let (id, secret) = self.session_secret(None);
        let longest = now.saturating_add(LONGEST).unwrap_or(Timestamp::MAX);
        let standing = self.standing();
        let above = with.under.as_ref().and_then(|id| standing.access.sessions.get(id));
        let expires_at = above.map_or(longest, |above| above.opened.expires_at.min(longest));
        if self.latest() >= expires_at {
            return Err(Unavailable::clock());
        }
        let narrowed_to = new.narrowed_to.map(|permissions| {
            permissions.iter().map(|permission| permission.as_str().to_owned()).collect()
        });
        let event = SessionOpened {
            session: id.clone(),
            person: new.person.clone(),
            client: new.client.as_str().to_owned(),
            methods: new.methods,
            auth_time,
            expires_at,
            narrowed_to,
            groups: new.groups,
            unconfirmed: self.people().unconfirmed.load(Ordering::Relaxed),
        };
        let row = SessionRow {
            id: id.to_string(),
            secret_hash: hash(&secret),
            person_id: new.person.to_string(),
            seen_us: now.as_microsecond(),
            expires_us: expires_at.as_microsecond(),
        };
        let person = new.person.clone();
        let decide = move |standing: &Standing, _: Timestamp| {
            let let_in = || match &with.under {
                Some(id) if !standing.access.sessions.contains_key(id) => {
                    Err(super::login::refused())
                }
                _ => may_come_in(standing, &person),
            };
            if let Err(refusal) = let_in() {
                return Step::Refuse(refusal.into(), None);
            }
            let mut events = with.events;
            events.push(event.into());
            let mut commit = Commit::of(events, Actor::Person(person));
            commit.rows = with.rows;
            commit.rows.push(Row::Session(row));
            Step::Record((), commit)
        };
        let ((), done) = self.sequencer().submit(decide).await?;
        let opened = OpenedSession {
            csrf: self.csrf_of(&id),
            id,
            secret,
            person: new.person,
            client: new.client,
            auth_time,
            expires_at,
        };
        Ok(Answer::of(opened, &done))
    }

    /// 256 bits of chance after the id.
    pub(super) fn session_secret(&self, id: Option<&TokenId>) -> (TokenId, String) {
        let made = || {
            let text = format!("s{}", &self.rng().opaque_id()[..11]);
            TokenId::parse(&text).unwrap_or_else(|_| unreachable!("letters and digits"))
        };
        let id = id.cloned().unwrap_or_else(made);
        let mut bytes = [0_u8; 32];
        self.rng().fill(&mut bytes);
        let secret = format!("{}{id}_{}", crate::tokens::PREFIX, crate::keys::base32(&bytes));
        (id, secret)
    }

    /// Who comes with a session's secret, if it is good: by a cookie, or as a bearer token. A browser's secret is no
    /// bearer token, and the other way round.
    pub fn authenticate_session(&self, secret: &str, client: Client) -> Option<Caller> {
        let id = crate::tokens::id_of(secret)?;
        let standing = self.standing();
        let session = standing.access.sessions.get(&id)?;
        let row = self.read(|readers| readers.session_by_hash(&hash(secret))).ok().flatten()?;
        let good = row.id == id.as_str()
            && session.opened.client == client.as_str()
            && self.latest() < session.opened.expires_at
            && may_come_in(&standing, &session.opened.person).is_ok()
            && self.see(&id, row.seen_us);
        good.then(|| caller(&standing, session, client))
    }

    /// Whose session this is, if it is good and was not left alone for too long. It does not count as used by that.
    pub(crate) fn person_of_session(&self, id: &TokenId, client: Client) -> Option<Caller> {
        let (standing, now) = (self.standing(), self.latest());
        let session = standing.access.sessions.get(id)?;
        let seen = self.people().seen.lock().get(id).map(|seen| seen.at_us);
        let idle_us = i64::try_from(IDLE.as_micros()).unwrap_or(i64::MAX);
        let good = session.opened.client == client.as_str()
            && now < session.opened.expires_at
            && seen.is_none_or(|seen| now.as_microsecond().saturating_sub(seen) <= idle_us)
            && may_come_in(&standing, &session.opened.person).is_ok();
        good.then(|| caller(&standing, session, client))
    }

    /// Whether a session may nothing before its person adds a second factor.
    pub fn lacks_factor(&self, session: &TokenId) -> bool {
        let standing = self.standing();
        standing.access.sessions.get(session).is_some_and(|it| is_half(&standing, &it.opened))
    }

    /// The groups that the login of a session said.
    pub(crate) fn login_groups(&self, session: &TokenId) -> Option<LoginGroups> {
        self.standing().access.sessions.get(session)?.opened.groups.clone()
    }

    /// What a page sends along with what it changes.
    pub fn csrf_token(&self, secret: &str) -> String {
        crate::tokens::id_of(secret).map(|id| self.csrf_of(&id)).unwrap_or_default()
    }

    /// The tokens of all pages that a person may have open: whoever proves anew at a provider who they are has another
    /// session then, and forms that were open before.
    pub fn csrf_tokens(&self, person: &PersonId) -> Vec<String> {
        let standing = self.standing();
        let own = standing.access.sessions_of(person);
        let own = own.filter(|(_, it)| it.opened.client == Client::Browser.as_str());
        own.map(|(id, _)| self.csrf_of(id)).collect()
    }

    /// Bound to the session and not to its secret, which every step-up renews: a page that is open in another tab, and
    /// what is typed in it, stays good.
    pub(super) fn csrf_of(&self, session: &TokenId) -> String {
        crate::keys::base32(&self.signing().derive("csrf", session.as_str()))
    }

    /// Notes that a session is used, unless it was left alone for too long. Where that is so only by a time that is not
    /// trusted, nothing is noted and nothing forgotten.
    fn see(&self, id: &TokenId, stored_us: i64) -> bool {
        let (now_us, latest_us) = (self.now().as_microsecond(), self.latest().as_microsecond());
        let mut seen = self.people().seen.lock();
        let last = seen.get(id).map_or(stored_us, |seen| seen.at_us.max(stored_us));
        let idle_us = i64::try_from(IDLE.as_micros()).unwrap_or(i64::MAX);
        if now_us.saturating_sub(last) > idle_us {
            seen.remove(id);
            return false;
        }
        if latest_us.saturating_sub(last) > idle_us {
            return false;
        }
        seen.insert(id.clone(), Seen { at_us: now_us.max(last), stored_us });
        true
    }

    /// Stores when sessions were last used, as far as that is worth it; forgets those that are over.
    pub(crate) async fn keep_sessions(&self) -> Result<(), EngineError> {
        let standing = self.standing();
        let rows: Vec<Row> = {
            let mut seen = self.people().seen.lock();
            seen.retain(|id, _| standing.access.sessions.contains_key(id));
            let due = seen.iter_mut().filter(|(_, seen)| seen.at_us - seen.stored_us >= NOTED_US);
            due.map(|(id, seen)| {
                seen.stored_us = seen.at_us;
                Row::TouchSession { id: id.to_string(), at_us: seen.at_us }
            })
            .collect()
        };
        if rows.is_empty() {
            return Ok(());
        }
        self.store_rows(rows).await
    }

    /// Writes rows that no event goes with.
    pub(crate) async fn store_rows(&self, rows: Vec<Row>) -> Result<(), EngineError> {
        let decide = move |_: &Standing, _: Timestamp| {
            let mut commit = Commit::of(Vec::new(), Actor::Sluice);
            commit.rows = rows;
            Step::Record((), commit)
        };
        self.sequencer().submit(decide).await.map(|_| ())
    }

    /// Ends a session: one's own, or another's by whoever manages accounts.
    pub async fn end_session(
        &self,
        caller: &Caller,
        id: &TokenId,
        because: &str,
    ) -> Result<Answer<()>, EngineError> {
        let (id, because) = (id.clone(), because.to_owned());
        let (manages, own) = (caller.everywhere(Permission::AccountManage), caller.person.clone());
        self.decide(caller, move |standing, _| {
            let unknown = || {
                let message = format!("there is no session `{id}`");
                Refusal::missing("session_unknown", message, "it may be over already")
            };
            let session = standing.access.sessions.get(&id).ok_or_else(unknown)?;
            let person = session.opened.person.clone();
            if own.as_ref() != Some(&person) && !manages {
                return Err(unknown());
            }
            let ended = SessionEnded { session: id.clone(), person, because };
            Ok(((), vec![ended.into()]))
        })
        .await
    }
}

/// Only whoever may act comes in.
fn may_come_in(standing: &Standing, person: &PersonId) -> Result<(), Refusal> {
    if standing.may_act(person) {
        return Ok(());
    }
    Err(super::login::refused())
}

/// The permissions that a session is narrowed to.
pub(super) fn narrowing(opened: &SessionOpened) -> Option<BTreeSet<Permission>> {
    let names = opened.narrowed_to.as_ref()?;
    Some(names.iter().filter_map(|name| Permission::parse(name)).collect())
}

/// Whether a proof was a password and nothing else. What a provider of identities asks for is its own affair.
fn by_password_alone(methods: &BTreeSet<String>) -> bool {
    methods.iter().all(|method| matches!(method.as_str(), "password" | "device"))
}

/// Whether it may nothing because a second factor is required here and was not shown.
fn is_half(standing: &Standing, opened: &SessionOpened) -> bool {
    standing.organisation.settings.second_factor && by_password_alone(&opened.methods)
}

fn caller(standing: &Standing, session: &Session, client: Client) -> Caller {
    let opened = &session.opened;
    let held = access::held_in(standing, opened);
    let half = is_half(standing, opened);
    let allowed = |permission: &Permission| {
        let narrowed = opened.narrowed_to.as_ref();
        !half && narrowed.is_none_or(|names| names.contains(permission.as_str()))
    };
    let grants = held.into_iter().map(|held| Grant {
        permissions: held.permissions.into_iter().filter(allowed).collect(),
        scope: held.scope,
    });
    Caller {
        token: opened.session.clone(),
        kind: CallerKind::Person,
        person: Some(opened.person.clone()),
        grants: grants.filter(|grant| !grant.permissions.is_empty()).collect(),
        session: Some(CallerSession {
            client,
            auth_time: opened.auth_time,
            methods: opened.methods.clone(),
            expires_at: opened.expires_at,
            is_half: half,
        }),
        run: None,
        link: None,
    }
}
