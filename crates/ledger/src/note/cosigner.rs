//! The keys of witnesses: Ed25519 with a time (type 0x04, C2SP tlog-cosignature).
//!
//! They are types of their own, so that the key of a log is never taken for that of a witness, nor the other way round.

use std::fmt;

use data_encoding::BASE64;
use ed25519_dalek::Signer as _;

use super::key::{COSIGNATURE_V1, KeyError, is_key_name, key_id_of, parse_public};
use super::line_of;

/// How far ahead of our clock a cosignature's time may be, in seconds.
pub const MAX_AHEAD_S: u64 = 300;

/// Bytes of the time in front of a signature.
const TIME_BYTES: usize = 8;

/// The public key of a witness; its text form (`vkey`) is what the witness's operator publishes.
#[derive(Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    key_id: u32,
    inner: ed25519_dalek::VerifyingKey,
}

/// The secret key of a witness. We have none: it is for those who are one, and for tests.
pub struct CosigningKey {
    public: CosignerKey,
    inner: ed25519_dalek::SigningKey,
}

/// A cosignature that holds: this witness had seen this head, and none that contradicts it, at this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Whose it is.
    pub key: CosignerKey,
    /// When it was made, by the witness's clock, in seconds since the Unix epoch.
    pub time_s: u64,
    /// The signature line as it came, with its line feed.
    pub line: String,
}

impl Cosignature {
    /// Whether its time is one: not 0, and not ahead of our clock by more than [`MAX_AHEAD_S`].
    pub fn is_timely(&self, now_s: u64) -> bool {
        self.time_s != 0 && self.time_s <= now_s.saturating_add(MAX_AHEAD_S)
    }
}

impl CosignerKey {
    /// Reads the public text form, `<name>+<id>+<base64>`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, key_id, inner) = parse_public(text, COSIGNATURE_V1)?;
        Ok(Self { name, key_id, inner })
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of the hash over name, type and public key.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Whether the same secret is behind both. What is signed does not name the witness, so that one key under two names
    /// would count twice.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.inner == other.inner
    }

    /// The time of a cosignature over `text`, if this key made it. `signature` is the time and the signature proper.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Option<u64> {
        let (time, signature) = signature.split_first_chunk::<TIME_BYTES>()?;
        let time_s = u64::from_be_bytes(*time);
        if i64::try_from(time_s).is_err() {
            return None;
        }
        let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
        let message = message(text, time_s);
        self.inner.verify_strict(message.as_bytes(), &signature).is_ok().then_some(time_s)
    }
}

impl CosigningKey {
    /// Makes the key of 32 secret random bytes, which the caller draws.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let inner = ed25519_dalek::SigningKey::from_bytes(seed);
        let point = inner.verifying_key();
        let key_id = key_id_of(name, COSIGNATURE_V1, point.as_bytes());
        Ok(Self { public: CosignerKey { name: name.to_owned(), key_id, inner: point }, inner })
    }

    /// The key that checks what this one signs.
    pub fn public(&self) -> &CosignerKey {
        &self.public
    }

    /// The signature line over the text of a checkpoint, with its line feed.
    pub fn cosign(&self, text: &str, time_s: u64) -> String {
        let mut signature = time_s.to_be_bytes().to_vec();
        signature.extend(self.inner.sign(message(text, time_s).as_bytes()).to_bytes());
        line_of(&self.public.name, self.public.key_id, &signature)
    }
}

/// What a witness signs.
fn message(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![COSIGNATURE_V1];
        typed.extend_from_slice(self.inner.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.key_id, BASE64.encode(&typed))
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({self})")
    }
}

impl std::str::FromStr for CosignerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}
