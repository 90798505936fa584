//! Telling: how an effect becomes requests to an external system, and what their answers mean.
//!
//! A connector that tells is pure, as one that hears is: it gets the effect and every exchange so far, and says what
//! comes next. It sends nothing itself. The driver of the engine does, and it may be stopped at any moment: then the
//! same effect is begun anew with no exchanges. So a connector looks for what it is about to make before it makes it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_core::calendar::Window;
use sluice_core::effect::Effect;
use sluice_core::ids::CommitId;
use sluice_core::signal::Signal;

pub use crate::ask::{Ask, Exchange, Lost, Reply, Verb};
use crate::connector::Problem;
use crate::kit::secret::Secret;
pub use crate::receipt::{Receipt, Shown, Stands};

/// One kind of external system that can be told. The one list of them is [`crate::tellers()`].
pub trait Teller: Sync {
    /// Its name in configuration; the same as of the connector that hears it, where there is one.
    fn kind(&self) -> &'static str;

    /// One sentence on what it is told.
    fn about(&self) -> &'static str;

    /// Complete settings as JSON (and therefore YAML) text, ready to be edited.
    fn example(&self) -> &'static str;

    /// The folder and the guide that it shares with others of its family; its own by default.
    fn family(&self) -> &'static str {
        self.kind()
    }

    /// Checks settings and names every problem at once. Connects to nothing.
    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>>;
}

/// One configured instance of an external system, ready to tell it.
pub type Telling = Box<dyn Tell + Send + Sync>;

/// Turns effects into requests. Pure and total: whatever comes back ends in a named outcome.
pub trait Tell {
    /// Where it sends; requests to anywhere else are not sent.
    fn outlet(&self) -> &Outlet;

    /// Names of the credentials that it wants.
    fn credentials(&self) -> &[&'static str];

    /// How fast it may be told.
    fn pace(&self) -> Pace {
        Pace::default()
    }

    /// Who gets it, for those that speak to people one by one. Where each is reached is found out by who sends.
    fn audience(&self, _: &Effect) -> Vec<Audience> {
        Vec::new()
    }

    /// The domain in which people are reached rather than elsewhere.
    fn domain(&self) -> Option<&str> {
        None
    }

    /// Until when an effect is held back on purpose. Nothing has failed then.
    fn held_until(&self, _: &Effect, _now: Timestamp) -> Option<Timestamp> {
        None
    }

    /// Whether any effect may be held back. What is held is told as soon as something about the same record is not.
    fn holds_any(&self) -> bool {
        false
    }

    /// Whether an effect may be told along with others, in one message.
    fn gathers(&self, _: &Effect) -> bool {
        false
    }

    /// Whether any effect may; then one is told at a time.
    fn gathers_any(&self) -> bool {
        false
    }

    /// Where a run waits for its answer about an environment, by their name of the place, where it waits at one after the
    /// other and nobody sees for which environment. Of the questions of a run for one place only the newest is answered:
    /// who sends makes sure of that before the request that goes out as [`Step::SendKnowing`].
    fn waits_at(&self, _environment: &str) -> Option<&str> {
        None
    }

    /// Gets what shows who we are. The session is kept until it ends or is refused.
    fn authenticate(
        &self,
        so_far: &[Exchange],
        with: &Credentials,
        now: Timestamp,
    ) -> Step<Session>;

    /// The next step in telling an effect. Told again after a cut, it makes nothing twice. What people over there may
    /// act upon before it is done goes along with the request that lets them ([`Step::SendKnowing`]).
    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt>;

    /// Where it keeps what our calendar closes.
    fn calendars(&self) -> Vec<Kept> {
        Vec::new()
    }

    /// Our environment that checks of proposals ask about, where they are answered.
    fn checks(&self) -> Option<&str> {
        None
    }

    /// Whether it keeps a record of its own for each of ours, which can be compared.
    fn keeps_records(&self) -> bool {
        false
    }

    /// Whether each answer of the gate is kept, as in a log. Elsewhere one that says nothing new is not said again.
    fn keeps_every_answer(&self) -> bool {
        false
    }

    /// Our words for the states that their record may come to while this is told, because we bring it there. Until it
    /// is known how that went, what they say of such a state may be our own doing.
    fn writes(&self, _: &Effect) -> Vec<&'static str> {
        Vec::new()
    }

