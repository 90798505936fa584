//! A lean HTTP/1.1 client over keep-alive connections: it must not be what is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::figures::Latencies;

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    host: SocketAddr,
}

impl Connection {
    /// Connects.
    pub async fn to(address: SocketAddr) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024), host: address })
    }

    /// Posts JSON; gives status and body.
    pub async fn post(
        &mut self,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let (head, body) = self.send(path, headers, body).await?;
        Ok((status_of(&head)?, body))
    }

    /// Posts JSON; gives status and head.
    pub async fn post_for_head(
        &mut self,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<(u16, String)> {
        let (head, _) = self.send(path, headers, body).await?;
        Ok((status_of(&head)?, head))
    }

    async fn send(
        &mut self,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> anyhow::Result<(String, Vec<u8>)> {
        let host = self.host;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request).await?;
        self.answer().await
    }

    /// Gets one thing; gives status and body.
    pub async fn get(&mut self, path: &str, headers: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let host = self.host;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        let (head, body) = self.answer().await?;
        Ok((status_of(&head)?, body))
    }

    /// Head and body of the next answer.
    async fn answer(&mut self) -> anyhow::Result<(String, Vec<u8>)> {
        self.buffer.clear();
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the connection was closed");
            }
        };
        let told = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let head = told.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        if head.contains("transfer-encoding: chunked") {
            bail!("chunked answers are not read here");
        }
        while self.buffer.len() < end + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the connection was closed");
            }
        }
        Ok((told, self.buffer[end..end + length].to_vec()))
    }
}

fn status_of(head: &str) -> anyhow::Result<u16> {
    head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("no status")
}

/// What a load came to.
pub struct Load {
    /// Answers a second.
    pub per_second: f64,
    /// All answers.
    pub answers: u64,
    /// Latencies of all answers.
    pub latencies: Latencies,
    /// Answers that were not as they should be.
    pub wrong: u64,
}

/// Posts from `connections` connections for `time`; `request(n)` gives headers and body of the n-th request.
pub async fn load(
    address: SocketAddr,
    path: &'static str,
    connections: usize,
    time: Duration,
    request: Arc<dyn Fn(u64) -> (String, Vec<u8>) + Send + Sync>,
    right: fn(u16, &[u8]) -> bool,
) -> anyhow::Result<Load> {
    let counter = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..connections {
        let (counter, request) = (Arc::clone(&counter), Arc::clone(&request));
        workers.push(tokio::spawn(async move {
            let mut connection = Connection::to(address).await?;
            let (mut taken, mut wrong) = (Vec::new(), 0_u64);
            while began.elapsed() < time {
                let (headers, body) = request(counter.fetch_add(1, Ordering::Relaxed));
                let sent = Instant::now();
                let (status, answer) = connection.post(path, &headers, &body).await?;
                taken.push(sent.elapsed());
                wrong += u64::from(!right(status, &answer));
            }
            anyhow::Ok((taken, wrong))
        }));
    }
    let (mut all, mut wrong) = (Vec::new(), 0);
    for worker in workers {
        let (taken, bad) = worker.await??;
        all.extend(taken);
        wrong += bad;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let per_second = all.len() as f64 / began.elapsed().as_secs_f64();
    let answers = all.len() as u64;
    Ok(Load { per_second, answers, latencies: Latencies::of(all), wrong })
}

/// Gets one thing.
pub async fn get(address: SocketAddr, path: &str, headers: &str) -> anyhow::Result<Vec<u8>> {
    let mut connection = Connection::to(address).await?;
    let (status, body) = connection.get(path, headers).await?;
    if status != 200 {
        bail!("{path}: {status} {}", String::from_utf8_lossy(&body));
    }
    Ok(body)
}
