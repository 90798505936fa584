//! A world of neighbours: small programs with a state of their own that answer as the systems do that Sluice tells,
//! and that lie by a seed.
//!
//! They can be reached in two ways: in the process, as a [`Net`] on a clock that is moved by hand, and as a server on
//! a port ([`Port`]), for the program itself.

mod github;
mod gitlab;
mod gitlab_described;
mod jenkins;
mod jira;
mod jira_assets;
mod jira_deployments;
mod lies;
mod mail;
mod port;
mod servicenow;
mod servicenow_schedules;
mod sinks;
mod slack;
mod witness;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::Value;
use sluice_engine::Clock as _;
use sluice_engine::outbound::{Answer, Failure, Mail, Net, Reach, Request, Sending, Target};

pub use self::github::GitHub;
pub use self::gitlab::GitLab;
pub use self::jenkins::{Build, Jenkins};
pub use self::jira::{Issue, Jira};
pub use self::jira_assets::JiraAssets;
pub use self::jira_deployments::JiraDeployments;
pub use self::lies::{Lie, Lies};
pub use self::mail::{Letter, MailServer};
pub use self::port::Port;
pub use self::servicenow::{ServiceNow, Tasks};
pub use self::servicenow_schedules::Schedules;
pub use self::sinks::Sinks;
pub use self::slack::Slack;
pub use self::witness::{Witness, WitnessLie};
use crate::clock::FakeClock;

/// A request as a neighbour sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query.
    pub query: BTreeMap<String, String>,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Vec<u8>,
}

impl Seen {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The parts of the path.
    pub fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }

    fn of(request: &Request) -> Self {
        let rest = request.url.split_once("://").map_or("", |(_, rest)| rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.split_once('/').map_or(String::new(), |(_, path)| format!("/{path}"));
        let headers = request.headers.iter();
        Self {
            method: request.method.as_str().to_owned(),
            path,
            query: pairs(query),
            headers: headers.map(|field| (field.name.clone(), field.value.clone())).collect(),
            body: request.body.clone(),
        }
    }
}

/// Names and values of a query or a form.
pub(crate) fn pairs(text: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
    let named = text.split('&').filter_map(|pair| pair.split_once('='));
    named.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// A part of a path: a `+` is one.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = &after[2..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a neighbour says.
#[derive(Debug, Clone)]
pub struct Said {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Said {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers =
            vec![("content-type".to_owned(), "application/json;charset=UTF-8".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }
}

/// A system of somebody else.
pub trait Neighbour: Send {
    /// Answers a request, and takes over what it asks for.
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said;

    /// What a request would make, made once more behind everybody's back. Most cannot.
    fn again(&mut self, seen: &Seen, now: Timestamp) {
        let _ = (seen, now);
    }

    /// Whether a request makes or alters something.
    fn alters(&self, seen: &Seen) -> bool {
        seen.method != "GET"
    }
}

/// The largest answer that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// A neighbour that is shared by a test and a net.
pub type Shared<N> = Arc<Mutex<N>>;

/// Neighbours by the name of their host.
pub struct Neighbours {
    clock: Arc<FakeClock>,
    hosts: BTreeMap<String, Arc<Mutex<dyn Neighbour>>>,
    lies: Mutex<Lies>,
    seen: Mutex<Vec<(String, Seen)>>,
}

impl Neighbours {
    /// A world without neighbours, which does not lie.
    pub fn new(clock: &Arc<FakeClock>) -> Self {
        Self {
            clock: Arc::clone(clock),
            hosts: BTreeMap::new(),
            lies: Mutex::new(Lies::none()),
            seen: Mutex::new(Vec::new()),
        }
    }

    /// With a neighbour at a host.
    pub fn with(mut self, host: &str, neighbour: Arc<Mutex<dyn Neighbour>>) -> Self {
        self.hosts.insert(host.to_owned(), neighbour);
        self
    }

    /// Lies from now on.
    pub fn lie(&self, lies: Lies) {
        *self.lies.lock().expect("no test panics with it") = lies;
    }

    /// What was asked, in order, with its host.
    pub fn seen(&self) -> Vec<(String, Seen)> {
        self.seen.lock().expect("no test panics with it").clone()
    }

    fn reply(&self, seen: Seen, target: &Target) -> Result<Answer, Failure> {
        let host = target.host();
        let unreachable = Failure::Unreachable { sent: false };
        let neighbour = self.hosts.get(&host).ok_or(unreachable)?;
        let lie = self.lies.lock().expect("no test panics with it").next(&host, &seen);
        self.seen.lock().expect("no test panics with it").push((host, seen.clone()));
        let mut neighbour = neighbour.lock().expect("no test panics with it");
        let now = self.clock.now();
        let mut said = lies::tell(lie, &mut *neighbour, &seen, now)?;
        if said.body.len() > LARGEST {
            return Err(Failure::TooLarge);
        }
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        said.headers.extend(date.ok().map(|date| ("date".to_owned(), date)));
        Ok(Answer { status: said.status, headers: said.headers, body: said.body })
    }
}

impl Net for Neighbours {
    fn send<'a>(&'a self, reach: &'a Reach, request: Request) -> Sending<'a> {
        Box::pin(async move {
            let target = Target::read(&request.url, reach).map_err(Failure::Blocked)?;
            self.reply(Seen::of(&request), &target)
        })
    }

    fn mail<'a>(&'a self, reach: &'a Reach, mail: Mail) -> Sending<'a> {
        Box::pin(async move {
            let address = format!("https://{}:{}/", mail.host, mail.port);
            let target = Target::read(&address, reach).map_err(Failure::Blocked)?;
            self.reply(mail::seen(&mail), &target)
        })
    }
}
