//! Prints how fast a journal is appended to, opened and verified.
//!
//! `cargo run --release -p sluice-store --example journal_speed -- FOLDER [ENTRIES]`; the folder
//! must not exist.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use sluice_ledger::SigningKey;
use sluice_store::{
    Batch, Described, EntryWrite, Outcome, Store, StoreOptions, Writer, verify_dir,
};

const ENTRY_BYTES: usize = 600;

#[expect(clippy::print_stdout, reason = "a program that prints a table")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder: PathBuf = arguments.next().ok_or("name a folder that does not exist")?.into();
    let total: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    if folder.exists() {
        return Err("the folder exists".into());
    }
    let key = SigningKey::from_seed("sluice.example.com/speed", &[1; 32])?;
    let options = StoreOptions::new(&folder, "sluice.example.com/speed", Arc::new(key));
    println!("{:<40} {:>14}", "what", "measured");
    for size in [1, 8, 64, 256] {
        append(&options, size, 400)?;
    }
    append(&options, 4_096, total / 4_096)?;
    let started = Instant::now();
    let (writer, readers) = Store::open(&options)?;
    let size = writer.head().size;
    println!("{:<40} {:>11.1} ms", format!("open with {size} entries"), ms(started));
    let started = Instant::now();
    for seq in (0..size).step_by((size as usize / 1_000).max(1)) {
        readers.receipt(seq)?;
    }
    println!("{:<40} {:>11.1} us", "receipt of a stored entry", ms(started));
    drop((writer, readers));
    verify(&folder, &options, size)
}

#[expect(clippy::print_stdout, reason = "a program that prints a table")]
fn append(
    options: &StoreOptions,
    size: u64,
    batches: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let (mut writer, _readers) = Store::open(options)?;
    let mut times: Vec<f64> = Vec::new();
    let started = Instant::now();
    for _ in 0..batches.max(1) {
        let batch = batch(&writer, size);
        let begun = Instant::now();
        let Outcome::Committed(_) = writer.commit(batch) else { return Err("refused".into()) };
        times.push(ms(begun));
        writer.maintain();
    }
    let rate = (size * batches) as f64 / started.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!("{:<40} {rate:>10.0} /s", format!("append in batches of {size}"));
    println!("{:<40} {:>6.2} / {:.2} ms", "  one batch, p50 / p99", at(50), at(99));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a program that prints a table")]
fn verify(
    folder: &Path,
    options: &StoreOptions,
    size: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let key = options.signing_key.verifying_key();
    for _ in 0..5 {
        let started = Instant::now();
        verify_dir(folder, None, &key, &describe)?;
        let rate = size as f64 / started.elapsed().as_secs_f64();
        println!("{:<40} {rate:>10.0} /s", "verify everything");
    }
    Ok(())
}

fn batch(writer: &Writer, size: u64) -> Batch {
    let first = writer.head().size;
    let entries = (first..first + size).map(entry).collect();
    Batch { entries, rows: Vec::new() }
}

fn entry(seq: u64) -> EntryWrite {
    let (stream, version, time_us) = (format!("change/{}", seq / 8), seq % 8 + 1, seq as i64);
    let mut bytes = format!("{stream}|{version}|{time_us}|").into_bytes();
    bytes.resize(ENTRY_BYTES, b'x');
    EntryWrite { bytes, stream, version, name: "change.noted".to_owned(), time_us }
}

fn describe(bytes: &[u8]) -> Result<Described<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut fields = text.split('|');
    let mut next = || fields.next().ok_or("too few fields");
    let stream = next()?.into();
    let version = next()?.parse().map_err(|_| "no version")?;
    let time_us = next()?.parse().map_err(|_| "no time")?;
    Ok(Described { stream, version, name: "change.noted".into(), time_us })
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
