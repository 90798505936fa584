//! What the tests share: running the program, a fake server, passes signed for the purpose, shared data.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

/// What the program left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{}", self.all()))
    }

    pub(crate) fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// The program without anything of the environment that it reads.
pub(crate) fn sluice() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    command.env_clear().env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    finish(sluice().args(arguments))
}

pub(crate) fn finish(command: &mut Command) -> Ran {
    let output = command.output().expect("the program runs");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The set of shared data, if it is at hand; says so when not.
pub(crate) fn shared(set: &str) -> Option<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let folder = PathBuf::from(root).join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("SLUICE_REQUIRE_SHARED").is_none(), "shared data absent: {set}");
    println!("SKIPPED: shared data absent: {set}");
    None
}

/// Every file below a folder whose name ends so, in order.
pub(crate) fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.extension().is_some_and(|found| found == end) {
            found.push(path);
        }
    }
    found
}

/// One request that the fake server got.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An answer, as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let mut headers = Vec::new();
        if !content_type.is_empty() {
            headers.push(("content-type", content_type.to_owned()));
        }
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn json(body: &Value) -> Self {
        Self::new(200, "application/json", body.to_string())
    }

    pub(crate) fn problem(status: u16, code: &str) -> Self {
        let body = json!({ "code": code, "title": "No", "status": status, "detail": "no", "help": "help" });
        Self::new(status, "application/problem+json", body.to_string())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A server that answers what it is told to, and remembers what it was asked.
pub(crate) struct Fake {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Fake {
    /// Answers each request by `answer`, which is told how many came before.
    pub(crate) fn start(answer: impl Fn(usize, &Got) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let Some(request) = read(&stream) else { continue };
                let before = {
                    let mut kept = kept.lock().expect("no panic before");
                    kept.push(request.clone());
                    kept.len() - 1
                };
                write(&mut stream, &answer(before, &request));
            }
        });
        Self { url, got }
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().expect("no panic before").clone()
    }
}

fn read(stream: &TcpStream) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Got {
        line: line.trim_end().to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn write(stream: &mut TcpStream, answer: &Answer) {
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if answer.status != 204 && answer.status != 304 {
        head.push_str(&format!("content-length: {}\r\n", answer.body.len()));
    }
    // The other side may have gone away; that is its business.
    let _ = stream.write_all(format!("{head}\r\n{}", answer.body).as_bytes());
}

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const OTHER_COMMIT: &str = "ffffffffffffffffffffffffffffffffffffffff";

pub(crate) fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

/// The key that passes of these tests are signed with.
pub(crate) fn pass_signer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A public key as the command line takes it.
pub(crate) fn public(key: &SigningKey) -> String {
    data_encoding::BASE64URL_NOPAD.encode(key.verifying_key().as_bytes())
}

/// Claims of a pass for `payments` to `production`, good from two minutes ago on.
pub(crate) fn claims() -> Value {
    let now = jiff_now();
    json!({
        "iss": "sluice.test",
        "aud": "environment:production",
        "jti": "pass-1",
        "iat": now - 120,
        "nbf": now - 120,
        "exp": now + 600,
        "decision": "decision-1",
        "change": "CHG0000001",
        "revision": digest('1'),
        "service": "payments",
        "environment": "production",
        "commit": COMMIT,
        "artifacts": [digest('a')],
        "policy": digest('2'),
        "run": { "system": "github:github.com", "id": "acme/payments/7", "attempt": 1 },
        "seq": 5,
        "leaf": "AAAA",
    })
}

fn jiff_now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    i64::try_from(since.as_secs()).expect("a near year")
}

/// A pass with these claims.
pub(crate) fn pass(key: &SigningKey, claims: &Value) -> String {
    let header = json!({ "alg": "EdDSA", "typ": "sluice-pass+jwt", "kid": "test" });
    let part = |value: &Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = key.sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", data_encoding::BASE64URL_NOPAD.encode(&signature))
}
