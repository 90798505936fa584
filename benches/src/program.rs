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

    /// Memory that it holds now, in MiB.
    pub fn resident_mib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
    }
}

impl Drop for Sluice {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
