//! Receipts as `*.tlog-proof` files (C2SP tlog-proof), which other verifiers read.

use data_encoding::BASE64;

use crate::checkpoint::{Checkpoint, CheckpointError, parse_decimal};
use crate::hash::Hash;
use crate::note::MAX_NOTE_BYTES;
use crate::receipt::{MAX_PROOF_HASHES, Receipt};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// Why a text is not a proof file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// More bytes than a proof with its checkpoint can have.
    #[error("the proof file has {0} bytes, above the limit")]
    TooLarge(usize),
    /// Another format or version.
    #[error("the proof file does not start with `c2sp.org/tlog-proof@v1`")]
    Version,
    /// No empty line between proof and checkpoint.
    #[error("the proof file has no checkpoint")]
    NoCheckpoint,
    /// The `extra` line is not base64.
    #[error("the proof file's extra line is not base64")]
    Extra,
    /// The index line is missing or malformed.
    #[error("the proof file's index is malformed")]
    Index,
    /// A hash is malformed, or there are too many.
    #[error("the proof file's hashes are malformed")]
    Hashes,
    /// The checkpoint is malformed.
    #[error("the proof file's checkpoint is refused")]
    Checkpoint(#[from] CheckpointError),
}

impl Receipt {
    /// The receipt as a `*.tlog-proof` file. The leaf hash is not in it: it is the entry's.
    pub fn to_tlog_proof(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nindex {}\n", self.index);
        for hash in &self.proof {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads a `*.tlog-proof` file about the entry with this leaf hash. Nothing is verified yet.
    pub fn from_tlog_proof(text: &str, leaf_hash: Hash) -> Result<Self, TlogProofError> {
        if text.len() > MAX_NOTE_BYTES + (1 << 16) {
            return Err(TlogProofError::TooLarge(text.len()));
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(TlogProofError::NoCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(TlogProofError::Version);
        }
        if let Some(extra) = lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            BASE64.decode(extra.as_bytes()).map_err(|_| TlogProofError::Extra)?;
            lines.next();
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(parse_decimal)
            .ok_or(TlogProofError::Index)?;
        let proof: Vec<Hash> = lines
            .take(MAX_PROOF_HASHES + 1)
            .map(|line| Hash::from_base64(line).map_err(|_| TlogProofError::Hashes))
            .collect::<Result<_, _>>()?;
        if proof.len() > MAX_PROOF_HASHES {
            return Err(TlogProofError::Hashes);
        }
        let tree_size = Checkpoint::parse_unverified(checkpoint)?.size;
        Ok(Self { index, leaf_hash, tree_size, proof, checkpoint: checkpoint.to_owned() })
    }
}
