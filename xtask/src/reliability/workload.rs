//! What a company and its pipelines do: declare, ask, redeem, report, deliver. Everything that is acknowledged is
//! written down here, with its receipt, and so is everything that was only tried.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::http::{self, Answer};
use super::report::Report;
use super::server::SECRET;

/// One request that changes something, and what came back, if anything did.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    path: String,
    pub(crate) key: String,
    body: Vec<u8>,
    pub(crate) got: Option<Acknowledged>,
}

/// What an acknowledgement commits the server to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) index: u64,
    pub(crate) leaf: String,
    /// The decision, deployment or change that was named.
    name: String,
    /// Seconds since 1970 when the request was sent.
    pub(crate) sent_s: u64,
    pub(crate) sent_us: u64,
}

/// A request that was answered, but not with success.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) took: Duration,
}

/// A client that remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    pub(crate) address: Option<SocketAddr>,
    pub(crate) admin: Option<String>,
    pub(crate) pipeline: Option<String>,
    pub(crate) hook: String,
    pub(crate) tried: Vec<Tried>,
    /// Acknowledged without a key of their own.
    pub(crate) declared: Vec<Acknowledged>,
    /// Deliveries that were answered with 2xx.
    pub(crate) delivered: Vec<String>,
    pub(crate) refused: Vec<Refused>,
    /// Makes keys and runs of several clients differ.
    pub(crate) prefix: String,
    next: u32,
}

impl Client {
    pub(crate) fn to(address: SocketAddr, admin: Option<String>, prefix: &str) -> Self {
        let (address, prefix) = (Some(address), prefix.to_owned());
        Self { address, admin, prefix, ..Self::default() }
    }

    /// Declares the company of `examples/acme` and makes the pipelines' token.
    pub(crate) fn declare(&mut self) -> Result<()> {
        let folder = json!({"files": company()?, "source": "reliability"});
        let applied = self.as_admin("/api/v1/organisation/apply", &folder)?;
        let hooks = applied.body["hooks"].as_array().cloned().unwrap_or_default();
        let hook = hooks.iter().find(|hook| hook["link"] == "github");
        self.hook = hook.and_then(|hook| hook["path"].as_str()).unwrap_or_default().to_owned();
        let token = json!({
            "label": "pipelines", "kind": "pipeline", "expires_in_hours": 24,
            "permissions": ["gate.evaluate", "gate.redeem", "deployment.report", "inbox.read"],
        });
        let made = self.as_admin("/api/v1/tokens", &token)?;
        self.pipeline = Some(made.text("/secret").to_owned());
        Ok(())
    }

    fn as_admin(&mut self, path: &str, body: &Value) -> Result<Answer> {
        let token = self.admin.clone().context("no administrator's token was printed")?;
        let sent = now();
        let answer = self.post(path, &token, "declare", body.to_string().as_bytes())?;
        if !(200..300).contains(&answer.status) {
            bail!("`{path}` was answered with {}: {}", answer.status, answer.body);
        }
        self.declared.extend(acknowledged(&answer, sent));
        Ok(answer)
    }

    /// Asks `count` questions, redeems and reports what may go, and delivers a push now and then. Ends early when
    /// the server is gone.
    pub(crate) fn work(&mut self, count: u32) -> io::Result<()> {
        for _ in 0..count {
            self.one()?;
        }
        Ok(())
    }

