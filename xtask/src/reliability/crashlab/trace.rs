//! `strace`: counting the calls of a server, and making them fail.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::point::{CALLS, Counted, Fault, Phase, Point};
use super::runs;
use crate::reliability::Options;
use crate::reliability::server::{self, How};
use crate::reliability::workload::Client;

/// A tracer that hangs on a server.
pub(crate) struct Tracer(Child);

impl Tracer {
    /// Lets the server go; it runs on without faults.
    pub(crate) fn end(mut self) -> Result<()> {
        if self.0.try_wait()?.is_none() {
            // It may end by itself in this moment, with the process that it traces.
            let _ = server::signal(self.0.id(), "TERM");
        }
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether processes can be traced here; where there is no `strace`, it is installed if that is possible.
pub(crate) fn works() -> bool {
    let traces = || runs("strace", &["-e", "inject=fsync:error=EIO:when=1", "true"]);
    traces() || (runs("apt-get", &["install", "-y", "-q", "strace"]) && traces())
}

/// Counts, per kind of call, the most that any one thread makes: points are counted by thread too.
pub(crate) fn count(options: &Options, data: &Path, work: u32) -> Result<Vec<Counted>> {
    let log = data.with_extension("start");
    let mut through: Vec<String> = ["strace", "-D", "-f", "-qq", "-o"].map(str::to_owned).into();
    through.push(log.display().to_string());
    through.extend(["-e".to_owned(), format!("trace={CALLS}")]);
    through.extend(only(data));
    let how = How { through, ..How::default() };
    let server = server::start(&options.binary, data, &how)?.ready()?;
    server.kill()?;
    let mut counted = read(&log, Phase::Start)?;

    let data = data.with_extension("2");
    let log = data.with_extension("work");
    let server = server::start(&options.binary, &data, &How::default())?.ready()?;
    let mut client = Client::to(server.address, server.token.clone(), "count");
    client.declare()?;
    let arguments = vec!["-e".to_owned(), format!("trace={CALLS}")];
    let tracer = hang(server.id(), arguments, &data, &log)?;
    client.work(work)?;
    tracer.end()?;
    server.kill()?;
    counted.extend(read(&log, Phase::Work)?);
    Ok(counted)
}

/// The words in front of a server that is traced from its first call on.
pub(crate) fn through(point: &Point, data: &Path, log: &Path) -> Vec<String> {
    let mut words: Vec<String> =
        ["strace", "-D", "-f", "-qq", "-ttt", "-o"].map(str::to_owned).into();
    words.push(log.display().to_string());
    words.extend(faults(point, data));
    words
}

/// Traces a server that runs; returns when every thread is traced.
pub(crate) fn attach(id: u32, point: &Point, data: &Path, log: &Path) -> Result<Tracer> {
    hang(id, faults(point, data), data, log)
}

fn faults(point: &Point, data: &Path) -> Vec<String> {
    let mut words = vec!["-e".to_owned(), format!("trace={}", point.call)];
    words.extend(["-e".to_owned(), point.inject()]);
    if point.fault == Fault::Kill {
        words.extend(only(data));
    } else {
        words.extend(of_ledger(data));
    }
    words
}

fn hang(id: u32, arguments: Vec<String>, data: &Path, log: &Path) -> Result<Tracer> {
    let mut command = Command::new("strace");
    command.args(["-f", "-ttt", "-p", &id.to_string(), "-o"]).arg(log).args(&arguments);
    if !arguments.iter().any(|word| word == "-P") {
        command.args(only(data));
    }
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take().context("no stderr")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let tracer = Tracer(child);
    // It speaks once, when it has taken hold of every thread.
    loop {
        let line =
            receiver.recv_timeout(Duration::from_secs(10)).context("strace does not attach")?;
        if line.contains("attached") {
            return Ok(tracer);
        }
        if line.contains("Operation not permitted") {
            bail!("{line}");
        }
    }
}

/// The files of the folder, as filters.
fn only(data: &Path) -> Vec<String> {
    let mut words = of_ledger(data);
    for name in [
        "sluice.db-shm",
        "lock",
        "reserve",
        "keys/log.key",
        "keys/pass.key",
        "keys/people.key",
        "keys/origin",
    ] {
        words.extend(["-P".to_owned(), data.join(name).display().to_string()]);
    }
    words
}

/// The files that hold what is acknowledged.
fn of_ledger(data: &Path) -> Vec<String> {
    let files = ["sluice.db", "sluice.db-wal", "anchor"];
    files
        .into_iter()
        .flat_map(|name| ["-P".to_owned(), data.join(name).display().to_string()])
        .collect()
}

fn read(log: &Path, phase: Phase) -> Result<Vec<Counted>> {
    let text = fs::read_to_string(log).with_context(|| format!("`{}`", log.display()))?;
    let mut by_thread: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in text.lines() {
        let Some((before, _)) = line.split_once('(') else { continue };
        let mut words = before.split_whitespace();
        let (Some(thread), Some(call)) = (words.next(), words.next_back()) else { continue };
        if CALLS.split(',').any(|known| known == call) {
            *by_thread.entry((call.to_owned(), thread.to_owned())).or_default() += 1;
        }
    }
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for ((call, _), count) in by_thread {
        let known = most.entry(call).or_default();
        *known = count.max(*known);
    }
    Ok(most.into_iter().map(|(call, most)| Counted { phase, call, most }).collect())
}

/// When a fault was first made, in seconds and microseconds since 1970; nothing if it never was.
pub(crate) fn injected(log: &Path) -> Result<Option<(u64, u64)>> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let Some(line) = text.lines().find(|line| line.contains("(INJECTED)")) else { return Ok(None) };
    let time = line.split_whitespace().nth(1).context("no time in the trace")?;
    let (seconds, micros) = time.split_once('.').context("no time in the trace")?;
    Ok(Some((seconds.parse()?, micros.parse()?)))
}
