//! Handing a message to a mail server (RFC 5321), over the same judged connections as everything else.
//!
//! The library speaks the protocol; names, addresses and encryption stay ours. STARTTLS is done before the library
//! sees the connection, so nothing that was said in the clear is taken for something that was said encrypted.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail as From, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::io::{ReadBuf, split};

use crate::failure::Failure;
use crate::request::Answer;
use crate::world::Stream;

/// The longest line that a server may say before the connection is encrypted.
const LINE: u64 = 2_048;
/// The most lines of one such answer.
const LINES: usize = 100;

/// A message to be handed over.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The mail server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from others.
    pub security: Security,
    /// Who sends it, for reports of failure.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// The whole message (RFC 5322). Without one, only the login is tried.
    pub message: Option<Vec<u8>>,
    /// Who we are.
    pub login: Option<Login>,
}

/// How the connection to a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte on (RFC 8314).
    Tls,
    /// After STARTTLS (RFC 3207); a server that does not offer it is told nothing.
    StartTls,
    /// Not at all; only where the link lists the host for it.
    Plain,
}

/// A name and what proves it.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub user: String,
    /// A password, or an access token.
    pub secret: String,
    /// Whether the secret is an access token (XOAUTH2).
    pub is_token: bool,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(withheld)")
    }
}

/// Neither people nor what they are told.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (to, bytes) = (self.to.len(), self.message.as_ref().map_or(0, Vec::len));
        write!(
            f,
            "Mail({}:{} {:?}, {to} recipients, {bytes} bytes)",
            self.host, self.port, self.security
        )
    }
}

/// A connection that the library can use. It is used by one task only; the lock is never waited for.
struct Judged {
    stream: Mutex<Box<dyn Stream>>,
    /// What the library reads first: the greeting, where it was read already.
    greeting: &'static [u8],
    peer: SocketAddr,
}

impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judged")
    }
}

impl Judged {
    fn stream(&mut self) -> Pin<&mut dyn Stream> {
        let stream = self.stream.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        Pin::new(&mut **stream)
    }
}

impl AsyncRead for Judged {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, later) = self.greeting.split_at(self.greeting.len().min(buf.remaining()));
            buf.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        self.stream().poll_read(cx, buf)
    }
}

impl AsyncWrite for Judged {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Judged {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

/// Speaks with the server in the clear until it is ready for TLS. Whatever it says beyond that is an attack.
pub(crate) async fn start_tls(stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Failure> {
    let unreachable = |_| Failure::Unreachable { sent: false };
    let (read, mut write) = split(stream);
    let mut read = BufReader::new(read);
    expect(&mut read, "220").await?;
    write.write_all(b"EHLO [127.0.0.1]\r\n").await.map_err(unreachable)?;
    let offered = expect(&mut read, "250").await?;
    if !offered.iter().any(|line| line.eq_ignore_ascii_case("starttls")) {
        return Err(Failure::Tls);
    }
    write.write_all(b"STARTTLS\r\n").await.map_err(unreachable)?;
    expect(&mut read, "220").await?;
    if !read.buffer().is_empty() {
        return Err(Failure::BadResponse);
    }
    Ok(Box::new(read.into_inner().unsplit(write)))
}

/// The lines of an answer with a code.
async fn expect(
    read: &mut (impl tokio::io::AsyncBufRead + Unpin),
    code: &str,
) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    while lines.len() < LINES {
        let mut line = String::new();
        let most = read.take(LINE).read_line(&mut line).await;
        most.map_err(|_| Failure::BadResponse)?;
        let (said, rest) = line.split_at_checked(3).ok_or(Failure::BadResponse)?;
        if !line.ends_with('\n') || said != code {
            return Err(Failure::BadResponse);
        }
        lines.push(rest.get(1..).unwrap_or_default().trim().to_owned());
        if !rest.starts_with('-') {
            return Ok(lines);
        }
    }
    Err(Failure::BadResponse)
}

/// Hands the message over to all whom the server takes it for. The answer's status is the server's code; `refused` counts
/// those whom it will never take it for, `deferred` has the places of those whom it does not now, from 0.
pub(crate) async fn hand_over(
    stream: Box<dyn Stream>,
    greeted: bool,
    peer: SocketAddr,
    mail: &Mail,
    sent: &AtomicBool,
) -> Result<Answer, Failure> {
    let greeting: &[u8] = if greeted { b"220 encrypted\r\n" } else { b"" };
    let judged = Judged { stream: Mutex::new(stream), greeting, peer };
    let hello = ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST);
    let mut missed = Missed::default();
    let opened = AsyncSmtpConnection::connect_with_transport(Box::new(judged), &hello).await;
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(error) => return said(&error, &missed, sent),
    };
    match speak(&mut connection, mail, &mut missed, sent).await {
        Ok(code) => {
            let _ = connection.quit().await;
            Ok(answer(code, &missed))
        }
        Err(error) => {
            connection.abort().await;
            said(&error, &missed, sent)
        }
    }
}

