//! What the log shows of its witnesses: the head with its cosignatures, and the head that has the quorum.

use std::sync::Arc;

use sluice_ledger::{Checkpoint, Receipt};
use sluice_store::ReadError;

use super::WitnessingCard;
use crate::engine::Engine;
use crate::error::EngineError;

impl Engine {
    /// The signed head with the cosignatures that it has by now. Where only what is witnessed is published, the newest
    /// such head; none where there is none yet.
    pub fn published_checkpoint(&self) -> Option<String> {
        let head = self.readers().checkpoint_note();
        let Some(cosigning) = self.cosigning() else { return Some(head.to_string()) };
        if cosigning.config.strict {
            return cosigning.witnessed().map(|(_, note)| note.to_string());
        }
        let lines = match Checkpoint::parse_unverified(&head) {
            Ok(checkpoint) => cosigning.lines(checkpoint.size),
            Err(_) => String::new(),
        };
        Some(format!("{head}{lines}"))
    }

    /// The newest head that so many witnesses have cosigned as are needed, with their cosignatures.
    pub fn witnessed_checkpoint(&self) -> Option<Arc<str>> {
        Some(self.cosigning()?.witnessed()?.1)
    }

    /// How the witnesses fare; none where none is configured.
    pub fn witnessing(&self) -> Option<WitnessingCard> {
        self.cosigning().map(|cosigning| cosigning.card())
    }

    /// A receipt of an entry under the newest head that has the quorum; none where there is no such head, or the entry
    /// came after it. Blocking.
    pub fn witnessed_receipt(&self, seq: u64) -> Result<Option<Receipt>, EngineError> {
        let witnessed = self.cosigning().and_then(|cosigning| cosigning.witnessed());
        let Some((size, note)) = witnessed.filter(|(size, _)| seq < *size) else { return Ok(None) };
        self.read(|readers| {
            let entry = readers.entry(seq)?.ok_or_else(|| ReadError::OutOfRange {
                size,
                asked: format!("there is no entry {seq}"),
            })?;
            Ok(Some(Receipt {
                index: seq,
                leaf_hash: entry.leaf_hash,
                tree_size: size,
                proof: readers.inclusion_proof(seq, size)?,
                checkpoint: note.to_string(),
            }))
        })
    }
}
