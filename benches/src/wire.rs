//! Requests as bytes that are made once, and answers of which only status and length are read: a load must cost little,
//! since it shares the machine with what it measures.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes of an answer's head.
const HEAD: usize = 16 * 1024;

/// A request, complete; a number of fixed width in it can be exchanged.
#[derive(Debug, Clone)]
pub struct Message {
    bytes: Vec<u8>,
    number: Option<usize>,
}

/// Digits of the number.
const DIGITS: usize = 12;

impl Message {
    /// A request with a body. `headers` are whole lines; `{number}` in them is the place of the number.
    pub fn new(method: &str, path: &str, headers: &str, body: &[u8]) -> Self {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        let number = head.find("{number}");
        let mut bytes = head.replace("{number}", &"0".repeat(DIGITS)).into_bytes();
        bytes.extend_from_slice(body);
        Self { bytes, number }
    }

    /// The bytes, with this number.
    pub fn numbered(&mut self, number: u64) -> &[u8] {
        if let Some(at) = self.number {
            let text = format!("{number:0DIGITS$}");
            if let Some(place) = self.bytes.get_mut(at..at + DIGITS) {
                place.copy_from_slice(text.as_bytes());
            }
        }
        &self.bytes
    }
}

/// A connection that is kept alive.
pub struct Wire {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub async fn to(address: SocketAddr) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, buffer: Vec::with_capacity(HEAD) })
    }

    /// Sends a request; gives the status of its answer. Where the server ends the connection, the next is opened.
    pub async fn status(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let end = loop {
            if let Some(end) = end_of_head(&self.buffer) {
                break end;
            }
            if self.buffer.len() > HEAD || self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the answer has no head");
            }
        };
        let head = self.buffer.get(..end).unwrap_or_default();
        let status = head.get(9..12).and_then(|word| std::str::from_utf8(word).ok());
        let status = status.and_then(|word| word.parse().ok()).context("no status")?;
        let length = header(head, b"\r\ncontent-length: ").unwrap_or(0);
        let closes = head.windows(17).any(|part| part == b"connection: close");
        let mut missing = (end + length).saturating_sub(self.buffer.len());
        while missing > 0 {
            self.buffer.clear();
            let read = self.stream.read_buf(&mut self.buffer).await?;
            if read == 0 {
                bail!("the answer has no end");
            }
            missing = missing.saturating_sub(read);
        }
        if closes {
            *self = Self::to(self.address).await?;
        }
        Ok(status)
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn header(head: &[u8], name: &[u8]) -> Option<usize> {
    let at = head.windows(name.len()).position(|window| window == name)? + name.len();
    let digits = head.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}
