//! Tokens as somebody who attacks would make them.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod claims;
mod headers;
mod keys;
mod signer;
