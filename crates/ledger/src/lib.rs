//! Bytes and proofs: the tamper-evident log, and everything an outsider needs to check it.
//!
//! The log is a Merkle tree after RFC 6962, published in the C2SP forms (tlog-tiles,
//! tlog-checkpoint, tlog-cosignature, tlog-witness, signed-note, tlog-proof). This crate hashes, proves, signs and verifies.
//! It knows nothing of what an entry means, reads no file, opens no connection, asks no clock
//! and draws no random number: bytes come in through traits ([`HashReader`], [`LogSource`]),
//! and go out as values.
//!
//! What may be trusted, and what not, is in the crate's README.
#![warn(missing_docs)]

pub mod anchor;
pub mod audit;
pub mod batch;
pub mod bundle;
pub mod checkpoint;
pub mod hash;
pub mod log;
pub mod note;
pub mod proof;
pub mod quorum;
pub mod receipt;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
pub mod witness;

pub use anchor::AnchorState;
pub use batch::{Batch, append_with_proofs};
pub use bundle::MAX_ENTRY_BYTES;
pub use checkpoint::Checkpoint;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use log::{LogProblem, LogReport, LogSource, LogVerifier, Progress, verify_log};
pub use note::{Cosignature, CosignerKey, CosigningKey, SigningKey, VerifyingKey};
pub use proof::{HashReader, verify_consistency, verify_inclusion};
pub use quorum::{BadQuorum, CosignedHead, Quorum, QuorumError};
pub use receipt::Receipt;
pub use tile::{BundleId, TileId};
pub use tree::Frontier;
