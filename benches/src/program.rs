//! Programs under test, as their users start them.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

/// A running `sluice serve`; killed when dropped.
pub struct Sluice {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its one-time administrator token.
    pub token: String,
}

impl Sluice {
    /// Starts the binary on a folder and waits until it is ready.
    pub fn serve(binary: &Path, dir: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-filter", "warn", "--data"])
            .arg(dir)
            // Errors that carry a backtrace would be measured, not the program.
            .env_remove("RUST_BACKTRACE")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start `{}`", binary.display()))?;
        let stdout = child.stdout.take().context("no output")?;
        let (mut address, mut token) = (None, String::new());
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("serving"), Some(url)) => {
                    address = url.trim_start_matches("http://").parse().ok()
                }
                (Some("token"), Some(secret)) => token = secret.to_owned(),
                (Some("ready"), _) => break,
                _ => {}
            }
        }
        match address {
            Some(address) => Ok(Self { child, address, token }),
            None => {
                let _ = child.kill();
                bail!("`sluice serve` did not say where it listens")
            }
        }
    }

    /// Processor time that it has used so far.
    pub fn processor_time(&self) -> Option<std::time::Duration> {
        processor_time(self.child.id())
    }

    /// Memory that it holds now, in MiB.
    pub fn resident_mib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
    }
}

/// Processor time that a process has used so far, in user and kernel mode (`proc(5)`, fields 14 and 15 of `stat`).
pub fn processor_time(process: u32) -> Option<std::time::Duration> {
    /// Linux counts in hundredths of a second on every platform that it runs on.
    const TICK_MS: u64 = 10;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, which may hold anything, ends with the last parenthesis.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(std::time::Duration::from_millis(ticks * TICK_MS))
}

impl Drop for Sluice {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
