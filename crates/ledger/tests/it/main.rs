//! The ledger against published vectors, independent implementations and deliberate damage.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its data must fail")]

mod anchor;
mod checkpoint;
mod cosignature;
mod flips;
mod log;
mod memory_log;
mod mutations;
mod note;
mod oracle;
mod published;
mod receipt;
mod tile;
mod tree;
mod vectors;
mod witness;
