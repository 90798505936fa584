//! A line to one neighbour: the configured link, where it may send, who it is, and how it fares.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use sluice_connectors::Secret;
use sluice_connectors::tell::{
    Ask, Because, Credentials, Exchange, Lost, Reply, Session, Step, Telling, Trouble, Verb,
};
use sluice_core::effect::Effect;
use sluice_core::ids::LinkName;
use sluice_core::organisation::{Link, SecretRef};
use sluice_outbound::{Failure, Login, Mail, Method, Reach, Request, Security};
use sluice_store::rows::LinkHealthRow;

use super::pace::{Breaker, Budget};
use crate::engine::Engine;

/// The most requests of one conversation.
const MOST_EXCHANGES: usize = 40;

/// The lines there are; one for each link that was ever told.
#[derive(Default)]
pub(crate) struct Lines {
    lines: Mutex<BTreeMap<LinkName, Arc<LineState>>>,
}

impl Lines {
    pub(super) fn of(&self, link: &LinkName) -> Arc<LineState> {
        Arc::clone(self.lines.lock().entry(link.clone()).or_default())
    }

    /// Has a neighbour read back at the next occasion.
    pub(crate) fn hint(&self, link: &LinkName) {
        self.of(link).hinted.store(true, Ordering::Relaxed);
    }
}

/// What is remembered of a line while the program runs.
#[derive(Default)]
pub(in crate::tasks) struct LineState {
    /// Whoever tells by this line holds it: there is one at a time.
    pub(super) working: tokio::sync::Mutex<()>,
    pub(super) fares: Mutex<Fares>,
    /// A delivery told that something is new over there: it is read back at once.
    pub(super) hinted: AtomicBool,
    /// When the windows that are kept over there were last read.
    pub(super) windows_read: Mutex<Option<Timestamp>>,
    /// The name of the check that was looked at last.
    pub(in crate::tasks) check_looked_at: Mutex<String>,
}

#[derive(Default)]
pub(super) struct Fares {
    pub(super) breaker: Breaker,
    pub(super) budget: Budget,
    pub(super) session: Option<(Whom, Session)>,
    pub(super) health: Option<LinkHealthRow>,
}

/// What a session was got with: settings and credentials, as a digest. With others it does not hold.
pub(super) type Whom = [u8; 32];

/// A line that can be spoken on.
pub(crate) struct Line {
    pub(crate) name: LinkName,
    whom: Whom,
    pub(crate) telling: Telling,
    pub(super) reach: Reach,
    pub(crate) credentials: Credentials,
    /// Where credentials were looked for that are not there, for people.
    missing: Vec<String>,
    pub(in crate::tasks) state: Arc<LineState>,
}

impl Engine {
    /// The line of a link, or why there is none.
    pub(crate) fn line(&self, link: &Link) -> Result<Line, Trouble> {
        let wrong = |detail| Trouble::new(Because::Client, detail);
        let teller = sluice_connectors::find_teller(&link.connector)
            .ok_or_else(|| wrong("this kind of system cannot be told"))?;
        let telling =
            teller.configure(&link.settings).map_err(|_| wrong("the settings have problems"))?;
        let reach = reach(&telling).ok_or_else(|| wrong("an address or network is not one"))?;
        let (mut named, mut missing) = (Vec::new(), Vec::new());
        let mut whom =
            Sha256::new_with_prefix(format!("{}\0{:?}\0", link.connector, link.settings));
        for name in telling.credentials() {
            let Some(reference) = link.credentials.get(*name) else { continue };
            let found = self.secrets().find(reference);
            if found.as_ref().is_none_or(|secret| secret.is_empty()) {
                missing.push(format!("`{name}` ({})", place(reference)));
            }
            if let Some(secret) = found {
                for part in [name.as_bytes(), secret.as_ref()] {
                    whom.update((part.len() as u64).to_be_bytes());
                    whom.update(part);
                }
                named.push(((*name).to_owned(), Secret::new(secret)));
            }
        }
        let credentials = Credentials::new(named);
        let state = self.lines().of(&link.name);
        let (name, whom) = (link.name.clone(), whom.finalize().into());
        Ok(Line { name, whom, telling, reach, credentials, missing, state })
    }