    /// One run of a pipeline.
    pub(crate) fn one(&mut self) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        let (service, run) = match number % 5 {
            1 => ("payments", format!("acme/payments/{}-{number}", self.prefix)),
            _ => ("docs", format!("acme/docs/{}-{number}", self.prefix)),
        };
        let asked = self.ask(service, &run, number)?;
        if number % 6 == 2 {
            self.deliver(number)?;
        }
        let Some(pass) =
            asked.as_ref().map(|asked| asked.text("/pass/id")).filter(|id| !id.is_empty())
        else {
            return Ok(());
        };
        let seen = json!({"commit": self.commit(number), "artifacts": [self.digest(number)]});
        let redeemed =
            self.act(&format!("/api/v1/passes/{pass}/redeem"), "redeem", number, &seen)?;
        let Some(redeemed) = redeemed else { return Ok(()) };
        let path = format!("/api/v1/deployments/{}/outcome", redeemed.text("/deployment"));
        let report = json!({"state": "succeeded", "health": "healthy"});
        self.act(&path, "report", number, &report).map(drop)
    }

    fn ask(&mut self, service: &str, run: &str, number: u32) -> io::Result<Option<Answer>> {
        let question = json!({
            "service": service, "environment": "production", "commit": self.commit(number),
            "artifacts": [self.digest(number)], "lines_changed": 20,
            "run": {"system": "github:github.com", "id": run},
            "evidence": [{"type": "test_report", "name": "tests", "status": "passed"}],
        });
        self.act("/api/v1/gate", "ask", number, &question)
    }

    fn act(
        &mut self,
        path: &str,
        verb: &str,
        number: u32,
        body: &Value,
    ) -> io::Result<Option<Answer>> {
        let key = format!("{}-{verb}-{number}", self.prefix);
        let body = body.to_string().into_bytes();
        self.tried.push(Tried {
            path: path.to_owned(),
            key: key.clone(),
            body: body.clone(),
            got: None,
        });
        let (sent, began) = (now(), Instant::now());
        let token = self.pipeline.clone().unwrap_or_default();
        let answer = self.post(path, &token, &key, &body)?;
        if !(200..300).contains(&answer.status) {
            let (status, code) = (answer.status, answer.text("/code").to_owned());
            self.refused.push(Refused { status, code, took: began.elapsed() });
            return Ok(None);
        }
        if let Some(last) = self.tried.last_mut() {
            last.got = acknowledged(&answer, sent);
        }
        Ok(Some(answer))
    }

    fn deliver(&mut self, number: u32) -> io::Result<()> {
        let id = format!("{}-{number}", self.prefix);
        let body = push(&self.commit(number)).to_string().into_bytes();
        let answer = self.send_hook(&id, &body, &signature(&body))?;
        if (200..300).contains(&answer.status) {
            self.delivered.push(id);
        }
        Ok(())
    }

    /// Sends a delivery of GitHub's.
    pub(crate) fn send_hook(&self, id: &str, body: &[u8], signature: &str) -> io::Result<Answer> {
        let headers = [
            ("content-type", "application/json"),
            ("x-github-event", "push"),
            ("x-github-delivery", id),
            ("x-hub-signature-256", signature),
        ];
        http::send(self.server()?, "POST", &self.hook, &headers, body)
    }

    /// Sends JSON.
    pub(crate) fn post(
        &self,
        path: &str,
        token: &str,
        key: &str,
        body: &[u8],
    ) -> io::Result<Answer> {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        http::send(self.server()?, "POST", path, &headers, body)
    }

    pub(crate) fn server(&self) -> io::Result<SocketAddr> {
        self.address.ok_or_else(|| io::Error::other("no server"))
    }

    /// Asks everything again with the same keys: what was acknowledged must be answered as before, and what was not
    /// may be done now.
    pub(crate) fn again(&mut self, report: &mut Report) -> Result<()> {
        let token = self.pipeline.clone().unwrap_or_default();
        for at in 0..self.tried.len() {
            let tried = self.tried[at].clone();
            let (sent, key) = (now(), &tried.key);
            let answer = self.post(&tried.path, &token, key, &tried.body)?;
            let now = acknowledged(&answer, sent);
            match (&tried.got, &now) {
                (Some(before), Some(now)) if before.same(now) => continue,
                (Some(before), _) => report.fault(format!(
                    "`{key}` was acknowledged as {before:?}, and is now answered with {} {}",
                    answer.status, answer.body
                )),
                // Another run may have taken its place; a refusal is not bound to a key.
                (None, None) if (400..500).contains(&answer.status) => {}
                (None, Some(_)) => {}
                (None, None) => report.fault(format!(
                    "`{key}` cannot be asked again: {} {}",
                    answer.status, answer.body
                )),
            }
            self.tried[at].got = tried.got.or(now);
        }
        Ok(())
    }

    /// Everything that was acknowledged with a receipt.
    pub(crate) fn receipts(&self) -> impl Iterator<Item = &Acknowledged> {
        self.declared.iter().chain(self.tried.iter().filter_map(|tried| tried.got.as_ref()))
    }

    fn commit(&self, number: u32) -> String {
        let seed = Sha256::digest_of(&self.prefix, number);
        seed[..40].to_owned()
    }

    fn digest(&self, number: u32) -> String {
        format!("sha256:{}", Sha256::digest_of(&self.prefix, number))
    }
}

impl Acknowledged {
    fn same(&self, other: &Self) -> bool {
        (self.index, &self.leaf, &self.name) == (other.index, &other.leaf, &other.name)
    }
}

fn acknowledged(answer: &Answer, (sent_s, sent_us): (u64, u64)) -> Option<Acknowledged> {
    if !(200..300).contains(&answer.status) {
        return None;
    }
    let index = answer.body.pointer("/receipt/index")?.as_u64()?;
    let leaf = answer.text("/receipt/leaf_hash").to_owned();
    let names = ["/decision", "/pass", "/deployment/number", "/id"];
    let name = names.iter().map(|name| answer.text(name)).find(|name| !name.is_empty());
    Some(Acknowledged { index, leaf, name: name.unwrap_or_default().to_owned(), sent_s, sent_us })
}

trait DigestOf {
    fn digest_of(prefix: &str, number: u32) -> String;
}

impl DigestOf for Sha256 {
    fn digest_of(prefix: &str, number: u32) -> String {
        use sha2::Digest;
        let text = format!("{prefix}/{number}");
        data_encoding::HEXLOWER.encode(&Self::digest(text.as_bytes()))
    }
}

/// GitHub's signature of a body.
pub(crate) fn signature(body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()))
}

fn push(commit: &str) -> Value {
    json!({
        "ref": "refs/heads/main", "before": "0".repeat(40), "after": commit,
        "created": false, "deleted": false, "forced": false,
        "repository": {
            "id": 1, "name": "docs", "full_name": "acme/docs", "default_branch": "main",
            "html_url": "https://github.com/acme/docs", "owner": {"login": "acme", "id": 1},
        },
        "pusher": {"name": "dana-acme", "email": "dana.lindqvist@acme.example"},
        "sender": {"login": "dana-acme", "id": 1, "type": "User"},
        "commits": [],
    })
}

fn company() -> Result<BTreeMap<String, String>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/acme"));
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
                files.insert(name, std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(files)
}

/// The wall clock, in seconds and microseconds: to hold an answer against a fault that the kernel's clock has dated.
#[expect(clippy::disallowed_methods, reason = "two processes are compared, not rules")]
fn now() -> (u64, u64) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    (since.as_secs(), u64::from(since.subsec_micros()))
}