    /// After how long each record is compared anew, where nothing else tells what is done over there.
    fn compares_every(&self) -> Option<SignedDuration> {
        None
    }

    /// The setting that leads nowhere unless deliveries of the link are heard.
    fn wants_to_hear(&self) -> Option<&'static str> {
        None
    }

    /// The next step of a trial that alters nothing over there.
    fn test(&self, talk: &Trial<'_>) -> Step<String>;

    /// The next step in reading windows that people keep over there; `None` where none are read.
    fn windows(&self, _: &Polling<'_>) -> Option<Step<ReadWindows>> {
        None
    }

    /// The next step in reading their state back, for what no delivery told; `None` where there is nothing to read.
    fn poll(&self, _: &Polling<'_>) -> Option<Step<Polled>> {
        None
    }
}

/// Where a link sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlet {
    /// Absolute addresses, of which scheme, host and port count.
    pub urls: Vec<String>,
    /// Private networks that are opened for it.
    pub networks: Vec<String>,
}

/// A host that is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name or address.
    pub host: String,
    /// The port, where it is not the usual one.
    pub port: Option<u16>,
    /// Whether it is spoken to without encryption.
    pub plain: bool,
}

impl Outlet {
    /// The hosts; `None` for an address that is none.
    pub fn places(&self) -> impl Iterator<Item = Option<Place>> + '_ {
        self.urls.iter().map(|url| {
            let parsed = url::Url::parse(url).ok()?;
            let host = parsed.host_str()?.to_owned();
            Some(Place {
                host,
                port: parsed.port(),
                plain: matches!(parsed.scheme(), "http" | "smtp-plain"),
            })
        })
    }
}

/// People whom a link speaks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The teams that own the services.
    Owners,
    /// Whoever could still approve the change.
    Approvers,
    /// A team, by name.
    Team(String),
    /// Everybody with a role that holds where the effect lies.
    Role(String),
    /// A person, by handle.
    Person(String),
    /// An address, whoever reads there.
    Address(String),
}

/// Where somebody is reached.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addressee {
    /// Mail address.
    pub address: String,
    /// Name, where it is known.
    pub name: Option<String>,
    /// Opaque id, which stays the same while the address may become another one.
    pub id: String,
}

/// People are not shown.
impl fmt::Debug for Addressee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Addressee(withheld)")
    }
}

/// A calendar over there that has what ours closes for the services of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is called over there.
    pub name: String,
    /// Host and path of the repository.
    pub repository: String,
    /// Our name of the environment.
    pub environment: String,
}

/// How fast a link may be told, and how slow its memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Requests in a minute.
    pub per_minute: u32,
    /// After an answer was lost, what was made may not be found by a search for so long.
    pub settle_s: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { per_minute: 120, settle_s: 90 }
    }
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<T> {
    /// Send this; then ask again with the exchange.
    Send(Ask),
    /// The same, and so much is so already, whatever comes of it: that is durable before this is sent.
    SendKnowing(T, Ask),
    /// It is done.
    Done(T),
    /// Not now; begin anew later.
    Retry(Trouble),
    /// Never in this form: a person has to look.
    GiveUp(Trouble),
}

impl<T> Step<T> {
    /// A request, with what is so before it is sent.
    pub(crate) fn knowing(self, so_far: &T) -> Self
    where
        T: Clone,
    {
        match self {
            Self::Send(ask) => Self::SendKnowing(so_far.clone(), ask),
            step => step,
        }
    }
}

/// Why something was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// One of a closed set.
    pub reason: Because,
    /// A stable sentence for people. Quotes nothing that the other side said.
    pub detail: &'static str,
    /// Not before so many seconds, where the other side said so.
    pub after_s: Option<u32>,
}

impl Trouble {
    /// A trouble without a time.
    pub fn new(reason: Because, detail: &'static str) -> Self {
        Self { reason, detail, after_s: None }
    }
}

/// The closed set of reasons; labels of metrics too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// They do not take what we send.
    Client,
    /// They do not believe who we are, or we may not.
    Auth,
    /// Too much at once.
    RateLimited,
    /// They failed, or answered something that cannot be understood.
    Server,
    /// No answer in time.
    Timeout,
    /// No connection.
    Unreachable,
    /// What is to be told has no place over there yet. Nothing has failed.
    NotYet,
}

impl Because {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Auth => "auth",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::NotYet => "not_yet",
        }
    }
}

