//! Trying again what a server cannot answer now, until it does or no time is left. Each try of one request has the same
//! idempotency key, so that a lost answer is asked for again and nothing is done twice.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use super::{ANSWER_TIMEOUT, Client, Reply, Request, Trouble, failure_of};
use crate::commands::values::jitter;
use crate::exit;
use crate::failure::Failure;

/// The first and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// What a request may take beyond the time that is left.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// What one try brought.
pub(crate) enum Tried<T> {
    Answered(T),
    /// Not now; perhaps after this pause.
    Later(Failure, Option<Duration>),
}

impl<T> Tried<T> {
    /// An outage may end; every other failure is final.
    pub(crate) fn later(failure: Failure, told: Option<Duration>) -> Result<Self, Failure> {
        match failure.exit {
            exit::UNAVAILABLE => Ok(Self::Later(failure, told)),
            _ => Err(failure),
        }
    }
}

/// Tries with growing pauses, or as long ones as the server asks for.
pub(crate) fn again<T>(
    give_up: Instant,
    mut once: impl FnMut() -> Result<Tried<T>, Failure>,
) -> Result<T, Failure> {
    let mut pause = PAUSES.0;
    loop {
        let (failure, told) = match once()? {
            Tried::Answered(answer) => return Ok(answer),
            Tried::Later(failure, told) => (failure, told),
        };
        let rest = pause.mul_f64(jitter()).max(Duration::from_millis(50));
        let rest = told.map_or(rest, |told| told + rest);
        if Instant::now() + rest >= give_up {
            return Err(failure);
        }
        std::thread::sleep(rest);
        pause = (pause * 2).min(PAUSES.1);
    }
}

impl Client {
    /// Sends JSON under an idempotency key, again and again while the server cannot answer. Where that is given up the key is
    /// named: whoever tries once more with it does nothing twice.
    pub(crate) fn post_again(
        &self,
        path: &str,
        body: &Value,
        key: &str,
        timeout: Duration,
    ) -> Result<Value, Failure> {
        let give_up = Instant::now() + timeout;
        let headers = [("Idempotency-Key", key)];
        let answered = again(give_up, || {
            let left = give_up.saturating_duration_since(Instant::now());
            let request = Request {
                headers: &headers,
                body: Some(body),
                timeout: ANSWER_TIMEOUT.min(left + GRACE),
                ..Request::new(Method::POST, path)
            };
            match self.send(&request) {
                Ok(reply) if reply.is_success() => self.understood(&reply).map(Tried::Answered),
                Ok(reply) => Tried::later(failure_of(&reply, &self.base), reply.retry_after),
                Err(trouble) => Tried::later(self.trouble(&trouble), None),
            }
        });
        answered.map_err(|failure| match failure.exit {
            exit::UNAVAILABLE | exit::SAFE_HALT | exit::NOT_UNDERSTOOD => {
                let help = format!(
                    "{}; whether it was recorded is not known: try it again with `--key {key}`",
                    failure.help
                );
                Failure { help, ..failure }
            }
            _ => failure,
        })
    }

    fn understood(&self, reply: &Reply) -> Result<Value, Failure> {
        reply.json().map_err(|why| self.trouble(&Trouble::Nonsense(why)))
    }
}
