//! A disk that fills up and has space again later: a small file system of its own where one can be mounted, else the
//! database's own limit of pages.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Options;
use super::check;
use super::report::Report;
use super::server::{self, How, Server};
use super::workload::Client;

/// Space of the file system.
const SIZE_KIB: usize = 12 * 1024;
/// The longest that a refusal may take.
const REFUSAL: Duration = Duration::from_secs(2);
/// The longest until questions are answered again when there is space.
const RECOVERY: Duration = Duration::from_secs(30);
/// More requests than fit.
const MOST: u32 = 5_000;

pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    let folder = options.folder()?;
    if let Some(mounted) = Mounted::at(&folder.path().join("small"))? {
        on_a_small_disk(options, &mounted, report)?;
    } else {
        report
            .skip("diskfull: no file system can be mounted here; only the limit of pages is tried");
    }
    with_few_pages(options, &folder.path().join("pages"), report)
}

/// A file system in memory, unmounted when dropped.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn at(path: &'a Path) -> Result<Option<Self>> {
        fs::create_dir_all(path)?;
        let size = format!("size={SIZE_KIB}k");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path).output();
        Ok(mount.is_ok_and(|output| output.status.success()).then_some(Self(path)))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).output();
    }
}

fn on_a_small_disk(options: &Options, mounted: &Mounted<'_>, report: &mut Report) -> Result<()> {
    let data = mounted.0.join("data");
    let server = server::start(&options.binary, &data, &How::default())?.ready()?;
    let mut client = Client::to(server.address, server.token.clone(), "full");
    client.declare()?;
    client.work(5)?;
    let ballast = mounted.0.join("ballast");
    // Writes what fits, and fails with the rest.
    let _ = fs::write(&ballast, vec![1; SIZE_KIB * 1024]);
    until_refused(&mut client, report)?;
    healthy(&server, report)?;
    // Longer than any answer may be in doubt, and everything is still refused at once.
    client.work(20)?;
    let refused = judge(&client, report);
    report.says(format!(
        "a full disk: {} refusals, the slowest after {} ms",
        client.refused.len(),
        refused.as_millis()
    ));
    fs::remove_file(&ballast)?;
    let began = Instant::now();
    let before = client.tried.iter().filter(|tried| tried.got.is_some()).count();
    loop {
        client.work(1)?;
        if client.tried.iter().filter(|tried| tried.got.is_some()).count() > before {
            break;
        }
        if began.elapsed() > RECOVERY {
            report.fault("space is back for 30 s, and questions are still refused");
            break;
        }
    }
    report.says(format!("answered again {} ms after space was back", began.elapsed().as_millis()));
    check::settle(options, server, &data, &mut [client], report)
}

fn with_few_pages(options: &Options, data: &Path, report: &mut Report) -> Result<()> {
    let server = server::start(&options.binary, data, &How::default())?.ready()?;
    let mut client = Client::to(server.address, server.token.clone(), "pages");
    client.declare()?;
    client.work(3)?;
    server.stop()?;
    let pages = fs::metadata(data.join("sluice.db"))?.len() / 4096 + 40;
    let how = How { more: vec!["--max-pages".to_owned(), pages.to_string()], ..How::default() };
    let server = server::start(&options.binary, data, &how)?.ready()?;
    client.address = Some(server.address);
    until_refused(&mut client, report)?;
    healthy(&server, report)?;
    let slowest = judge(&client, report);
    report.says(format!(
        "no page left: {} refusals, the slowest after {} ms",
        client.refused.len(),
        slowest.as_millis()
    ));
    server.kill()?;
    check::restart(options, data, &mut [client], report).map(drop)
}

fn until_refused(client: &mut Client, report: &mut Report) -> Result<()> {
    for _ in 0..MOST {
        client.one()?;
        if !client.refused.is_empty() {
            return Ok(());
        }
    }
    report.fault(format!("{MOST} runs were answered on a full disk"));
    Ok(())
}

fn healthy(server: &Server, report: &mut Report) -> Result<()> {
    let answer = super::http::send(server.address, "GET", "/healthz", &[], b"");
    let answer = answer.context("no answer of `/healthz`")?;
    if answer.status != 200 {
        report.fault(format!("`/healthz` is answered with {}", answer.status));
    }
    Ok(())
}

/// Every refusal has to be the right one, and quick. Gives the slowest.
fn judge(client: &Client, report: &mut Report) -> Duration {
    for refused in &client.refused {
        if refused.status != 503 || refused.code != "ledger_unavailable" || refused.took > REFUSAL {
            report.fault(format!("a full disk is answered with {refused:?}"));
        }
    }
    client.refused.iter().map(|refused| refused.took).max().unwrap_or_default()
}
