//! Faults at chosen system calls: each call that the server makes on its files, in its start and under load, is a
//! point at which it is killed, or at which the disk fails or is full.
//!
//! One run without faults counts the calls of each thread; the points are spread evenly over all of them.

mod point;
mod trace;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use self::point::{Fault, Phase, Point};
use super::Options;
use super::check;
use super::report::Report;
use super::server::{self, How, Server, Started};
use super::workload::{Client, Refused};

/// Pipelines' runs of one workload.
const RUNS: u32 = 12;
/// The longest that a refusal may take while the disk is full.
const REFUSAL: Duration = Duration::from_millis(2_500);
/// How long a process may live on after its disk failed.
const END: Duration = Duration::from_secs(5);

pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    if !trace::works() {
        report.skip("crashlab: `strace` cannot trace here (is it installed, is ptrace allowed?)");
        return Ok(());
    }
    let folder = options.folder()?;
    let counted = trace::count(options, &folder.path().join("count"), RUNS)?;
    let points = point::choose(&counted, options.points);
    report.says(format!(
        "{} points out of {} system calls on the server's files",
        points.len(),
        counted.iter().map(|one| one.most).sum::<usize>()
    ));
    let mut lab = Lab { options, tally: Tally::default() };
    for (number, point) in points.iter().enumerate() {
        let data = folder.path().join(format!("p{number}"));
        let before = report.faults();
        if let Err(error) = lab.play(point, &data, report) {
            report.fault(format!("{error:#}"));
        }
        if report.faults() > before {
            report.says(format!("  ^ at {point}"));
        } else if !options.keep {
            std::fs::remove_dir_all(&data).ok();
        }
    }
    lab.tally.tell(report);
    Ok(())
}

#[derive(Default)]
struct Tally {
    killed: usize,
    failed: usize,
    full: usize,
    not_reached: usize,
    receipts: usize,
    starts: Vec<Duration>,
    refusals: Vec<Duration>,
}

impl Tally {
    fn tell(&mut self, report: &Report) {
        self.starts.sort();
        self.refusals.sort();
        report.says(format!(
            "killed at {}, EIO at {}, ENOSPC at {}; {} not reached this time; {} receipts checked",
            self.killed, self.failed, self.full, self.not_reached, self.receipts
        ));
        let most = |times: &[Duration]| times.last().map_or(0, Duration::as_millis);
        report.says(format!("longest restart {} ms", most(&self.starts)));
        report.says(format!(
            "{} refusals while the disk was full, the slowest after {} ms",
            self.refusals.len(),
            most(&self.refusals)
        ));
    }
}

struct Lab<'a> {
    options: &'a Options,
    tally: Tally,
}

