//! An answer, read within its limit, and what can go wrong before there is one.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// The longest pause that a server is believed to need.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// An answer of whatever status.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// `Retry-After`, at most [`LONGEST_PAUSE`].
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nobody there, or not in time; it may be there later.
    Unreachable(String),
    /// Something is there, and it is not Sluice.
    Nonsense(String),
    /// The pipeline did not come in by the identity that its system gives it.
    Door(Box<Failure>),
}

impl Trouble {
    /// Tells by the cause: a broken TLS will not become right by asking again; a refused or lost connection may, and so may a
    /// name that does not resolve just now.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        // The outermost sentence only repeats the address.
        let text = error.source().map_or_else(|| error.to_string(), crate::failure::chain);
        if error.is_timeout() {
            return Self::Unreachable("no answer in time".to_owned());
        }
        let lower = text.to_ascii_lowercase();
        let nonsense = ["certificate", "tls", "handshake", "invalid http", "parse"];
        if nonsense.iter().any(|word| lower.contains(word)) || has_invalid_data(error) {
            return Self::Nonsense(text);
        }
        Self::Unreachable(text)
    }
}

fn has_invalid_data(error: &reqwest::Error) -> bool {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(cause) = next {
        let io = cause.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == ErrorKind::InvalidData) {
            return true;
        }
        next = cause.source();
    }
    false
}

impl Reply {
    pub(super) async fn read(
        mut response: reqwest::Response,
        limit_bytes: usize,
    ) -> Result<Self, Trouble> {
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let media_type = header("content-type").unwrap_or_default();
        let content_type = media_type.split(';').next().unwrap_or_default().trim();
        let content_type = content_type.to_ascii_lowercase();
        let retry_after = header("retry-after").and_then(|value| value.trim().parse().ok());
        let retry_after = retry_after.map(|told| Duration::from_secs(told).min(LONGEST_PAUSE));
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| Trouble::of(&error))? {
            if body.len() + part.len() > limit_bytes {
                return Err(Trouble::Nonsense(format!("it has more than {limit_bytes} bytes")));
            }
            body.extend_from_slice(&part);
        }
        Ok(Self { status, content_type, retry_after, body })
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON of the wanted shape; the error says why it is not.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        let is_json =
            self.content_type == "application/json" || self.content_type.ends_with("+json");
        if !is_json {
            let found = match self.content_type.as_str() {
                "" => "no content type",
                other => other,
            };
            return Err(format!("status {} with {found} where JSON is due", self.status));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            format!("status {} with a body of another shape: {error}", self.status)
        })
    }
}
