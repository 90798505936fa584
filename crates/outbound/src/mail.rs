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

/// Hands the message over. The answer's status is the server's code; `refused` counts recipients that it does not take.
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
    let opened = AsyncSmtpConnection::connect_with_transport(Box::new(judged), &hello).await;
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(error) => return said(&error, 0, sent),
    };
    match speak(&mut connection, mail, sent).await {
        Ok((code, refused)) => {
            let _ = connection.quit().await;
            Ok(answer(code, refused))
        }
        Err((error, refused)) => {
            connection.abort().await;
            said(&error, refused, sent)
        }
    }
}

async fn speak(
    connection: &mut AsyncSmtpConnection,
    mail: &Mail,
    sent: &AtomicBool,
) -> Result<(u16, usize), (Error, usize)> {
    let plain = |error| (error, 0);
    if let Some(login) = &mail.login {
        let ways: &[Mechanism] = if login.is_token {
            &[Mechanism::Xoauth2]
        } else {
            &[Mechanism::Plain, Mechanism::Login]
        };
        let shown = Credentials::new(login.user.clone(), login.secret.clone());
        connection.auth(ways, &shown).await.map_err(plain)?;
    }
    let Some(message) = &mail.message else { return Ok((250, 0)) };
    let address = |text: &String| text.parse::<Address>().ok();
    connection.command(From::new(address(&mail.from), Vec::new())).await.map_err(plain)?;
    let (mut taken, mut refused, mut last) = (0, 0, None);
    for to in &mail.to {
        let Some(to) = address(to) else {
            refused += 1;
            continue;
        };
        match connection.command(Rcpt::new(to, Vec::new())).await {
            Ok(_) => taken += 1,
            Err(error) if error.is_permanent() => {
                refused += 1;
                last = Some(error);
            }
            Err(error) => return Err((error, refused)),
        }
    }
    if taken == 0 {
        return match last {
            Some(error) => Err((error, refused)),
            None => Ok((NOBODY, refused)),
        };
    }
    connection.command(Data).await.map_err(|error| (error, refused))?;
    // From here on the message may have arrived whatever is heard.
    sent.store(true, Ordering::Relaxed);
    let said = connection.message(message).await.map_err(|error| (error, refused))?;
    Ok((said.code().into(), refused))
}

/// No address was one (RFC 5321: mailbox name not allowed).
const NOBODY: u16 = 553;

fn answer(status: u16, refused: usize) -> Answer {
    let headers = vec![("refused".to_owned(), refused.to_string())];
    Answer { status, headers, body: Vec::new() }
}

fn said(error: &Error, refused: usize, sent: &AtomicBool) -> Result<Answer, Failure> {
    // A code is an answer: what was refused did not arrive.
    if let Some(code) = error.status() {
        return Ok(answer(code.into(), refused));
    }
    let sent = sent.load(Ordering::Relaxed);
    match () {
        () if error.is_timeout() => Err(Failure::Timeout { sent }),
        // It offers no way in that we know.
        () if error.is_client() => Ok(answer(NO_WAY_IN, refused)),
        () if error.is_response() && !sent => Err(Failure::BadResponse),
        () => Err(Failure::Unreachable { sent }),
    }
}

/// Authentication mechanism is too weak, or not there (RFC 4954).
const NO_WAY_IN: u16 = 534;
