//! The gate at ten times its load, while readers, checks of whole organisations and deliveries press in beside it.
//!
//! Promised: at least 80 % of the answers a second that it gives when it is alone, 99 % of them within a second. What is
//! told to come again is counted, and comes again after the second that it is told.
//!
//! `cargo run --release -p sluice-benches --bin overload -- --sluice target/release/sluice [--services 200] [--seconds 10]
//! [--connections 16]`
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sluice_benches::company;
use sluice_benches::figures::{Latencies, ms};
use sluice_benches::http::{Connection, get};
use sluice_benches::program::Sluice;

/// How many times the usual load.
const TIMES: usize = 10;
/// What is promised.
const LEAST_GOODPUT: f64 = 0.8;
const MOST_P99: Duration = Duration::from_secs(1);

struct Arguments {
    sluice: PathBuf,
    services: usize,
    seconds: u64,
    connections: usize,
}

fn arguments() -> anyhow::Result<Arguments> {
    let sluice = PathBuf::from("target/release/sluice");
    let mut given = Arguments { sluice, services: 200, seconds: 10, connections: 16 };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().with_context(|| format!("`{name}` needs a value"))?;
        match name.as_str() {
            "--sluice" => given.sluice = value.into(),
            "--services" => given.services = value.parse()?,
            "--seconds" => given.seconds = value.parse()?,
            "--connections" => given.connections = value.parse()?,
            other => bail!("unknown argument `{other}`"),
        }
    }
    Ok(given)
}

/// What came of a load on the gate.
struct Reading {
    per_second: f64,
    p99: Duration,
    shed: u64,
    wrong: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let given = arguments()?;
    let dir = tempfile::tempdir_in(".")?;
    let sluice = Sluice::serve(&given.sluice, &dir.path().join("data"))?;
    let token = prepare(&sluice, given.services).await?;
    let time = Duration::from_secs(given.seconds);
    let alone = gate(&sluice, &token, &given, given.connections, "a", time).await?;
    let over = Arc::new(AtomicBool::new(false));
    let beside = press(&sluice, &token, given.connections * TIMES, &over);
    let pressed = gate(&sluice, &token, &given, given.connections * TIMES, "b", time).await?;
    over.store(true, Ordering::Relaxed);
    for worker in beside {
        let _ = worker.await;
    }
    let after = gate(&sluice, &token, &given, given.connections, "c", time).await?;
    println!("{:<28} {:>12} {:>12} {:>10} {:>8}", "", "per second", "p99 ms", "shed", "wrong");
    for (name, reading) in [("alone", &alone), ("ten times", &pressed), ("afterwards", &after)] {
        println!(
            "{name:<28} {:>12.0} {:>12} {:>10} {:>8}",
            reading.per_second,
            ms(reading.p99),
            reading.shed,
            reading.wrong
        );
    }
    let goodput = pressed.per_second / alone.per_second;
    let kept = goodput >= LEAST_GOODPUT && pressed.p99 < MOST_P99 && pressed.wrong == 0;
    let word = if kept { "kept" } else { "NOT kept" };
    println!("goodput {:.0} %, p99 {} ms: {word}", goodput * 100.0, ms(pressed.p99));
    println!("memory of sluice: {} MiB", sluice.resident_mib().unwrap_or_default());
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Questions from many connections. Whoever is told to come again does so after the second that they are told.
async fn gate(
    sluice: &Sluice,
    token: &str,
    given: &Arguments,
    connections: usize,
    round: &'static str,
    time: Duration,
) -> anyhow::Result<Reading> {
    let counter = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..connections {
        let (address, token, services) = (sluice.address, token.to_owned(), given.services);
        let counter = Arc::clone(&counter);
        workers.push(tokio::spawn(async move {
            let mut connection = Connection::to(address).await?;
            let (mut taken, mut shed, mut wrong) = (Vec::new(), 0_u64, 0_u64);
            while began.elapsed() < time {
                let number = counter.fetch_add(1, Ordering::Relaxed);
                let service = usize::try_from(number).unwrap_or_default() % services;
                let headers = format!(
                    "authorization: Bearer {token}\r\nidempotency-key: {round}-{number}\r\n"
                );
                let body = company::question(service, 1).to_string();
                let sent = Instant::now();
                match connection.post("/api/v1/gate", &headers, body.as_bytes()).await? {
                    (200, _) => taken.push(sent.elapsed()),
                    (503, _) => {
                        shed += 1;
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    _ => wrong += 1,
                }
            }
            anyhow::Ok((taken, shed, wrong))
        }));
    }
    let (mut all, mut shed, mut wrong) = (Vec::new(), 0, 0);
    for worker in workers {
        let (taken, told, bad) = worker.await??;
        all.extend(taken);
        shed += told;
        wrong += bad;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let per_second = all.len() as f64 / began.elapsed().as_secs_f64();
    Ok(Reading { per_second, p99: Latencies::of(all).quantile(0.99), shed, wrong })
}

/// Everybody else: a third each reads lists, has whole organisations checked, and delivers what is not believed.
fn press(
    sluice: &Sluice,
    token: &str,
    connections: usize,
    over: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let folder = json!({"files": company::files(20, "tier-3")}).to_string();
    let worker = |number: usize| {
        let (address, over, folder) = (sluice.address, Arc::clone(over), folder.clone());
        let bearer = format!("authorization: Bearer {token}\r\n");
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let told = once(address, number, &bearer, folder.as_bytes()).await;
                if told != Some(200) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        })
    };
    (0..connections).map(worker).collect()
}

async fn once(address: SocketAddr, number: usize, bearer: &str, folder: &[u8]) -> Option<u16> {
    if number.is_multiple_of(3) {
        return get(address, "/api/v1/changes?limit=100", bearer).await.ok().map(|_| 200);
    }
    let (path, body) = match number % 3 {
        1 => ("/api/v1/organisation/check", folder),
        _ => ("/hooks/0123456789abcdef0123456789abcdef", b"{}".as_slice()),
    };
    let mut connection = Connection::to(address).await.ok()?;
    connection.post(path, bearer, body).await.ok().map(|(status, _)| status)
}

/// Declares the company and makes a token that may ask and look around.
async fn prepare(sluice: &Sluice, services: usize) -> anyhow::Result<String> {
    let mut connection = Connection::to(sluice.address).await?;
    let headers = format!("authorization: Bearer {}\r\n", sluice.token);
    let folder = json!({"files": company::files(services, "tier-3"), "source": "bench"});
    let (status, answer) = connection
        .post("/api/v1/organisation/apply", &headers, folder.to_string().as_bytes())
        .await?;
    if status != 200 {
        bail!("apply: {status} {}", String::from_utf8_lossy(&answer));
    }
    let token = json!({"label": "bench", "kind": "pipeline", "expires_in_hours": 1,
        "permissions": ["gate.evaluate", "change.read", "organisation.read"]});
    let (status, answer) =
        connection.post("/api/v1/tokens", &headers, token.to_string().as_bytes()).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let secret = answer["secret"].as_str().map(str::to_owned);
    secret.with_context(|| format!("token: {status} {answer}"))
}
