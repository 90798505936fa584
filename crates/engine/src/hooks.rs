//! Hooks in: verified over the raw bytes, stored, answered at once. What it means is found out later.

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sluice_connectors::{Delivery, Link as Hearing, Secret};
use sluice_core::ids::LinkName;
use sluice_core::organisation::Link;
use sluice_core::standing::Standing;
use sluice_store::rows::DeliveryRow;
use sluice_store::{Row, RowOutcome};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::organisation::configuration;
use crate::sequencer::{Commit, Step};

/// Headers that may carry a secret: they are used for verification and not kept.
const NOT_KEPT: [&str; 6] = [
    "authorization",
    "cookie",
    "x-gitlab-token",
    "x-sluice-token",
    "proxy-authorization",
    "x-api-key",
];

/// A question that comes again within the same span of so many seconds is one.
const ASKED_AGAIN_S: i64 = 5;

/// What became of a delivery at the door.
#[derive(Debug)]
pub enum Received {
    /// It is stored.
    Stored {
        /// Its number in the inbox.
        inbox: u64,
        /// Whether it had come before.
        duplicate: bool,
        /// Whether the sender takes nothing but an empty `200` for an acknowledgement.
        plain: bool,
    },
    /// There is no such hook. To be answered like a bad signature.
    Unknown,
    /// Its signature does not verify.
    BadSignature {
        /// Stable code.
        code: &'static str,
    },
    /// It cannot be stored now; the sender has to come again.
    Unavailable(EngineError),
}

/// A link ready to be heard.
pub(crate) struct Ear {
    pub(crate) name: LinkName,
    pub(crate) hearing: Hearing,
    secrets: Vec<Secret>,
}

impl Engine {
    /// Takes a delivery: verified over its raw bytes, deduplicated, durable when this returns.
    pub async fn receive(&self, hook: &str, delivery: Delivery) -> Received {
        let Some(ear) = self.ear_of_hook(hook) else { return Received::Unknown };
        if let Err(problem) = ear.hearing.verify(&delivery, &ear.secrets) {
            return Received::BadSignature { code: problem.code() };
        }
        let plain = ear.hearing.wants_empty_answer();
        let mut hashed = Sha256::new_with_prefix(&delivery.body);
        if ear.hearing.asks(&delivery) {
            // The same question is put again by the same bytes. At once it is the same one.
            hashed.update((delivery.received_at.as_second() / ASKED_AGAIN_S).to_be_bytes());
        }
        if let Some(id) = ear.hearing.proven_id(&delivery) {
            hashed.update(id.as_bytes());
        }
        let body_hash: [u8; 32] = hashed.finalize().into();
        let fallback = || format!("body:{}", data_encoding::HEXLOWER.encode(&body_hash));
        let row = DeliveryRow {
            link: ear.name.to_string(),
            delivery_id: ear.hearing.delivery_id(&delivery).unwrap_or_else(fallback),
            body_hash,
            kind: String::new(),
            headers: kept_headers(&delivery, &ear.secrets),
            body: delivery.body.to_vec(),
            received_us: delivery.received_at.min(self.now()).as_microsecond(),
        };
        let decide = move |_: &Standing, _: Timestamp| {
            let mut commit =
                Commit::of(Vec::new(), sluice_core::standing::Actor::Link(ear.name.clone()));
            commit.rows.push(Row::Delivery(row));
            Step::Record((), commit)
        };
        match self.sequencer().submit(decide).await {
            Ok(((), done)) => match done.rows.first() {
                Some(RowOutcome::Delivered { id }) => {
                    self.inbox().notify_one();
                    Received::Stored { inbox: *id, duplicate: false, plain }
                }
                Some(RowOutcome::Duplicate { id, .. }) => {
                    Received::Stored { inbox: *id, duplicate: true, plain }
                }
                _ => Received::Unavailable(crate::error::Unavailable::ledger(
                    "the inbox gave no number",
                )),
            },
            Err(error) => Received::Unavailable(error),
        }
    }

    fn ear_of_hook(&self, hook: &str) -> Option<Ear> {
        let standing = self.standing();
        // Every link is compared in full, so that the time tells nothing of how much of a hook was right.
        let mut found: Option<Arc<Link>> = None;
        for link in standing.organisation.links.values() {
            let same =
                subtle::ConstantTimeEq::ct_eq(self.hook_of(&link.name).as_bytes(), hook.as_bytes());
            if bool::from(same) {
                found = Some(Arc::clone(link));
            }
        }
        self.ear(found?.as_ref())
    }

    /// A link ready to be heard; `None` where its connector or a secret is not there.
    pub(crate) fn ear(&self, link: &Link) -> Option<Ear> {
        let connector = sluice_connectors::find(&link.connector)?;
        let hearing = connector.configure(&configuration(link)).ok()?;
        let secrets: Vec<Secret> = link
            .secrets
            .iter()
            .filter_map(|reference| self.secrets().find(reference))
            .map(Secret::new)
            .collect();
        if secrets.is_empty() || secrets.iter().any(Secret::is_empty) {
            tracing::warn!(link = %link.name, "no secret of this link can be found, so nothing from it is taken");
            return None;
        }
        Some(Ear { name: link.name.clone(), hearing, secrets })
    }
}

/// The headers that are kept, as JSON list of pairs: none that may carry a secret, and none that does, whatever it is
/// called.
fn kept_headers(delivery: &Delivery, secrets: &[Secret]) -> String {
    let told = |value: &str| secrets.iter().any(|secret| secret.occurs_in(value));
    let kept: Vec<&(String, String)> = delivery
        .headers
        .iter()
        .filter(|(name, value)| !NOT_KEPT.contains(&name.as_str()) && !told(value))
        .collect();
    serde_json::to_string(&kept).unwrap_or_default()
}
