//! What every connector offers, whatever it speaks to.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sluice_core::run::RunRef;
use sluice_core::signal::Heard;

use crate::kit::delivery::Delivery;
use crate::kit::secret::Secret;
use crate::kit::signature::{SignatureProblem, Verified};

/// One configured instance of an external system, ready to hear it.
pub type Link = Box<dyn Hear + Send + Sync>;

/// One kind of external system. Stateless: the one list of them is [`crate::registry()`].
pub trait Connector: Sync {
    /// Its name in configuration, such as `github`; stable.
    fn kind(&self) -> &'static str;

    /// One sentence on what it is for.
    fn about(&self) -> &'static str;

    /// A complete configuration as JSON (and therefore YAML) text, ready to be edited.
    fn example(&self) -> &'static str;

    /// Checks a configuration and names every problem at once. Connects to nothing.
    fn configure(&self, configuration: &Value) -> Result<Link, Vec<Problem>>;

    /// A reading without configuration, for people who look at a file on their desk: it takes any
    /// host and finds the verification scheme by the headers. Never for deliveries from a network.
    fn offline(&self) -> Link;
}

/// Turns deliveries of one link into signals. Pure and total.
pub trait Hear {
    /// Names of the secrets that [`Hear::verify`] wants, newest first: one, or two while rotating.
    fn secrets_needed(&self) -> &[String];

    /// Checks that the sender knows one of `secrets`, over the raw bytes, before anything is parsed.
    /// The comparison takes the same time wherever the difference is. Where the sender signs a time, it may be off by
    /// 300 s.
    fn verify(&self, delivery: &Delivery, secrets: &[Secret])
    -> Result<Verified, SignatureProblem>;

    /// The sender's own id of the delivery, equal when it is sent again; absent where it has none.
    fn delivery_id(&self, delivery: &Delivery) -> Option<String>;

    /// An id that nobody but the sender can give: one that the signature covers, or any where the secret itself comes with
    /// the delivery. By it two deliveries of the same bytes are two; without it the bytes decide, since whoever got hold of
    /// a delivery that is signed over its body alone could send it again under another id.
    fn proven_id(&self, _delivery: &Delivery) -> Option<String> {
        None
    }

    /// Whether a delivery is a question without an id: the same one, put again, wants another answer.
    fn asks(&self, _delivery: &Delivery) -> bool {
        false
    }

    /// The run that comes to wait for the gate by a delivery which cannot be read, as far as it names one, and when it says
    /// that it did: what it asked before is over, whatever it asks now.
    fn asks_unread(&self, _delivery: &Delivery) -> Option<(RunRef, Option<Timestamp>)> {
        None
    }

    /// Whether the sender takes nothing but an empty `200` for an acknowledgement.
    fn wants_empty_answer(&self) -> bool {
        false
    }

    /// What the delivery tells us. To be called after [`Hear::verify`].
    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable>;

    /// Headers that a bare body most likely came with, and a note that says so. Only for offline
    /// use: a guess is never made about a delivery from a network.
    fn guess(&self, _delivery: &Delivery) -> Option<(Vec<(String, String)>, String)> {
        None
    }
}

/// Something wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a JSON pointer into the configuration; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

/// Why a delivery cannot be read. It is kept in the inbox for a person to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// A stable code, such as `not_json`, `duplicate_key`, `field_missing`.
    pub code: &'static str,
    /// A sentence for the person who looks at the inbox. It quotes no values of the body.
    pub reason: String,
}

impl Unreadable {
    pub(crate) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}