/// Whom a message does not go to.
#[derive(Debug, Default)]
struct Missed {
    refused: usize,
    deferred: Vec<usize>,
}

async fn speak(
    connection: &mut AsyncSmtpConnection,
    mail: &Mail,
    missed: &mut Missed,
    sent: &AtomicBool,
) -> Result<u16, Error> {
    if let Some(login) = &mail.login {
        let ways: &[Mechanism] = if login.is_token {
            &[Mechanism::Xoauth2]
        } else {
            &[Mechanism::Plain, Mechanism::Login]
        };
        let shown = Credentials::new(login.user.clone(), login.secret.clone());
        connection.auth(ways, &shown).await?;
    }
    let Some(message) = &mail.message else { return Ok(250) };
    connection.command(From::new(address(&mail.from), Vec::new())).await?;
    let mut is_taken = false;
    // Where nobody is taken, one that may be later is what counts.
    let (mut never, mut later) = (None, None);
    for (place, to) in mail.to.iter().enumerate() {
        let Some(to) = address(to) else {
            missed.refused += 1;
            continue;
        };
        match connection.command(Rcpt::new(to, Vec::new())).await {
            Ok(_) => is_taken = true,
            Err(error) if error.is_permanent() => {
                missed.refused += 1;
                never = Some(error);
            }
            Err(error) if is_about_one(&error) => {
                missed.deferred.push(place);
                later = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    if !is_taken {
        return later.or(never).map_or(Ok(NOBODY), Err);
    }
    connection.command(Data).await?;
    // From here on the message may have arrived whatever is heard.
    sent.store(true, Ordering::Relaxed);
    let said = connection.message(message).await?;
    Ok(said.code().into())
}

fn address(text: &str) -> Option<Address> {
    text.parse().ok()
}

/// Whether only one of those who should get it cannot now: a full mailbox, say. With 421 the server goes away.
fn is_about_one(error: &Error) -> bool {
    error.is_transient() && error.status().is_some_and(|code| u16::from(code) != CLOSING)
}

/// The service is not available, and the connection is closed (RFC 5321).
const CLOSING: u16 = 421;

/// No address was one (RFC 5321: mailbox name not allowed).
const NOBODY: u16 = 553;

fn answer(status: u16, missed: &Missed) -> Answer {
    let places: Vec<String> = missed.deferred.iter().map(usize::to_string).collect();
    let said = [("refused", missed.refused.to_string()), ("deferred", places.join(","))];
    let headers = said.map(|(name, value)| (name.to_owned(), value)).into();
    Answer { status, headers, body: Vec::new() }
}

fn said(error: &Error, missed: &Missed, sent: &AtomicBool) -> Result<Answer, Failure> {
    // A code is an answer: what was refused did not arrive.
    if let Some(code) = error.status() {
        return Ok(answer(code.into(), missed));
    }
    let sent = sent.load(Ordering::Relaxed);
    match () {
        () if error.is_timeout() => Err(Failure::Timeout { sent }),
        // It offers no way in that we know.
        () if error.is_client() => Ok(answer(NO_WAY_IN, missed)),
        () if error.is_response() && !sent => Err(Failure::BadResponse),
        () => Err(Failure::Unreachable { sent }),
    }
}

/// Authentication mechanism is too weak, or not there (RFC 4954).
const NO_WAY_IN: u16 = 534;
