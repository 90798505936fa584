//! Tokens that others signed: whether they are what they say.
//!
//! Pure: keys, expectations and the time are arguments, so that nothing in here can fetch a key
//! that a token itself names, or look at a clock that somebody moves. A token is accepted when
//! everything about it is as expected, and refused for one named reason otherwise.
//!
//! Sources: RFC 7515, 7517, 7518, 7519, 8037, and the best current practices in RFC 8725.

#![warn(missing_docs)]

mod algorithm;
mod claims;
mod header;
mod json;
mod keys;
pub mod pipeline;
mod reject;
mod verify;

pub use self::algorithm::Family;
pub use self::claims::{Claims, Scalar};
pub use self::keys::{BadKeys, KeySet};
pub use self::reject::{Fault, Reject};
pub use self::verify::{Audience, Expected, LEEWAY_S, MAX_TOKEN_BYTES, claimed_issuer, verify};
