//! A secret that cannot be shown by accident.

use std::fmt;

use zeroize::Zeroizing;

/// A shared secret. It has no `Serialize`, its `Debug` form withholds it, and its memory is
/// overwritten when it goes.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes of a secret; a text secret is its UTF-8 bytes, in whatever form the other
    /// system shows it (`whsec_...` is decoded where it is used).
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// An empty secret protects nothing and never matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the secret stands in a text as it is, so that the text must not be kept.
    pub fn occurs_in(&self, text: &str) -> bool {
        !self.is_empty() && text.as_bytes().windows(self.0.len()).any(|part| part == &self.0[..])
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(withheld)")
    }
}