    /// Asks for the next step and sends it, until something comes of it.
    pub(crate) async fn converse<T>(
        &self,
        line: &Line,
        mut next: impl FnMut(&[Exchange]) -> Step<T>,
    ) -> (Result<T, (Trouble, bool)>, Sent) {
        let mut conversation = Conversation::default();
        loop {
            match self.turn(line, &mut conversation, &mut next).await {
                Turn::Over(result) => return (result, conversation.sent),
                Turn::Knows(_) => {}
            }
        }
    }

    /// The same, until it is over or there is something to be noted before the next request is sent.
    pub(super) async fn turn<T>(
        &self,
        line: &Line,
        conversation: &mut Conversation,
        mut next: impl FnMut(&[Exchange]) -> Step<T>,
    ) -> Turn<T> {
        loop {
            if let Some(ask) = conversation.next.take() {
                conversation.sent.requests += 1;
                conversation.sent.altering |= !ask.only_reads;
                conversation.so_far.push(self.ask_by(line, ask).await);
            }
            let (ask, knows) = match next(&conversation.so_far) {
                Step::Done(value) => return Turn::Over(Ok(value)),
                Step::Retry(trouble) => return Turn::Over(Err((line.noticed(trouble), false))),
                Step::GiveUp(trouble) => return Turn::Over(Err((line.noticed(trouble), true))),
                Step::Send(ask) => (ask, None),
                Step::SendKnowing(so_far, ask) => (ask, Some(so_far)),
            };
            if conversation.so_far.len() >= MOST_EXCHANGES {
                let detail = "the conversation does not come to an end";
                return Turn::Over(Err((Trouble::new(Because::Server, detail), false)));
            }
            conversation.next = Some(ask);
            if let Some(so_far) = knows {
                return Turn::Knows(so_far);
            }
        }
    }

    /// Sends one request.
    pub(crate) async fn ask_by(&self, line: &Line, ask: Ask) -> Exchange {
        line.state.fares.lock().budget.spend();
        let step = ask.step;
        let answer = match mail(&ask) {
            Some(mail) => self.net().mail(&line.reach, mail).await,
            None => self.net().send(&line.reach, request(ask)).await,
        };
        let answer = answer.map_err(lost).map(|answer| Reply {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        });
        Exchange { step, answer }
    }

    /// The session of a line: the one that holds, or a new one.
    pub(crate) async fn session(&self, line: &Line) -> Result<Session, Trouble> {
        let now = self.now();
        let known = line.state.fares.lock().session.clone();
        let holds = |(whom, session): &(Whom, Session)| {
            *whom == line.whom && session.until.is_none_or(|until| until > now)
        };
        if let Some((_, session)) = known.filter(holds) {
            return Ok(session);
        }
        let next = |so_far: &[Exchange]| line.telling.authenticate(so_far, &line.credentials, now);
        let (session, _) = self.converse(line, next).await;
        let session = session.map_err(|(trouble, _)| trouble)?;
        line.state.fares.lock().session = Some((line.whom, session.clone()));
        Ok(session)
    }
}

/// A conversation as far as it went.
#[derive(Default)]
pub(super) struct Conversation {
    so_far: Vec<Exchange>,
    /// What is sent next.
    next: Option<Ask>,
    pub(super) sent: Sent,
}

impl Conversation {
    /// How many exchanges there were.
    pub(super) fn exchanges(&self) -> usize {
        self.so_far.len()
    }

    /// Whether the request after so many exchanges has altered nothing over there.
    pub(super) fn was_not_heard(&self, after: usize) -> bool {
        self.so_far.get(after).is_none_or(|exchange| match &exchange.answer {
            Ok(reply) => (400..500).contains(&reply.status) && reply.status != 408,
            Err(lost) => !lost.may_have_arrived,
        })
    }
}

/// Where a conversation stands.
pub(super) enum Turn<T> {
    /// At its end; of an error, whether it is for good.
    Over(Result<T, (Trouble, bool)>),
    /// Something is to be sent, and so much is so whatever comes of it.
    Knows(T),
}

