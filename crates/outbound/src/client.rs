//! The client: reads, resolves, judges, connects, sends.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address::judge;
use crate::exchange::{exchange, prepare};
use crate::failure::{Failure, Why};
use crate::mail::{self, Mail, Security};
use crate::net::{Net, Sending};
use crate::reach::Reach;
use crate::request::{Answer, Method, Request};
use crate::target::Target;
use crate::tls::{BadRoots, Roots};
use crate::world::{Sockets, Stream, World};

/// How many redirects can be asked for.
const MAX_REDIRECTS: u8 = 3;
/// How many addresses of a name are judged; a name with more is not one that we talk to.
const MAX_ADDRESSES: usize = 64;
/// How many of them are tried.
const MAX_TRIES: usize = 3;

/// Times and sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until there is a connection, with name and TLS.
    pub connect: Duration,
    /// Until the answer is read, with everything before it.
    pub total: Duration,
    /// Bytes of the answer's body, after unpacking.
    pub answer_bytes: usize,
    /// Until a mail server has taken a message; they are slow on purpose.
    pub mail: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(15),
            answer_bytes: 1 << 20,
            mail: Duration::from_secs(60),
        }
    }
}

/// The program's client. One is made at start and handed to whoever sends.
pub struct Client {
    world: Box<dyn World>,
    tls: Arc<ClientConfig>,
    /// The same for mail, which has no application protocol to agree on.
    mail_tls: Arc<ClientConfig>,
    limits: Limits,
}

impl Client {
    /// A client over the network of this machine.
    pub fn new(roots: Roots, limits: Limits) -> Result<Self, BadRoots> {
        Self::over(Box::new(Sockets), roots, limits)
    }

    /// A client over another network.
    pub fn over(world: Box<dyn World>, roots: Roots, limits: Limits) -> Result<Self, BadRoots> {
        let tls = roots.into_config()?;
        let mut mail_tls = ClientConfig::clone(&tls);
        mail_tls.alpn_protocols.clear();
        Ok(Self { world, tls, mail_tls: Arc::new(mail_tls), limits })
    }