impl Lab<'_> {
    fn play(&mut self, point: &Point, data: &Path, report: &mut Report) -> Result<()> {
        match point.phase {
            Phase::Start => self.at_start(point, data, report),
            Phase::Work => self.at_work(point, data, report),
        }
    }

    /// The fault comes while the folder is made, or while the first requests are answered.
    fn at_start(&mut self, point: &Point, data: &Path, report: &mut Report) -> Result<()> {
        let log = data.with_extension("trace");
        let how = How { through: trace::through(point, data, &log), ..How::default() };
        let mut client = Client::default();
        let ended = match server::start(&self.options.binary, data, &how)? {
            Started::Ended(ended) => Some(ended.status),
            Started::Ready(mut server) => {
                client = Client::to(server.address, server.token.clone(), "start");
                let worked = client.declare().is_ok() && client.work(3).is_ok();
                let patience = if worked { Duration::ZERO } else { END };
                let status = server.wait(patience)?;
                if status.is_none() {
                    server.kill()?;
                }
                status
            }
        };
        self.judge(point, &log, ended.map(|status| status.success()), &client, report)?;
        self.recover(data, client, report)
    }

    /// The fault comes while pipelines ask.
    fn at_work(&mut self, point: &Point, data: &Path, report: &mut Report) -> Result<()> {
        let log = data.with_extension("trace");
        let mut server = server::start(&self.options.binary, data, &How::default())?.ready()?;
        let mut client = Client::to(server.address, server.token.clone(), "work");
        client.declare()?;
        let tracer = trace::attach(server.id(), point, data, &log)?;
        let worked = client.work(RUNS).is_ok();
        if point.fault == Fault::Full {
            return self.full(point, data, (server, client, tracer), &log, report);
        }
        let status = server.wait(if worked { Duration::from_millis(200) } else { END })?;
        if status.is_none() {
            server.kill()?;
        }
        tracer.end()?;
        self.judge(point, &log, status.map(|status| status.success()), &client, report)?;
        self.recover(data, client, report)
    }

    /// The disk was full for a while: refused at once, alive, and well again when space is back.
    fn full(
        &mut self,
        point: &Point,
        data: &Path,
        (mut server, mut client, tracer): (Server, Client, trace::Tracer),
        log: &Path,
        report: &mut Report,
    ) -> Result<()> {
        if let Some(status) = server.wait(Duration::ZERO)? {
            report.fault(format!("a full disk ended the process: {status}"));
            tracer.end()?;
            return self.recover(data, client, report);
        }
        tracer.end()?;
        let reached = trace::injected(log)?.is_some();
        self.tally.full += usize::from(reached);
        self.tally.not_reached += usize::from(!reached);
        if reached && client.refused.is_empty() {
            report.fault("writes failed, and everything was answered with success");
        }
        for Refused { status, code, took } in &client.refused {
            let known =
                ["ledger_unavailable", "outcome_unknown", "overloaded"].contains(&code.as_str());
            if *status != 503 || !known || *took > REFUSAL {
                report.fault(format!(
                    "a full disk was answered with {status} `{code}` after {took:?}"
                ));
            }
            self.tally.refusals.push(*took);
        }
        let _ = point;
        let began = Instant::now();
        let refused = client.refused.len();
        client.work(1)?;
        while client.refused.len() > refused && began.elapsed() < Duration::from_secs(30) {
            client.refused.truncate(refused);
            client.work(1)?;
        }
        if client.refused.len() > refused {
            report.fault("space is back for 30 s, and questions are still refused");
        }
        self.tally.receipts += client.receipts().count();
        check::settle(self.options, server, data, &mut [client], report)
    }

    /// Whether the process ended as it had to. `ended` says whether with success, or nothing if it lived on.
    fn judge(
        &mut self,
        point: &Point,
        log: &Path,
        ended: Option<bool>,
        client: &Client,
        report: &mut Report,
    ) -> Result<()> {
        if point.fault == Fault::Kill {
            match ended {
                Some(_) => self.tally.killed += 1,
                None => self.tally.not_reached += 1,
            }
            return Ok(());
        }
        let Some((at_s, at_us)) = trace::injected(log)? else {
            self.tally.not_reached += 1;
            return Ok(());
        };
        self.tally.failed += usize::from(point.fault == Fault::Fails);
        self.tally.full += usize::from(point.fault == Fault::Full);
        match ended {
            Some(true) => report.fault("it ended with success although its disk failed"),
            None if point.fault == Fault::Fails => {
                report.fault("its disk failed, and it went on");
            }
            _ => {}
        }
        let later =
            client.receipts().filter(|got| (got.sent_s, got.sent_us) > (at_s, at_us)).count();
        if later > 0 && point.fault == Fault::Fails {
            report.fault(format!("{later} requests were acknowledged after the disk had failed"));
        }
        Ok(())
    }

    fn recover(&mut self, data: &Path, client: Client, report: &mut Report) -> Result<()> {
        self.tally.receipts += client.receipts().count();
        let took = check::restart(self.options, data, &mut [client], report)?;
        self.tally.starts.push(took);
        Ok(())
    }
}

/// Whether a program can be run at all.
fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