/// What a conversation has cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent {
    pub(super) requests: usize,
    /// Whether any of them could have altered something.
    pub(super) altering: bool,
}

impl Line {
    /// What was good a while ago may have been made void.
    fn noticed(&self, trouble: Trouble) -> Trouble {
        if trouble.reason == Because::Auth {
            self.state.fares.lock().session = None;
        }
        trouble
    }

    /// A trouble in words for people: with the credentials that are not there, where that may be why.
    pub(crate) fn said(&self, trouble: &Trouble) -> String {
        match trouble.reason == Because::Auth && !self.missing.is_empty() {
            true => format!("{}: {}", trouble.detail, self.missing.join(", ")),
            false => trouble.detail.to_owned(),
        }
    }

    /// Whether it speaks to people one by one.
    pub(super) fn speaks_to_people(&self, effect: &Effect) -> bool {
        !self.telling.audience(effect).is_empty()
    }

    /// For how long a thing that was made may not be found.
    pub(super) fn settle(&self) -> Duration {
        Duration::from_secs(u64::from(self.telling.pace().settle_s))
    }
}

/// Where a secret is looked for.
pub(crate) fn place(reference: &SecretRef) -> String {
    match reference {
        SecretRef::Env(name) => format!("environment variable {name} of the server"),
        SecretRef::File(path) => format!("file {path}"),
        SecretRef::Stored(name) => format!("kept secret {name}"),
    }
}

fn reach(telling: &Telling) -> Option<Reach> {
    let outlet = telling.outlet();
    let mut reach = Reach::new();
    for place in outlet.places() {
        let place = place?;
        // Settings that name an address with `http` were checked to say so explicitly.
        reach = match place.plain {
            true => reach.plain_host(&place.host).ok()?,
            false => reach.host(&place.host).ok()?,
        };
        if let Some(port) = place.port {
            reach = reach.port(port);
        }
    }
    outlet.networks.iter().try_fold(reach, |reach, network| reach.open(network).ok())
}

/// A request to a mail server; nothing for one to a web server.
fn mail(ask: &Ask) -> Option<Mail> {
    let (scheme, rest) = ask.url.split_once("://")?;
    let security = match scheme {
        "smtps" => Security::Tls,
        "smtp" => Security::StartTls,
        "smtp-plain" => Security::Plain,
        _ => return None,
    };
    let (host, port) = rest.rsplit_once(':')?;
    let all = |name: &str| {
        let shown = ask.headers.iter().filter(move |(known, _)| *known == name);
        shown.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let secret = |name: &str| {
        ask.secret_headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    let login = secret("user").and_then(|user| {
        let (secret, is_token) = match secret("password") {
            Some(password) => (password, false),
            None => (secret("token")?, true),
        };
        Some(Login { user, secret, is_token })
    });
    Some(Mail {
        host: host.to_owned(),
        port: port.parse().ok()?,
        security,
        from: all("mail-from").pop().unwrap_or_default(),
        to: all("rcpt-to"),
        message: ask.body.as_ref().map(|(_, bytes)| bytes.clone()),
        login,
    })
}

fn request(ask: Ask) -> Request {
    let method = match ask.verb {
        Verb::Get => Method::Get,
        Verb::Post => Method::Post,
        Verb::Put => Method::Put,
        Verb::Patch => Method::Patch,
        Verb::Delete => Method::Delete,
    };
    let mut request = Request::new(method, ask.url);
    for (name, value) in ask.headers {
        request = request.header(name, value);
    }
    for (name, value) in ask.secret_headers {
        request = request.secret_header(name, value);
    }
    match ask.body {
        Some((media_type, body)) => request.body(media_type, body),
        None => request,
    }
}

fn lost(failure: Failure) -> Lost {
    let because = match failure {
        Failure::Timeout { .. } => Because::Timeout,
        Failure::Unreachable { .. } => Because::Unreachable,
        Failure::Tls => Because::Auth,
        Failure::Blocked(_) => Because::Client,
        Failure::TooLarge | Failure::BadResponse => Because::Server,
    };
    Lost {
        because,
        may_have_arrived: failure.may_have_arrived(),
        is_too_large: matches!(failure, Failure::TooLarge),
    }
}
