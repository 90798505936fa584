//! Idempotency keys: the same request with the same key has one effect and one answer.

use sluice_core::refusal::Refusal;

use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};
use crate::sequencer::IdempotencyKey;

/// Code of the answer to a request that comes while the same one is being answered.
pub(crate) const IN_FLIGHT: &str = "request_in_flight";

/// The answer to a request that comes while the same one is being answered.
pub(crate) fn in_flight() -> EngineError {
    EngineError::Unavailable(Unavailable {
        code: IN_FLIGHT,
        message: "the same request is being answered; ask again with the same key".into(),
        retry_after_s: Some(1),
    })
}

/// What is known of a key.
pub(crate) enum Known {
    /// Nothing: the request is new.
    New(IdempotencyKey),
    /// It was answered; the answer is (or follows from) this entry.
    Answered {
        /// The last entry that the request made.
        seq: Option<u64>,
    },
}

impl Engine {
    /// Looks a key up. The same key with another request (`body_hash` covers what it is about too) is refused.
    pub(crate) fn known_key(
        &self,
        scope: String,
        key: &str,
        body_hash: [u8; 32],
    ) -> Result<Known, EngineError> {
        if key.is_empty()
            || key.len() > 255
            || !key.bytes().all(|byte| (0x21..0x7f).contains(&byte))
        {
            return Err(EngineError::Refused(Refusal::invalid(
                "bad_idempotency_key",
                "an idempotency key has 1 to 255 visible ASCII characters",
                "use a random one per request, and the same one when you repeat the request",
            )));
        }
        match self.read(|readers| readers.idempotency(&scope, key))? {
            None => {
                Ok(Known::New(IdempotencyKey { scope, key: key.to_owned(), body_hash, seq: None }))
            }
            // Written and not yet anchored: nobody has heard that answer so far.
            Some(row) if row.seq.is_some_and(|seq| seq >= self.readers().head().size) => {
                Err(in_flight())
            }
            Some(row) if row.body_hash == body_hash => Ok(Known::Answered { seq: row.seq }),
            Some(_) => Err(EngineError::Refused(Refusal::invalid(
                "idempotency_key_reused",
                "this idempotency key came with another request before",
                "use a new key for a new request",
            ))),
        }
    }
}
