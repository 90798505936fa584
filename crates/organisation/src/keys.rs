//! Opaque keys of people and their identities.
//!
//! Files speak of people by handle, mail address and account. Items carry opaque keys in their
//! place, so that nothing personal reaches the ledger. The server derives the keys with a secret;
//! [`OfflineKeys`] derives them without one, for checks on a desk.

use data_encoding::{Encoding, Specification};
use sha2::{Digest as _, Sha256};
use sluice_core::ids::{IdentityKey, PersonId};

/// Derives opaque keys. The same text must give the same key for ever.
pub trait Keys {
    /// The id of the person with this handle. Letters' case makes no difference.
    fn person(&self, handle: &str) -> PersonId;

    /// The key of one identity. `kind` is `email` or `account`; `value` is normalised, see
    /// [`normalise_identity`].
    fn identity(&self, kind: &str, value: &str) -> IdentityKey;
}

/// Keys from plain SHA-256: they hide nothing from somebody who guesses, and never reach a ledger.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfflineKeys;

impl Keys for OfflineKeys {
    #[expect(clippy::expect_used, reason = "the letters of a hash are what a person id wants")]
    fn person(&self, handle: &str) -> PersonId {
        let letters = key_letters(&hash("person", &handle.trim().to_lowercase()));
        PersonId::parse(&format!("person/{letters}")).expect("a well-formed id")
    }

    #[expect(clippy::expect_used, reason = "the letters of a hash are what an identity key wants")]
    fn identity(&self, kind: &str, value: &str) -> IdentityKey {
        let letters = key_letters(&hash(kind, value));
        IdentityKey::parse(&format!("identity/{letters}")).expect("a well-formed key")
    }
}

/// The one way of writing an identity, of which its key is made: without white space around it, in
/// lower case. A mail address is `name@host`, an account `realm:name`.
pub fn normalise_identity(_kind: &str, value: &str) -> String {
    value.trim().to_lowercase()
}

/// The first 26 letters (130 bits) of a hash in lower-case base 32, as ids of people carry them.
pub fn key_letters(hash: &[u8; 32]) -> String {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    let letters = specification.encoding().map(|base32: Encoding| base32.encode(&hash[..20]));
    letters.unwrap_or_default().chars().take(26).collect()
}

fn hash(kind: &str, value: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"sluice offline key\0");
    hash.update(kind.as_bytes());
    hash.update(b"\0");
    hash.update(value.as_bytes());
    hash.finalize().into()
}
