//! The gate at ten times what it can do, while readers, checks of whole organisations and deliveries press in beside it.
//!
//! First it is measured how many questions a second the gate answers when they come as fast as it answers. Then ten times
//! as many are sent, each at its time and whether the others were answered or not, and beside them as many of each other
//! kind as the gate can answer. Promised are 80 % of the answers a second, those that took longer than a second not
//! counted, 99 % of them within a second.
//!
//! Load and server share the machine: what each takes of the processors is printed, and requests that the load could not
//! send in time are counted as not offered.
//!
//! `cargo run --release -p sluice-benches --bin overload -- --sluice target/release/sluice [--services 200] [--seconds 10]
//! [--connections 32] [--crowd 320]`
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod load;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sluice_benches::company;
use sluice_benches::figures::ms;
use sluice_benches::http::Connection;
use sluice_benches::program::{Sluice, processor_time};
use sluice_benches::wire::Message;

use crate::load::{Kind, Offer, Played, Reading};

/// How many times what the gate can do.
const TIMES: f64 = 10.0;
/// What is promised.
const LEAST_GOODPUT: f64 = 0.8;
const MOST_P99: Duration = Duration::from_secs(1);
struct Arguments {
    sluice: PathBuf,
    services: usize,
    seconds: u64,
    connections: usize,
    /// Connections of the questions at ten times the load. Each waits for its answer before it asks again, so that more
    /// of them offer more.
    crowd: usize,
}

fn arguments() -> anyhow::Result<Arguments> {
    let sluice = PathBuf::from("target/release/sluice");
    let mut given = Arguments { sluice, services: 200, seconds: 10, connections: 32, crowd: 320 };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().with_context(|| format!("`{name}` needs a value"))?;
        match name.as_str() {
            "--sluice" => given.sluice = value.into(),
            "--services" => given.services = value.parse()?,
            "--seconds" => given.seconds = value.parse()?,
            "--connections" => given.connections = value.parse()?,
            "--crowd" => given.crowd = value.parse()?,
            other => bail!("unknown argument `{other}`"),
        }
    }
    Ok(given)
}

/// One phase: its name, what came of the questions, and the share of one processor that server and load took.
struct Phase {
    name: &'static str,
    reading: Reading,
    /// What pressed in beside them: how many a second, and connections that ended before their time.
    beside: (f64, usize),
    processors: (f64, f64),
}

// One thread: the load must not take more than it needs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let given = arguments()?;
    let dir = tempfile::tempdir_in(".")?;
    let sluice = Sluice::serve(&given.sluice, &dir.path().join("data"))?;
    let token = prepare(&sluice, given.services).await?;
    let time = Duration::from_secs(given.seconds);
    let ask = |round: &str| questions(&token, given.services, round);
    let as_it_answers = Offer { connections: given.connections, per_second: None };

    let warm = Duration::from_secs(2);
    load::play(sluice.address, vec![(Kind::Question, as_it_answers, ask("w"))], warm).await?;
    let alone =
        phase("alone", &sluice, vec![(Kind::Question, as_it_answers, ask("a"))], time).await?;
    let capacity = alone.reading.per_second();
    let crowd = Offer { connections: given.crowd, per_second: Some(capacity * TIMES) };
    let beside = Offer { connections: 32, per_second: Some(capacity) };
    let mut all = vec![(Kind::Question, crowd, ask("b"))];
    all.extend(others(&token).into_iter().map(|message| (Kind::Beside, beside, vec![message])));
    let pressed = phase("ten times", &sluice, all, time).await?;
    let after =
        phase("afterwards", &sluice, vec![(Kind::Question, as_it_answers, ask("c"))], time).await?;

    println!(
        "{:<12} {:>10} {:>10} {:>9} {:>9} {:>10} {:>11} {:>9} {:>8} {:>8}",
        "",
        "offered/s",
        "in time/s",
        "p50 ms",
        "p99 ms",
        "refused/s",
        "refused p99",
        "wrong",
        "server",
        "load"
    );
    for phase in [&alone, &pressed, &after] {
        row(phase);
    }
    let goodput = pressed.reading.per_second() / capacity;
    let p99 = pressed.reading.taken.quantile(0.99);
    let offered = pressed.reading.offered_per_second() / capacity;
    let kept = goodput >= LEAST_GOODPUT && p99 < MOST_P99 && pressed.reading.wrong == 0;
    let (beside, died) = pressed.beside;
    println!("beside the questions: {beside:.0} others a second, {died} connections ended early");
    // A promise about a crowd is kept in front of one only.
    let kept = kept && died == 0;
    let word = match died {
        0 if kept => "kept",
        0 => "NOT kept",
        _ => "not pressed",
    };
    println!("at {offered:.1} times: goodput {:.0} %, p99 {} ms: {word}", goodput * 100.0, ms(p99));
    println!("memory of sluice: {} MiB", sluice.resident_mib().unwrap_or_default());
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn phase(
    name: &'static str,
    sluice: &Sluice,
    loads: Vec<(Kind, Offer, Vec<Message>)>,
    time: Duration,
) -> anyhow::Result<Phase> {
    let used = || {
        let own = processor_time(std::process::id()).unwrap_or_default();
        (sluice.processor_time().unwrap_or_default(), own)
    };
    let (before, began) = (used(), Instant::now());
    let Played { questions: reading, beside, died } =
        load::play(sluice.address, loads, time).await?;
    let (after, took) = (used(), began.elapsed().as_secs_f64());
    let share = |from: Duration, to: Duration| (to - from).as_secs_f64() / took;
    let processors = (share(before.0, after.0), share(before.1, after.1));
    Ok(Phase { name, reading, beside: (beside.offered_per_second(), died), processors })
}

fn row(phase: &Phase) {
    let reading = &phase.reading;
    println!(
        "{:<12} {:>10.0} {:>10.0} {:>9} {:>9} {:>10.0} {:>11} {:>9} {:>8.2} {:>8.2}",
        phase.name,
        reading.offered_per_second(),
        reading.per_second(),
        ms(reading.taken.quantile(0.5)),
        ms(reading.taken.quantile(0.99)),
        reading.refused_per_second(),
        ms(reading.refused.quantile(0.99)),
        reading.wrong,
        phase.processors.0,
        phase.processors.1,
    );
}

/// Questions of every service, each with a key of its own.
fn questions(token: &str, services: usize, round: &str) -> Vec<Message> {
    let headers =
        format!("authorization: Bearer {token}\r\nidempotency-key: {round}-{{number}}\r\n");
    let question = |service| {
        let body = company::question(service, 1).to_string();
        Message::new("POST", "/api/v1/gate", &headers, body.as_bytes())
    };
    (0..services).map(question).collect()
}

/// Everybody else: who reads lists, has whole organisations checked, and delivers what is not believed.
fn others(token: &str) -> [Message; 3] {
    let bearer = format!("authorization: Bearer {token}\r\n");
    let folder = json!({"files": company::files(20, "tier-3")}).to_string();
    [
        Message::new("GET", "/api/v1/changes?limit=100", &bearer, b""),
        Message::new("POST", "/api/v1/organisation/check", &bearer, folder.as_bytes()),
        Message::new("POST", "/hooks/0123456789abcdef0123456789abcdef", "", b"{}"),
    ]
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
