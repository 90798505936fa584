//! Asking until there is an answer or no time is left.
//!
//! One question has one idempotency key, so a lost answer is asked for again and never decided
//! twice. Waiting is done in slices, each a question of its own with the key `<key>.<n>`: a decision
//! is for now, and the next slice is judged anew.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use sluice_core::gate::{Decision, Question};

use super::answer::GateReply;
use crate::client::{self, Client, GRACE, Reply, Request, Tried, Trouble, again};
use crate::failure::Failure;
use crate::output;

/// The longest that one request waits.
const SLICE: Duration = Duration::from_secs(55);
/// The least time between two slices, should the server not wait.
const SLICE_PACE: Duration = Duration::from_secs(1);

/// A question and how long it may take.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) question: &'a Question,
    /// Who wrote it, as the command line names them.
    pub(super) authors: &'a [String],
    pub(super) key: String,
    pub(super) wait: Option<Duration>,
    pub(super) timeout: Duration,
    pub(super) dry_run: bool,
}

/// An answer, and as it came.
type Answered = (GateReply, Value);

impl Asking<'_> {
    /// The answer: the first that is not `wait`, or the last one.
    pub(super) fn until_answered(&self) -> Result<Answered, Failure> {
        let begun = Instant::now();
        let Some(wait) = self.wait else {
            return self.ask(&self.key, Duration::ZERO, begun + self.timeout);
        };
        let ends = begun + wait;
        for slice_number in 1_u64.. {
            let slice_begun = Instant::now();
            let slice = SLICE.min(ends.saturating_duration_since(slice_begun));
            let key = format!("{}.{slice_number}", self.key);
            let give_up = ends.max(slice_begun + self.timeout);
            let (reply, raw) = self.ask(&key, slice, give_up)?;
            if reply.answer != Decision::Wait || Instant::now() + SLICE_PACE >= ends {
                return Ok((reply, raw));
            }
            if slice_number == 1 {
                reply.is_by_own_name(self.question)?;
                output::note(&format!("waiting: {}", reply.in_short()));
            }
            std::thread::sleep(SLICE_PACE.saturating_sub(slice_begun.elapsed()));
        }
        Err(Failure::new("the waiting never ended", "ask again"))
    }

    /// Asks with one key until something answers that can be understood.
    fn ask(&self, key: &str, slice: Duration, give_up: Instant) -> Result<Answered, Failure> {
        let mut body = serde_json::to_value(self.question)
            .map_err(|error| Failure::new(error.to_string(), "correct the question"))?;
        if !self.authors.is_empty() {
            body["authors"] = self.authors.into();
        }
        again(give_up, || self.once(key, slice, give_up, &body))
    }

    fn once(
        &self,
        key: &str,
        slice: Duration,
        give_up: Instant,
        body: &Value,
    ) -> Result<Tried<Answered>, Failure> {
        let prefer = format!("wait={}", slice.as_secs());
        let mut headers = vec![("Idempotency-Key", key)];
        if slice.as_secs() > 0 {
            headers.push(("Prefer", prefer.as_str()));
        }
        let left = give_up.saturating_duration_since(Instant::now());
        let path = if self.dry_run { "/api/v1/gate?dry_run=true" } else { "/api/v1/gate" };
        let request = Request {
            headers: &headers,
            body: Some(body),
            timeout: (slice + GRACE).min(left + GRACE),
            ..Request::new(Method::POST, path)
        };
        match self.client.send(&request) {
            Ok(reply) => self.understand(&reply),
            Err(trouble) => Tried::later(self.client.trouble(&trouble), None),
        }
    }

    fn understand(&self, reply: &Reply) -> Result<Tried<Answered>, Failure> {
        if reply.status == 200 {
            let read = reply.json::<Value>().and_then(|raw| {
                let parsed = GateReply::read(&raw, self.dry_run).map_err(|why| {
                    format!("status 200 with something that is no decision: {why}")
                })?;
                Ok((parsed, raw))
            });
            let (parsed, raw) = read.map_err(|why| self.client.trouble(&Trouble::Nonsense(why)))?;
            return Ok(Tried::Answered((parsed, raw)));
        }
        if reply.is_success() || (300..400).contains(&reply.status) {
            let why = format!("status {}, which no gate answers with", reply.status);
            return Err(self.client.trouble(&Trouble::Nonsense(why)));
        }
        Tried::later(client::failure_of(reply, self.client.base()), reply.retry_after)
    }
}
