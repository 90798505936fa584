//! The gate over HTTP: durable, shipped policy, receipt in the answer; beside an OPA server that answers the same
//! policy on the same facts (and makes nothing durable), and beside the disk's own flush.
//!
//! `cargo run --release -p sluice-benches --bin gate -- --sluice target/release/sluice [--opa PATH] [--services 1000]
//! [--seconds 5] [--rounds 3] [--connections 1,16,64]`
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sluice_benches::figures::{median, ms};
use sluice_benches::http::{Connection, Load, load};
use sluice_benches::program::{Sluice, processor_time};
use sluice_benches::{company, flush};

struct Arguments {
    sluice: PathBuf,
    opa: Option<PathBuf>,
    services: usize,
    seconds: u64,
    rounds: usize,
    connections: Vec<usize>,
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut given = Arguments {
        sluice: PathBuf::from("target/release/sluice"),
        opa: None,
        services: 1_000,
        seconds: 5,
        rounds: 3,
        connections: vec![1, 16, 64],
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().with_context(|| format!("`{name}` needs a value"))?;
        match name.as_str() {
            "--sluice" => given.sluice = value.into(),
            "--opa" => given.opa = Some(value.into()),
            "--services" => given.services = value.parse()?,
            "--seconds" => given.seconds = value.parse()?,
            "--rounds" => given.rounds = value.parse()?,
            "--connections" => {
                given.connections = value.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            other => bail!("unknown argument `{other}`"),
        }
    }
    Ok(given)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let given = arguments()?;
    let dir = tempfile::tempdir_in(".")?;
    let sluice = Sluice::serve(&given.sluice, &dir.path().join("data"))?;
    let token = prepare(&sluice, given.services).await?;
    let facts = recorded_facts(&sluice, &token).await?;
    let opa = given.opa.as_deref().map(|opa| Opa::serve(opa, dir.path())).transpose()?;
    println!(
        "services {}, {} s a reading, {} rounds; medians (least to most)",
        given.services, given.seconds, given.rounds
    );
    println!("{:<34} {:>12} {:>12} {:>12} {:>8}", "", "per second", "p50 ms", "p99 ms", "wrong");
    let time = Duration::from_secs(given.seconds);
    for connections in given.connections.iter().copied() {
        let (mut ours, mut theirs, mut flushes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut our_work, mut their_work) = (Vec::new(), Vec::new());
        for round in 0..given.rounds {
            flushes.push(flush::measure(dir.path(), Duration::from_millis(500))?);
            let before = sluice.processor_time();
            let load = ask(&sluice, &token, given.services, connections, round, time).await?;
            our_work.push(work(before, sluice.processor_time(), load.answers));
            ours.push(load);
            if let Some(opa) = &opa {
                let before = processor_time(opa.child.id());
                let load = opa.ask(&facts, connections, time).await?;
                their_work.push(work(before, processor_time(opa.child.id()), load.answers));
                theirs.push(load);
            }
        }
        row(&format!("sluice gate, {connections} connections"), &ours);
        if !theirs.is_empty() {
            row(&format!("OPA server, {connections} connections"), &theirs);
            let ratio: Vec<f64> =
                ours.iter().zip(&theirs).map(|(a, b)| a.per_second / b.per_second).collect();
            let (middle, least, most) = median(&ratio);
            println!("{:<34} {middle:>12.2} ({least:.2} to {most:.2})", "  ratio of rates");
            println!("{:<34} {:>12.0} us", "  its processor time an answer", median(&their_work).0);
        }
        println!("{:<34} {:>12.0} us", "  our processor time an answer", median(&our_work).0);
        let p50: Vec<f64> = ours
            .iter()
            .zip(&flushes)
            .map(|(a, b)| a.latencies.quantile(0.5).as_secs_f64() / b.quantile(0.5).as_secs_f64())
            .collect();
        let p99: Vec<f64> = ours
            .iter()
            .zip(&flushes)
            .map(|(a, b)| a.latencies.quantile(0.99).as_secs_f64() / b.quantile(0.5).as_secs_f64())
            .collect();
        let flush: Vec<f64> =
            flushes.iter().map(|flush| flush.quantile(0.5).as_secs_f64() * 1_000.0).collect();
        println!(
            "{:<34} {:>12.3} ms; p50 {:.1}x, p99 {:.1}x of it",
            "  disk flush p50",
            median(&flush).0,
            median(&p50).0,
            median(&p99).0
        );
    }
    println!("memory of sluice: {} MiB", sluice.resident_mib().unwrap_or_default());
    Ok(())
}

/// Processor time of one answer, in microseconds: steadier than the rate where others use the machine too.
#[expect(clippy::cast_precision_loss, reason = "a figure for a table")]
fn work(before: Option<Duration>, after: Option<Duration>, answers: u64) -> f64 {
    let used = after.unwrap_or_default().saturating_sub(before.unwrap_or_default());
    used.as_secs_f64() * 1e6 / answers.max(1) as f64
}

fn row(name: &str, loads: &[Load]) {
    let rates: Vec<f64> = loads.iter().map(|load| load.per_second).collect();
    let (middle, least, most) = median(&rates);
    let mut by_rate: Vec<&Load> = loads.iter().collect();
    by_rate.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    let Some(typical) = by_rate.get(by_rate.len() / 2) else { return };
    let wrong: u64 = loads.iter().map(|load| load.wrong).sum();
    println!(
        "{name:<34} {middle:>12.0} {:>12} {:>12} {wrong:>8} ({least:.0} to {most:.0})",
        ms(typical.latencies.quantile(0.5)),
        ms(typical.latencies.quantile(0.99)),
    );
}

/// Declares the company and makes a pipeline's token that can read decisions too.
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
        "permissions": ["gate.evaluate", "gate.redeem", "deployment.report", "change.read"]});
    let (status, answer) =
        connection.post("/api/v1/tokens", &headers, token.to_string().as_bytes()).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    answer["secret"]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("token: {status} {answer}"))
}

