//! What must hold after any fault: everything acknowledged is there, as it was, and nothing is there twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use sluice_ledger::leaf_hash;

use super::Options;
use super::report::Report;
use super::server::{self, How, Server};
use super::workload::Client;

/// Events of which one request makes at most one.
const ONCE: [&str; 4] = ["gate.decided", "pass.redeemed", "deployment.started", "deployment.ended"];

/// The longest that a restart may take.
const RESTART: Duration = Duration::from_secs(10);

/// The longest until a delivery is looked at.
const HEARD: Duration = Duration::from_secs(20);

/// Starts the folder again without any fault, asks everything again, stops it and looks at what is stored. Gives how
/// long the start took.
pub(crate) fn restart(
    options: &Options,
    data: &Path,
    clients: &mut [Client],
    report: &mut Report,
) -> Result<Duration> {
    let server = server::start(&options.binary, data, &How::default())?.ready()?;
    let took = server.started_in;
    if took > RESTART {
        report.fault(format!("the restart took {took:?}"));
    }
    settle(options, server, data, clients, report)?;
    Ok(took)
}

/// The same for a server that runs.
pub(crate) fn settle(
    options: &Options,
    server: Server,
    data: &Path,
    clients: &mut [Client],
    report: &mut Report,
) -> Result<()> {
    for client in clients.iter_mut() {
        client.address = Some(server.address);
        client.again(report)?;
    }
    heard(data, report)?;
    let key = server.log_key.clone();
    let ended = server.stop()?;
    if !ended.success() {
        report.fault(format!("told to stop, the server ended with {ended}"));
    }
    stored(data, clients, report)?;
    let verified = server::verify(&options.binary, data, &key)?;
    if verified.code() != 0 {
        report.fault(format!("`sluice verify` ends with {}: {}", verified.status, verified.stderr));
    }
    Ok(())
}

/// Every delivery that was taken has to be understood, sooner or later.
fn heard(data: &Path, report: &mut Report) -> Result<()> {
    let database = Connection::open(data.join("sluice.db"))?;
    let waiting = "SELECT count(*) FROM inbox WHERE state = 'new'";
    let until = Instant::now() + HEARD;
    loop {
        let count: u32 = database.query_row(waiting, [], |row| row.get(0))?;
        if count == 0 {
            return Ok(());
        }
        if Instant::now() >= until {
            report.fault(format!("{count} deliveries are taken and never looked at"));
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Compares the database with what was acknowledged.
pub(crate) fn stored(data: &Path, clients: &[Client], report: &mut Report) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(data.join("sluice.db"), flags)?;
    let entries = entries(&database)?;
    for got in clients.iter().flat_map(Client::receipts) {
        let found = usize::try_from(got.index).ok().and_then(|index| entries.get(index));
        match found {
            Some((leaf, _)) if *leaf == got.leaf => {}
            Some(_) => report.fault(format!("entry {} is not what was acknowledged", got.index)),
            None => report.fault(format!("entry {} was acknowledged and is lost", got.index)),
        }
    }
    let mut made: BTreeMap<String, u32> = BTreeMap::new();
    for (_, entry) in &entries {
        let event = entry["event"].as_str().unwrap_or_default();
        if let (true, Some(request)) = (ONCE.contains(&event), entry.pointer("/cause/request")) {
            *made.entry(format!("{event} of {request}")).or_default() += 1;
        }
    }
    for (what, count) in made.into_iter().filter(|(_, count)| *count > 1) {
        report.fault(format!("{what} is there {count} times"));
    }
    let count = "SELECT count(*) FROM inbox WHERE delivery_id = ?1";
    for id in clients.iter().flat_map(|client| &client.delivered) {
        let found: u32 = database.query_row(count, [id], |row| row.get(0))?;
        if found != 1 {
            report.fault(format!("delivery `{id}` was taken and is there {found} times"));
        }
    }
    Ok(())
}

fn entries(database: &Connection) -> Result<Vec<(String, Value)>> {
    let mut query = database.prepare("SELECT seq, bytes FROM entries ORDER BY seq")?;
    let mut rows = query.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(1)?;
        let entry = serde_json::from_slice(&bytes).context("an entry is not JSON")?;
        entries.push((leaf_hash(&bytes).to_base64(), entry));
    }
    Ok(entries)
}
