//! The keys of signed notes: Ed25519 (type 0x01), and their text forms.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::Signer as _;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

const ED25519: u8 = 0x01;
/// The type of keys whose signatures carry a time (tlog-cosignature, `cosignature/v1`).
pub(super) const COSIGNATURE_V1: u8 = 0x04;
const PRIVATE_START: &str = "PRIVATE+KEY+";

/// A key that signs. Its secret is wiped when dropped and is shown by nothing but
/// [`SigningKey::to_secret_text`].
pub struct SigningKey {
    name: String,
    key_id: u32,
    inner: ed25519_dalek::SigningKey,
}

/// A key that checks signatures; its text form (`vkey`) is what a log's owner publishes.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key_id: u32,
    inner: ed25519_dalek::VerifyingKey,
}

/// Why a text or a name does not make a key. Never repeats the text, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty or contains a space, a control character or `+`.
    #[error("a key name must not be empty nor contain spaces, control characters or `+`")]
    Name,
    /// Not of the form `name+id+key`.
    #[error("the key is not of the form `<name>+<id>+<base64>`")]
    Form,
    /// Not of the form `PRIVATE+KEY+name+id+key`.
    #[error("the private key is not of the form `PRIVATE+KEY+<name>+<id>+<base64>`")]
    PrivateForm,
    /// A key for something else: a log's key is no witness's, and neither is another algorithm's.
    #[error("the key is of type {found:#04x} ({}), here belongs one of type {expected:#04x} ({})", told(*found), told(*expected))]
    Type {
        /// Its type.
        found: u8,
        /// The type that is read here.
        expected: u8,
    },
    /// The bytes are not a usable Ed25519 public key.
    #[error("the key's bytes are not an Ed25519 public key")]
    Point,
    /// The id is not that of this name and key.
    #[error("the key's id does not belong to its name and bytes")]
    Id,
}

/// What a type of key is for.
fn told(kind: u8) -> &'static str {
    match kind {
        ED25519 => "Ed25519, the key of a log",
        COSIGNATURE_V1 => "Ed25519 cosignatures, the key of a witness",
        0x06 => "ML-DSA-44 cosignatures, which are not read yet",
        _ => "not known here",
    }
}

impl SigningKey {
    /// Makes the key of 32 secret random bytes, which the caller draws.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let inner = ed25519_dalek::SigningKey::from_bytes(seed);
        let key_id = key_id(name, inner.verifying_key().as_bytes());
        Ok(Self { name: name.to_owned(), key_id, inner })
    }

    /// Reads the private text form, `PRIVATE+KEY+<name>+<id>+<base64>`.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim_end().strip_prefix(PRIVATE_START).ok_or(KeyError::PrivateForm)?;
        let (name, id, bytes) = split_fields(rest).ok_or(KeyError::PrivateForm)?;
        let seed = point_bytes(&bytes, ED25519, KeyError::PrivateForm)?;
        let key = Self::from_seed(name, seed)?;
        if key.key_id == id { Ok(key) } else { Err(KeyError::Id) }
    }

    /// The private text form; whoever has it can sign. Wiped when dropped.
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let mut typed = Zeroizing::new([ED25519; 33]);
        let mut seed = self.inner.to_bytes();
        typed[1..].copy_from_slice(&seed);
        seed.zeroize();
        let encoded = Zeroizing::new(BASE64.encode(typed.as_ref()));
        Zeroizing::new(format!(
            "{PRIVATE_START}{}+{:08x}+{}",
            self.name,
            self.key_id,
            encoded.as_str()
        ))
    }

    /// The key that checks what this one signs.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey {
            name: self.name.clone(),
            key_id: self.key_id,
            inner: self.inner.verifying_key(),
        }
    }

    /// The key's name; for a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of the hash over name and public key.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// The bare Ed25519 signature over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.inner.sign(message).to_bytes()
    }
}

impl VerifyingKey {
    /// Reads the public text form, `<name>+<id>+<base64>`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, key_id, inner) = parse_public(text, ED25519)?;
        Ok(Self { name, key_id, inner })
    }

    /// The key's name; for a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of the hash over name and public key.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Whether `signature` is this key's over `message`. Small-order points are refused.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.inner.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![ED25519];
        typed.extend_from_slice(self.inner.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.key_id, BASE64.encode(&typed))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl std::str::FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

fn key_id(name: &str, public: &[u8; 32]) -> u32 {
    key_id_of(name, ED25519, public)
}

/// Reads `name+id+base64` of an Ed25519 key of this type: the name, the id and the point.
pub(super) fn parse_public(
    text: &str,
    kind: u8,
) -> Result<(String, u32, ed25519_dalek::VerifyingKey), KeyError> {
    let (name, id, bytes) = split_fields(text.trim_end()).ok_or(KeyError::Form)?;
    if !is_key_name(name) {
        return Err(KeyError::Name);
    }
    let point = point_bytes(&bytes, kind, KeyError::Form)?;
    let inner = ed25519_dalek::VerifyingKey::from_bytes(point).map_err(|_| KeyError::Point)?;
    if inner.is_weak() {
        return Err(KeyError::Point);
    }
    if key_id_of(name, kind, point) != id {
        return Err(KeyError::Id);
    }
    Ok((name.to_owned(), id, inner))
}

pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// First four bytes of the hash over name, type and public key.
pub(super) fn key_id_of(name: &str, kind: u8, public: &[u8; 32]) -> u32 {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', kind])
        .chain_update(public)
        .finalize();
    let mut id = [0; 4];
    id.copy_from_slice(&digest[..4]);
    u32::from_be_bytes(id)
}

/// `name+id+base64`; the base64 part may itself contain `+`.
fn split_fields(text: &str) -> Option<(&str, u32, Zeroizing<Vec<u8>>)> {
    let (name, rest) = text.split_once('+')?;
    let (id, encoded) = rest.split_once('+')?;
    let id = HEXLOWER.decode(id.as_bytes()).ok()?;
    let id = u32::from_be_bytes(id.try_into().ok()?);
    Some((name, id, Zeroizing::new(BASE64.decode(encoded.as_bytes()).ok()?)))
}

fn point_bytes(typed: &[u8], kind: u8, malformed: KeyError) -> Result<&[u8; 32], KeyError> {
    match typed.split_first() {
        None => Err(malformed),
        Some((found, bytes)) if *found == kind => bytes.try_into().map_err(|_| malformed),
        Some((other, _)) => Err(KeyError::Type { found: *other, expected: kind }),
    }
}
