//! The pages: how long the server takes for each, and how much it weighs, with a long history.
//!
//! `cargo run --release -p sluice-benches --bin pages -- [--changes 100000] [--rounds 40] [--folder KEPT]
//! [--binary target/release/sluice]`
//!
//! What is measured is the whole way over loopback, one request at a time: a little more than the server's own time.
//! Ends with 1 where the median of a page is over 50 ms, or where one weighs over 200 kB.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use sluice_benches::figures::{Latencies, ms};
use sluice_benches::history::{self, HANDLE, PASSWORD};
use sluice_benches::http::Connection;
use sluice_benches::program::Sluice;

/// What a page may take, and weigh.
const MOST_TIME: Duration = Duration::from_millis(50);
const MOST_BYTES: usize = 200_000;

struct Arguments {
    changes: u64,
    rounds: u32,
    folder: Option<PathBuf>,
    binary: PathBuf,
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut given = Arguments {
        changes: 100_000,
        rounds: 40,
        folder: None,
        binary: PathBuf::from("target/release/sluice"),
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().with_context(|| format!("`{name}` needs a value"))?;
        match name.as_str() {
            "--changes" => given.changes = value.parse()?,
            "--rounds" => given.rounds = value.parse()?,
            "--folder" => given.folder = Some(value.into()),
            "--binary" => given.binary = value.into(),
            other => bail!("unknown argument `{other}`"),
        }
    }
    Ok(given)
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let given = arguments()?;
    let dir = tempfile::tempdir_in(".")?;
    let data = given.folder.unwrap_or_else(|| dir.path().join("data"));
    if !data.exists() {
        history::fill(&data, given.changes).await?;
    }
    let began = Instant::now();
    let sluice = Sluice::serve(&given.binary, &data)?;
    println!("started in {:.1} s", began.elapsed().as_secs_f64());
    let cookie = log_in(sluice.address).await?;
    let pages = pages(given.changes);
    let mut taken: Vec<(Vec<Duration>, usize)> = vec![(Vec::new(), 0); pages.len()];
    // In turn, so that what else the machine does falls on all of them.
    for round in 0..given.rounds {
        for ((_, path), (times, bytes)) in pages.iter().zip(&mut taken) {
            let mut connection = Connection::to(sluice.address).await?;
            let path = path.replace("{cold}", &(90 + round).to_string());
            let sent = Instant::now();
            let (status, body) = connection.get(&path, &cookie).await?;
            times.push(sent.elapsed());
            *bytes = body.len();
            if status != 200 {
                bail!("{path}: {status} {}", String::from_utf8_lossy(&body));
            }
        }
    }
    println!("{:<34} {:>9} {:>9} {:>9}", "page", "p50 ms", "p99 ms", "bytes");
    let mut over = 0;
    for ((name, _), (times, bytes)) in pages.iter().zip(taken) {
        let latencies = Latencies::of(times);
        let (half, most) = (latencies.quantile(0.5), latencies.quantile(0.99));
        let is_over = half > MOST_TIME || bytes > MOST_BYTES;
        over += u32::from(is_over);
        let mark = if is_over { "  over" } else { "" };
        println!("{name:<34} {:>9} {:>9} {bytes:>9}{mark}", ms(half), ms(most));
    }
    println!("memory {} MiB", sluice.resident_mib().unwrap_or(0));
    Ok(if over == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a freeze of everything would hold.
const PREVIEW: &str = "/calendar/windows/new?title=Close&kind=freeze&start=2026-12-20T08%3A00&end=2026-12-31T18%3A00&zone=UTC&preview=1";

/// The pages that grow with what there is, with what makes them long, and those that everybody opens.
fn pages(changes: u64) -> Vec<(&'static str, String)> {
    let middle = format!("/changes/CHG{:07}", changes / 2);
    let last = format!("/changes/CHG{changes:07}");
    [
        ("flow", "/"),
        ("flow, one team", "/?team=team1"),
        ("changes", "/changes"),
        ("changes, waiting", "/changes?waiting=yes"),
        ("changes, one state", "/changes?state=closed"),
        ("changes, risk and type", "/changes?risk=low&kind=normal"),
        ("changes, rare risk", "/changes?risk=critical"),
        ("changes, by title", "/changes?q=vouchers+that+nobody+wrote"),
        ("changes, by title and state", "/changes?q=plurals&state=canceled"),
        ("changes, of one service", "/changes?service=s000123"),
        ("changes, board", "/changes?view=board"),
        ("one change, closed", &middle),
        ("one change, waiting", &last),
        ("cab", "/cab"),
        ("incidents", "/incidents"),
        ("incidents, past ones too", "/incidents?state=all"),
        ("incidents, of one service", "/incidents?state=all&service=s000123"),
        ("incidents, by title", "/incidents?state=all&q=nothing+like+it"),
        ("incidents, open and by title", "/incidents?q=nothing+like+it"),
        ("incidents, resolved and by title", "/incidents?state=resolved&q=failed"),
        ("one incident", "/incidents/INC0000001"),
        ("an incident to be opened", "/incidents/new?service=s000123"),
        ("problems", "/problems"),
        ("problems, past ones too", "/problems?state=all"),
        ("problems, of one service", "/problems?state=all&service=s000123"),
        ("problems, by title", "/problems?state=all&q=nothing+like+it"),
        ("one problem", "/problems/PRB0000001"),
        ("a problem to be opened", "/problems/new?records=INC0000001"),
        ("calendar, month", "/calendar"),
        ("calendar, week", "/calendar?view=week"),
        ("calendar, list", "/calendar?view=list"),
        ("services", "/services"),
        ("services, versions", "/services?view=versions"),
        ("services, graph", "/services?view=graph"),
        ("one service", "/services/s000123"),
        ("numbers", "/numbers"),
        ("numbers, 90 days", "/numbers?days=90"),
        // Others each time, so that none of them is kept from the time before.
        ("numbers, 90 days, cold", "/numbers?days={cold}"),
        ("numbers, one service", "/numbers?service=s000123"),
        ("audit", "/audit"),
        ("audit, one record", "/audit?record=CHG0000123"),
        ("one entry", "/audit/500000"),
        ("policies", "/policies"),
        ("admin", "/admin"),
        ("admin, inbox", "/admin/inbox"),
        ("admin, people", "/admin/people"),
        ("admin, tokens", "/admin/tokens"),
        ("admin, outbox", "/admin/outbox"),
        ("notifications", "/notifications"),
        ("proposals", "/proposals"),
        ("a window, previewed", PREVIEW),
        ("search, a title", "/search?q=plurals"),
        ("search, incidents and problems", "/search?q=healthy"),
        ("search, nothing there", "/search?q=vouchers+that+nobody+wrote"),
        ("who one is", "/me"),
    ]
    .into_iter()
    .map(|(name, path)| (name, path.to_owned()))
    .collect()
}

/// Comes in as the page of login does; gives the header that says so.
async fn log_in(address: SocketAddr) -> anyhow::Result<String> {
    let body = json!({"handle": HANDLE, "password": PASSWORD, "client": "browser"}).to_string();
    let origin = format!("origin: http://{address}\r\nsec-fetch-site: same-origin\r\n");
    let mut connection = Connection::to(address).await?;
    let (status, head) =
        connection.post_for_head("/api/v1/login", &origin, body.as_bytes()).await?;
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.and_then(|text| text.split(';').next());
    let cookie = cookie.with_context(|| format!("no way in: {status} {head}"))?;
    Ok(format!("cookie: {cookie}\r\n"))
}
