//! Receipts: what a client keeps to show later that an entry was in the log.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::{Hash, leaf_hash};
use crate::note::VerifyingKey;
use crate::proof::{ProofError, verify_inclusion};

/// The most hashes that an inclusion proof can have.
pub const MAX_PROOF_HASHES: usize = 64;

/// Proof that one entry is in the log that a signed checkpoint describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Position of the entry in the log, from 0.
    pub index: u64,
    /// Hash of the entry's exact bytes.
    pub leaf_hash: Hash,
    /// Entries in the log at the time; the same as in the checkpoint.
    pub tree_size: u64,
    /// Sibling hashes from leaf to root.
    pub proof: Vec<Hash>,
    /// The published checkpoint: a signed note.
    pub checkpoint: String,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The entry shown is not the one of the receipt.
    #[error("the entry's bytes do not have the receipt's leaf hash")]
    OtherEntry,
    /// The checkpoint is malformed or not signed by a known key.
    #[error("the receipt's checkpoint is refused")]
    Checkpoint(#[from] CheckpointError),
    /// Receipt and checkpoint speak of different sizes.
    #[error("the receipt is of size {receipt}, its checkpoint of size {checkpoint}")]
    SizeMismatch {
        /// Size that the receipt names.
        receipt: u64,
        /// Size that was signed.
        checkpoint: u64,
    },
    /// The proof does not lead from the leaf to the signed root.
    #[error("the receipt's proof does not hold")]
    Proof(#[from] ProofError),
}

impl Receipt {
    /// Checks the receipt with nothing but the log's keys; with `entry`, that it is of this entry.
    ///
    /// Returns the signed checkpoint; which log it is of is for the caller to compare (`origin`).
    pub fn verify(
        &self,
        entry: Option<&[u8]>,
        keys: &[VerifyingKey],
    ) -> Result<Checkpoint, ReceiptError> {
        if entry.is_some_and(|bytes| leaf_hash(bytes) != self.leaf_hash) {
            return Err(ReceiptError::OtherEntry);
        }
        let checkpoint = Checkpoint::open(&self.checkpoint, keys)?;
        if checkpoint.size != self.tree_size {
            return Err(ReceiptError::SizeMismatch {
                receipt: self.tree_size,
                checkpoint: checkpoint.size,
            });
        }
        verify_inclusion(
            self.index,
            self.tree_size,
            &self.leaf_hash,
            &self.proof,
            &checkpoint.root,
        )?;
        Ok(checkpoint)
    }
}