/// What shows who we are, for as long as it holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// Headers, all of them secret.
    pub headers: Vec<(&'static str, String)>,
    /// Until when; for ever where nothing is said.
    pub until: Option<Timestamp>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session(withheld, until {:?})", self.until)
    }
}

/// Credentials by their names.
#[derive(Debug, Clone, Default)]
pub struct Credentials(BTreeMap<String, Secret>);

impl Credentials {
    /// Takes credentials.
    pub fn new(named: impl IntoIterator<Item = (String, Secret)>) -> Self {
        Self(named.into_iter().collect())
    }

    /// One by its name, as text without the line end that files have.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let secret = self.0.get(name).filter(|secret| !secret.is_empty())?;
        std::str::from_utf8(secret.expose()).ok().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// An effect being told.
#[derive(Debug, Clone, Copy)]
pub struct Talk<'a> {
    /// What is told.
    pub effect: &'a Effect,
    /// What was exchanged since this attempt began.
    pub so_far: &'a [Exchange],
    /// Who we are.
    pub session: &'a Session,
    /// Credentials, for those that sign.
    pub credentials: &'a Credentials,
    /// What this neighbour is known to have for the record.
    pub known: &'a BTreeMap<String, String>,
    /// What it is known to have for the records that the effect hangs together with, by record.
    pub linked: &'a BTreeMap<String, BTreeMap<String, String>>,
    /// Which attempt this is, from 1. From 2 on something may have arrived before.
    pub attempt: u32,
    /// Now.
    pub now: Timestamp,
    /// Where our pages are, for links that people follow.
    pub public_url: Option<&'a str>,
    /// Whether something newer was told of the record, as where this was given up and is owed anew: what it happened is
    /// still said, and how the record stands is not altered by it.
    pub late: bool,
    /// Whether both sides are only compared: nothing is annotated, and nothing that would be altered will be sent.
    pub comparing: bool,
    /// Who gets it, for those that speak to people.
    pub people: &'a [Addressee],
    /// What is told along with it.
    pub along: &'a [Effect],
    /// The run that the decision answers, as a delivery of this link told that it waits.
    pub waits: Option<&'a Waits>,
}

/// A run that waits for the gate, as it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// Host and path of its repository.
    pub repository: String,
    /// Their name of the environment.
    pub environment: String,
    /// What it would deploy.
    pub commit: CommitId,
    /// Since when.
    pub since: Timestamp,
    /// Since when it may have been let on by us: what waits from then on may be something else.
    pub let_on: Option<Timestamp>,
    /// Whether the run waited for this environment before, and was let on.
    pub again: bool,
}

impl<'a> Talk<'a> {
    /// The last exchange of a step.
    pub(crate) fn last(&self, step: &str) -> Option<&'a Exchange> {
        self.so_far.iter().rev().find(|exchange| exchange.step == step)
    }

    /// What the neighbour has for a record that the effect hangs together with.
    pub(crate) fn linked(&self, entity: &str, name: &str) -> Option<&'a str> {
        self.linked.get(entity)?.get(name).map(String::as_str)
    }

    /// Web address of the change, where there are pages.
    pub(crate) fn page(&self) -> Option<String> {
        let card = self.effect.change.as_ref()?;
        let base = self.public_url?.trim_end_matches('/');
        Some(format!("{base}/changes/{}", card.number))
    }
}

/// A trial.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// What was exchanged.
    pub so_far: &'a [Exchange],
    /// Who we are.
    pub session: &'a Session,
}

/// A reading back.
#[derive(Debug, Clone, Copy)]
pub struct Polling<'a> {
    /// What was exchanged.
    pub so_far: &'a [Exchange],
    /// Who we are.
    pub session: &'a Session,
    /// How far the last reading came.
    pub cursor: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

/// The windows that are kept over there.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadWindows {
    /// Each of them.
    pub windows: Vec<ReadWindow>,
    /// Whether the reading saw all that there are.
    pub everything: bool,
}

/// A window that is kept over there.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadWindow {
    /// Their id.
    pub id: String,
    /// What it means, without a name of ours, or why that cannot be told.
    pub window: Result<Window, &'static str>,
}

/// What a reading back gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Polled {
    /// What is told by it, in order.
    pub signals: Vec<Signal>,
    /// How far it came.
    pub cursor: String,
    /// Whether there is more that can be read at once.
    pub more: bool,
}
