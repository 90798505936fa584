//! The ledger: durable append with receipts, full verification beside the machine's SHA-256 rate, and the
//! restart of an engine with a long history.
//!
//! `cargo run --release -p sluice-benches --bin ledger -- [--entries 1000000] [--folder KEPT]`
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use sha2::{Digest as _, Sha256};
use sluice_benches::figures::median;
use sluice_benches::{company, flush};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::organisation_files::Folder;
use sluice_engine::{Caller, Engine, EngineOptions};

struct Arguments {
    entries: u64,
    /// A folder that is kept, and used again where it is there.
    folder: Option<PathBuf>,
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut given = Arguments { entries: 1_000_000, folder: None };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().with_context(|| format!("`{name}` needs a value"))?;
        match name.as_str() {
            "--entries" => given.entries = value.parse()?,
            "--folder" => given.folder = Some(value.into()),
            other => bail!("unknown argument `{other}`"),
        }
    }
    Ok(given)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let given = arguments()?;
    let dir = tempfile::tempdir_in(".")?;
    let data = given.folder.unwrap_or_else(|| dir.path().join("data"));
    let flushes = flush::measure(dir.path(), Duration::from_secs(1))?;
    println!(
        "disk flush p50 {:.3} ms, {} a second",
        flushes.quantile(0.5).as_secs_f64() * 1e3,
        flushes.count()
    );
    if !data.exists() {
        fill(&data, given.entries).await?;
    }
    restart(&data).await?;
    verify(&data)?;
    Ok(())
}

/// Appends through the engine: declarations, a thousand events a transaction.
async fn fill(data: &Path, entries: u64) -> anyhow::Result<()> {
    const SERVICES: usize = 5_000;
    let engine = Engine::open(EngineOptions::new(data))?;
    let secret = engine.bootstrap_token().await?.context("no token")?;
    let admin = engine.authenticate(&secret).context("no caller")?;
    let began = Instant::now();
    let mut round = 0;
    while engine.standing().size < entries {
        let tier = if round % 2 == 0 { "tier-3" } else { "tier-2" };
        let folder: Folder = company::files(SERVICES, tier)
            .into_iter()
            .map(|(path, text)| (path, text.into_bytes()))
            .collect();
        engine.apply(&admin, &folder, "bench", None).await?;
        round += 1;
    }
    let took = began.elapsed().as_secs_f64();
    let size = engine.standing().size;
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = size as f64 / took;
    println!(
        "append through the engine: {size} entries in {took:.1} s, {rate:.0} a second (reading the files included)"
    );
    engine.shutdown();
    Ok(())
}

/// Time from opening the folder to the first recorded answer.
async fn restart(data: &Path) -> anyhow::Result<()> {
    let began = Instant::now();
    let engine = Engine::open(EngineOptions::new(data))?;
    let opened = began.elapsed();
    let caller = Caller::machine(
        sluice_core::ids::TokenId::parse("bench")?,
        BTreeSet::from([Permission::TokenManage, Permission::GateEvaluate]),
        Scope::default(),
    );
    let question = serde_json::from_value(company::question(7, 1))?;
    let answer = engine.ask(&caller, "restart", [0; 32], question, None).await?;
    println!(
        "restart with {} entries: open {:.3} s, first durable answer ({}) after {:.3} s",
        answer.as_of,
        opened.as_secs_f64(),
        answer.decision.as_str(),
        began.elapsed().as_secs_f64()
    );
    engine.shutdown();
    Ok(())
}

/// Full verification of the folder, beside SHA-256 of as many bytes on as many cores.
fn verify(data: &Path) -> anyhow::Result<()> {
    let readers = sluice_store::Readers::open(data, None)?;
    let size = readers.head().size;
    let mut bytes = 0_u64;
    let mut from = 0;
    let mut sample = Vec::new();
    while from < size {
        let page = readers.entries(from, 10_000)?;
        from += page.len() as u64;
        bytes += page.iter().map(|entry| entry.bytes.len() as u64).sum::<u64>();
        if sample.is_empty() {
            sample = page.into_iter().map(|entry| entry.bytes).collect();
        }
    }
    drop(readers);
    let key = key_of(data)?;
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let report = sluice_store::verify_dir(data, None, &key, &sluice_engine::fsck::describe);
        let took = began.elapsed().as_secs_f64();
        if let Err(problem) = report {
            bail!("the ledger does not verify: {problem}");
        }
        let hashing = hash_rate(&sample);
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = bytes as f64 / took / 1e6;
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let per_second = size as f64 / took;
        println!(
            "verify everything: {size} entries, {} MB in {took:.2} s: {rate:.0} MB/s, {per_second:.0} entries a second; \
             SHA-256 of the same entries, all cores: {hashing:.0} MB/s",
            bytes / 1_000_000
        );
        ratios.push(rate / hashing);
    }
    let (middle, least, most) = median(&ratios);
    println!("ratio {middle:.2} ({least:.2} to {most:.2})");
    Ok(())
}

fn key_of(data: &Path) -> anyhow::Result<sluice_ledger::VerifyingKey> {
    let engine = Engine::open(EngineOptions::new(data))?;
    let key = engine.keys().log_key.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    engine.shutdown();
    Ok(key)
}

/// SHA-256 of the entries, again and again for a second, on every core.
fn hash_rate(entries: &[Vec<u8>]) -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let began = Instant::now();
    let hashed: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn(|| {
                    let mut hashed = 0_u64;
                    while began.elapsed() < Duration::from_secs(1) {
                        for entry in entries {
                            std::hint::black_box(Sha256::digest(entry));
                            hashed += entry.len() as u64;
                        }
                    }
                    hashed
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum()
    });
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = hashed as f64 / began.elapsed().as_secs_f64() / 1e6;
    rate
}
