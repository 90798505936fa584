//! The program under test as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Secrets of the links of `examples/acme`, for these programs only.
pub(crate) const SECRET: &str = "a secret for tests, not for use";
const SECRETS: [&str; 5] = [
    "ACME_GITHUB_SECRET",
    "ACME_GITLAB_SECRET",
    "ACME_JENKINS_SECRET",
    "ACME_CDEVENTS_SECRET",
    "ACME_DEPLOYER_SECRET",
];

/// The longest that a start may take.
const START: Duration = Duration::from_secs(30);

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct How<'a> {
    /// A program and arguments in front of it; it has to leave its own process id to the server.
    pub(crate) through: Vec<String>,
    pub(crate) more: Vec<String>,
    pub(crate) anchor: Option<&'a Path>,
}

/// A server that said that it is ready.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) log_key: String,
    pub(crate) token: Option<String>,
    pub(crate) started_in: Duration,
}

/// What came of a start.
pub(crate) enum Started {
    Ready(Server),
    /// It ended before it was ready.
    Ended(Ended),
}

/// A process that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

impl Ended {
    /// The exit code; -1 after a signal.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }
}

impl Started {
    /// The server, where it must have started.
    pub(crate) fn ready(self) -> Result<Server> {
        match self {
            Self::Ready(server) => Ok(server),
            Self::Ended(ended) => bail!("the start failed ({}): {}", ended.status, ended.stderr),
        }
    }
}

/// Starts the program on a folder.
pub(crate) fn start(binary: &Path, data: &Path, how: &How<'_>) -> Result<Started> {
    let began = Instant::now();
    let errors = errors_beside(data);
    let mut words = how.through.clone();
    words.push(binary.display().to_string());
    let (program, first) = words.split_first().context("no program")?;
    let mut command = Command::new(program);
    command.args(first).args(["serve", "--listen", "127.0.0.1:0", "--log-filter", "warn"]);
    command.arg("--data").arg(data).args(&how.more);
    if let Some(anchor) = how.anchor {
        command.arg("--anchor").arg(anchor);
    }
    command.env_clear().env("NO_COLOR", "1").envs(SECRETS.map(|name| (name, SECRET)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&errors)?);
    let mut child = command.spawn().with_context(|| format!("`{program}` cannot be run"))?;
    let stdout = child.stdout.take().context("no stdout")?;
    let Some(words) = introduction(stdout) else {
        if began.elapsed() >= START {
            let _ = child.kill();
        }
        let status = child.wait()?;
        let stderr = std::fs::read_to_string(&errors).unwrap_or_default();
        return Ok(Started::Ended(Ended { status, stderr }));
    };
    let address = words.address.context("it did not say where it listens")?;
    let (log_key, token) = (words.log_key, words.token);
    Ok(Started::Ready(Server { child, address, log_key, token, started_in: began.elapsed() }))
}

fn errors_beside(data: &Path) -> PathBuf {
    data.with_extension("stderr")
}

#[derive(Default)]
struct Introduction {
    address: Option<SocketAddr>,
    log_key: String,
    token: Option<String>,
}

/// What the server says of itself; nothing if it ends, or takes too long, before it is ready.
fn introduction(stdout: ChildStdout) -> Option<Introduction> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody listens after the introduction; the pipe is drained all the same.
            let _ = sender.send(line);
        }
    });
    let mut said = Introduction::default();
    let until = Instant::now() + START;
    loop {
        let line = receiver.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
        let (name, value) = line.split_once(' ').unwrap_or((&line, ""));
        let value = value.trim();
        match name {
            "serving" => said.address = value.trim_start_matches("http://").parse().ok(),
            "log" => said.log_key = value.trim_start_matches("key").trim().to_owned(),
            "token" => said.token = Some(value.to_owned()),
            "ready" => return Some(said),
            _ => {}
        }
    }
}

impl Server {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as `kill -9` does, and waits for its end.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Tells it to stop and waits.
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        signal(self.child.id(), "TERM")?;
        self.wait(Duration::from_secs(30))?.context("it did not stop when told to")
    }

    /// Waits for its end, for some time.
    pub(crate) fn wait(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A figure of `/proc/<id>/status`, in KiB.
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.id()));
        let text = text.unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let figure = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
        figure.and_then(|figure| figure.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(id: u32, name: &str) -> Result<()> {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status()?;
    if sent.success() { Ok(()) } else { bail!("signal {name} cannot be sent to {id}") }
}

/// Runs a command of the program that ends by itself.
pub(crate) fn run(binary: &Path, arguments: &[&str]) -> Result<Ended> {
    let output = Command::new(binary)
        .args(arguments)
        .env_clear()
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Ended { status: output.status, stderr })
}

/// Verifies a folder from outside, with the key.
pub(crate) fn verify(binary: &Path, data: &Path, key: &str) -> Result<Ended> {
    run(binary, &["verify", "--data", &data.to_string_lossy(), "--key", key])
}