    async fn deliver(&self, reach: &Reach, request: Request) -> Result<Answer, Failure> {
        let sent = AtomicBool::new(false);
        let following = self.follow(reach, &request, &sent);
        let outcome = match timeout(self.limits.total, following).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Timeout { sent: sent.load(Ordering::Relaxed) }),
        };
        let name = match &outcome {
            Ok(_) => "answered",
            Err(failure) => failure.code(),
        };
        tracing::debug!(method = request.method.as_str(), to = request.shown_url(), outcome = name);
        outcome
    }

    async fn follow(
        &self,
        reach: &Reach,
        request: &Request,
        sent: &AtomicBool,
    ) -> Result<Answer, Failure> {
        let follows = if request.method == Method::Get { request.redirects } else { 0 };
        let mut left = follows.min(MAX_REDIRECTS);
        let mut target = Target::read(&request.url, reach).map_err(Failure::Blocked)?;
        let mut with_secrets = true;
        loop {
            let answer = self.once(reach, &target, request, with_secrets, sent).await?;
            let Some(place) = redirect(&answer).filter(|_| follows > 0) else { return Ok(answer) };
            left = left.checked_sub(1).ok_or(Failure::Blocked(Why::Redirect))?;
            let next = target.join(place).ok_or(Failure::Blocked(Why::Redirect))?;
            // From here on nothing of the first request is told but its harmless headers.
            target = Target::read(&next, reach).map_err(Failure::Blocked)?;
            with_secrets = false;
        }
    }

    async fn once(
        &self,
        reach: &Reach,
        target: &Target,
        request: &Request,
        with_secrets: bool,
        sent: &AtomicBool,
    ) -> Result<Answer, Failure> {
        let prepared = prepare(request, target, with_secrets)?;
        let connecting = self.connect(reach, target);
        let stream = timeout(self.limits.connect, connecting)
            .await
            .map_err(|_| Failure::Timeout { sent: sent.load(Ordering::Relaxed) })??;
        let own = request.most_bytes.unwrap_or(usize::MAX);
        sent.store(true, Ordering::Relaxed);
        exchange(stream, prepared, own.min(self.limits.answer_bytes)).await
    }

    async fn connect(&self, reach: &Reach, target: &Target) -> Result<Box<dyn Stream>, Failure> {
        let (stream, _) = self.open(reach, target).await?;
        if target.is_encrypted() {
            self.encrypt(&self.tls, target, stream).await
        } else {
            Ok(stream)
        }
    }

    /// A connection to one of the target's judged addresses, in the clear.
    async fn open(
        &self,
        reach: &Reach,
        target: &Target,
    ) -> Result<(Box<dyn Stream>, SocketAddr), Failure> {
        let addresses = self.addresses(reach, target).await?;
        for address in addresses.into_iter().take(MAX_TRIES) {
            let address = SocketAddr::new(address, target.port());
            if let Ok(open) = self.world.connect(address).await {
                return Ok((open, address));
            }
        }
        Err(Failure::Unreachable { sent: false })
    }

    async fn encrypt(
        &self,
        tls: &Arc<ClientConfig>,
        target: &Target,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, Failure> {
        let name = match (target.name(), target.address()) {
            (Some(name), _) => {
                ServerName::try_from(name.to_owned()).map_err(|_| Failure::Blocked(Why::OddHost))?
            }
            (None, Some(address)) => ServerName::from(address),
            (None, None) => return Err(Failure::Blocked(Why::Malformed)),
        };
        let encrypted = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
        Ok(Box::new(encrypted.map_err(|_| Failure::Tls)?))
    }

    async fn post(&self, reach: &Reach, mail: &Mail) -> Result<Answer, Failure> {
        let sent = AtomicBool::new(false);
        let posting = self.post_within(reach, mail, &sent);
        let outcome = match timeout(self.limits.mail, posting).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Timeout { sent: sent.load(Ordering::Relaxed) }),
        };
        let name = match &outcome {
            Ok(_) => "answered",
            Err(failure) => failure.code(),
        };
        tracing::debug!(to = mail.host, outcome = name, "mail");
        outcome
    }

    async fn post_within(
        &self,
        reach: &Reach,
        mail: &Mail,
        sent: &AtomicBool,
    ) -> Result<Answer, Failure> {
        // Read as the address of a web server is, so that a host has one reading here too.
        let address = format!("https://{}:{}/", mail.host, mail.port);
        let target = Target::read(&address, reach).map_err(Failure::Blocked)?;
        if (target.port(), target.path_and_query().as_str()) != (mail.port, "/") {
            return Err(Failure::Blocked(Why::OddHost));
        }
        if mail.security == Security::Plain && !reach.lists_plain(&target.host()) {
            return Err(Failure::Blocked(Why::Scheme));
        }
        let connecting = async {
            let (stream, peer) = self.open(reach, &target).await?;
            let stream = match mail.security {
                Security::Plain => stream,
                Security::Tls => self.encrypt(&self.mail_tls, &target, stream).await?,
                Security::StartTls => {
                    let stream = mail::start_tls(stream).await?;
                    self.encrypt(&self.mail_tls, &target, stream).await?
                }
            };
            Ok((stream, peer))
        };
        let (stream, peer) = timeout(self.limits.connect * 3, connecting)
            .await
            .map_err(|_| Failure::Timeout { sent: false })??;
        let greeted = mail.security == Security::StartTls;
        mail::hand_over(stream, greeted, peer, mail, sent).await
    }

    /// The addresses of the target, all judged. One that must not be reached condemns the rest: a
    /// name that points inside and outside at once is an attack or a mistake.
    async fn addresses(&self, reach: &Reach, target: &Target) -> Result<Vec<IpAddr>, Failure> {
        let found = match (target.address(), target.name()) {
            (Some(address), _) => vec![address],
            (None, Some(name)) => match self.world.resolve(name).await {
                Ok(found) => found,
                Err(_) => return Err(Failure::Unreachable { sent: false }),
            },
            (None, None) => Vec::new(),
        };
        if found.is_empty() || found.len() > MAX_ADDRESSES {
            return Err(Failure::Blocked(Why::NoAddress));
        }
        found
            .into_iter()
            .map(|address| judge(address, reach.opened()).map_err(Failure::Blocked))
            .collect()
    }
}

impl Net for Client {
    fn send<'a>(&'a self, reach: &'a Reach, request: Request) -> Sending<'a> {
        Box::pin(self.deliver(reach, request))
    }

    fn mail<'a>(&'a self, reach: &'a Reach, mail: Mail) -> Sending<'a> {
        Box::pin(async move { self.post(reach, &mail).await })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn redirect(answer: &Answer) -> Option<&str> {
    matches!(answer.status, 301 | 302 | 303 | 307 | 308).then(|| answer.header("location"))?
}
