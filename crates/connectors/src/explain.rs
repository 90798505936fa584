//! What a delivery would become, for people who debug an integration at their desk.

use serde::Serialize;
use serde_json::Value;
use sluice_core::signal::{Heard, Signal};

use crate::connector::{Link, Problem};
use crate::kit::delivery::Delivery;
use crate::kit::secret::Secret;
use crate::registry::find;

/// What a delivery would become, ready to be shown as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HearReport {
    /// The connector's kind.
    pub kind: String,
    /// `valid`, `skipped`, or `bad: ` and a code of [`crate::SignatureProblem`].
    pub signature: String,
    /// The sender's own id of the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<String>,
    /// What was assumed on the way, such as a guessed event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: HearOutcome,
}

impl HearReport {
    /// The exit code of `sluice link hear`: 0 signals, 3 not for us, 4 not readable or wrongly
    /// signed.
    pub fn exit_code(&self) -> u8 {
        match self.outcome {
            HearOutcome::Signals { .. } => 0,
            HearOutcome::Ignored { .. } => 3,
            HearOutcome::Unreadable { .. } | HearOutcome::Refused { .. } => 4,
        }
    }
}

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum HearOutcome {
    /// It tells us something.
    Signals {
        /// What, in order.
        signals: Vec<Signal>,
    },
    /// Readable, but not for us.
    Ignored {
        /// A stable code.
        code: String,
        /// Why.
        reason: String,
    },
    /// Not readable.
    Unreadable {
        /// A stable code.
        code: String,
        /// Why.
        reason: String,
    },
    /// Wrongly signed, so it was not read.
    Refused {
        /// A stable code.
        code: String,
        /// Why.
        reason: String,
    },
}

/// Why nothing can be said about a delivery.
#[derive(Debug, thiserror::Error)]
pub enum CannotExplain {
    /// There is no such connector.
    #[error("`{0}` is no kind of link")]
    UnknownKind(String),
    /// The configuration has problems.
    #[error("the configuration of the link has {} problem(s)", .0.len())]
    Configuration(Vec<Problem>),
}

/// Says what `delivery` would become on a link of `kind`. Without a configuration the delivery is
/// taken as from any host; without a secret its signature is not checked, and the report says so.
pub fn explain(
    kind: &str,
    configuration: Option<&Value>,
    delivery: &Delivery,
    secret: Option<&Secret>,
) -> Result<HearReport, CannotExplain> {
    let connector = find(kind).ok_or_else(|| CannotExplain::UnknownKind(kind.to_owned()))?;
    let link = match configuration {
        Some(configuration) => {
            connector.configure(configuration).map_err(CannotExplain::Configuration)?
        }
        None => connector.offline(),
    };
    let verdict = secret.map(|secret| link.verify(delivery, std::slice::from_ref(secret)));
    let mut report = HearReport {
        kind: kind.to_owned(),
        signature: "skipped".to_owned(),
        delivery_id: link.delivery_id(delivery),
        notes: Vec::new(),
        outcome: HearOutcome::Signals { signals: Vec::new() },
    };
    match verdict {
        Some(Err(problem)) => {
            report.signature = format!("bad: {}", problem.code());
            report.outcome = HearOutcome::Refused {
                code: problem.code().to_owned(),
                reason: problem.to_string(),
            };
            return Ok(report);
        }
        Some(Ok(_)) => report.signature = "valid".to_owned(),
        None => {
            report.notes.push("no secret was given, so the signature was not checked".to_owned())
        }
    }
    report.outcome = read(&link, delivery, &mut report.notes);
    Ok(report)
}

fn read(link: &Link, delivery: &Delivery, notes: &mut Vec<String>) -> HearOutcome {
    let mut delivery = delivery.clone();
    if let Some((headers, note)) = link.guess(&delivery) {
        delivery.headers.extend(headers);
        notes.push(note);
    }
    match link.hear(&delivery) {
        Ok(Heard::Signals { signals }) => HearOutcome::Signals { signals },
        Ok(Heard::Ignored { code, reason }) => HearOutcome::Ignored { code, reason },
        Err(problem) => {
            HearOutcome::Unreadable { code: problem.code.to_owned(), reason: problem.reason }
        }
    }
}