async fn ask(
    sluice: &Sluice,
    token: &str,
    services: usize,
    connections: usize,
    round: usize,
    time: Duration,
) -> anyhow::Result<Load> {
    let token = token.to_owned();
    let request = move |number: u64| {
        let service = usize::try_from(number).unwrap_or_default() % services;
        let headers = format!(
            "authorization: Bearer {token}\r\nidempotency-key: b{connections}-{round}-{number}\r\n"
        );
        (headers, company::question(service, 1).to_string().into_bytes())
    };
    let right = |status: u16, body: &[u8]| {
        status == 200 && body.windows(16).any(|window| window == b"\"answer\":\"allow\"")
    };
    load(sluice.address, "/api/v1/gate", connections, time, Arc::new(request), right).await
}

/// The whole typed input of one decision, as it was recorded: OPA judges the same.
async fn recorded_facts(sluice: &Sluice, token: &str) -> anyhow::Result<Value> {
    let mut connection = Connection::to(sluice.address).await?;
    let headers = format!("authorization: Bearer {token}\r\nidempotency-key: first\r\n");
    let question = company::question(7, 1).to_string();
    let (status, answer) = connection.post("/api/v1/gate", &headers, question.as_bytes()).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let id =
        answer["decision"].as_str().with_context(|| format!("gate: {status} {answer}"))?.to_owned();
    let path = format!("/api/v1/decisions/{id}/input");
    let body = sluice_benches::http::get(sluice.address, &path, &headers).await?;
    let input: Value = serde_json::from_slice(&body)?;
    Ok(input.get("facts").cloned().unwrap_or(input))
}

/// A running OPA server with the shipped policy.
struct Opa {
    child: Child,
    address: SocketAddr,
}

impl Opa {
    fn serve(binary: &Path, dir: &Path) -> anyhow::Result<Self> {
        let bundle = dir.join("policy");
        let modules = sluice_policy::gate::shipped().modules;
        for (path, text) in modules.iter().filter(|(path, _)| !path.ends_with("_test.rego")) {
            let path = bundle.join(path);
            std::fs::create_dir_all(path.parent().context("no folder")?)?;
            std::fs::write(path, text)?;
        }
        let address: SocketAddr = "127.0.0.1:18181".parse()?;
        let child = Command::new(binary)
            .args(["run", "--server", "--log-level", "error", "--addr", "127.0.0.1:18181"])
            .arg(&bundle)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let opa = Self { child, address };
        for _ in 0..100 {
            if std::net::TcpStream::connect(address).is_ok() {
                return Ok(opa);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("the OPA server does not answer")
    }

    async fn ask(&self, facts: &Value, connections: usize, time: Duration) -> anyhow::Result<Load> {
        let body = json!({"input": facts}).to_string().into_bytes();
        let request = move |_: u64| (String::new(), body.clone());
        let right = |status: u16, body: &[u8]| {
            status == 200 && body.windows(12).any(|window| window == b"\"allow\":true")
        };
        load(
            self.address,
            "/v1/data/sluice/gate/verdict",
            connections,
            time,
            Arc::new(request),
            right,
        )
        .await
    }
}

impl Drop for Opa {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
