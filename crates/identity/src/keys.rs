//! Published keys (JWK sets), as far as they can verify.

use aws_lc_rs::signature::RsaPublicKeyComponents;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use crate::algorithm::Family;
use crate::json;

/// Bytes of a set.
const MAX_BYTES: usize = 256 << 10;
/// Keys of a set.
const MAX_KEYS: usize = 100;
/// Bytes of a key's id.
const MAX_ID_BYTES: usize = 512;

/// A key, ready to verify with.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    /// Modulus and exponent.
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// A point of a curve: uncompressed for ECDSA, 32 bytes for Ed25519.
    Point(Vec<u8>),
}

#[derive(Debug, Clone)]
struct Listed {
    id: Option<String>,
    shape: Shape,
    /// `alg`, where the key is bound to one.
    only: Option<String>,
    key: Key,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// The keys that an issuer has published.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<Listed>,
}

/// Why a text is no set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// Not a JSON object with `keys`, or too large.
    #[error("it is not a JWK set")]
    Malformed,
    /// Two keys of one kind have the same id, so that it is not clear which one is meant.
    #[error("two of its keys have the same id")]
    Ambiguous,
    /// It holds a private key, so whoever reads it could sign.
    #[error("it holds a private key")]
    Private,
    /// None of the keys can be used.
    #[error("none of its keys can be used")]
    Empty,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517). Keys that are not for signatures or of an unknown kind are left
    /// out, as are RSA keys below 2048 bits.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadKeys> {
        if bytes.len() > MAX_BYTES {
            return Err(BadKeys::Malformed);
        }
        let members = json::object(bytes).ok_or(BadKeys::Malformed)?;
        let Some(Value::Array(listed)) = members.get("keys") else {
            return Err(BadKeys::Malformed);
        };
        if listed.len() > MAX_KEYS {
            return Err(BadKeys::Malformed);
        }
        let mut keys: Vec<Listed> = Vec::new();
        for value in listed {
            if value.get("d").is_some() || value.get("p").is_some() {
                return Err(BadKeys::Private);
            }
            let Some(key) = read(value) else { continue };
            let same = |known: &Listed| known.shape == key.shape && known.id == key.id;
            if key.id.is_some() && keys.iter().any(same) {
                return Err(BadKeys::Ambiguous);
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(BadKeys::Empty) } else { Ok(Self { keys }) }
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of that id; without an id, the only one of its family.
    pub(crate) fn find(&self, id: Option<&str>, family: Family, algorithm: &str) -> Option<&Key> {
        let shape = match family {
            Family::Rsa | Family::RsaPss => Shape::Rsa,
            Family::P256 => Shape::P256,
            Family::P384 => Shape::P384,
            Family::Ed25519 => Shape::Ed25519,
        };
        let mut fitting = self.keys.iter().filter(|key| {
            let named = id.is_none() || key.id.as_deref() == id;
            key.shape == shape && named && key.only.as_deref().is_none_or(|only| only == algorithm)
        });
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(&key.key),
            _ => None,
        }
    }
}

fn read(value: &Value) -> Option<Listed> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    if let Some(operations) = value.get("key_ops") {
        let operations = operations.as_array()?;
        operations.iter().find(|operation| operation.as_str() == Some("verify"))?;
    }
    let id = match value.get("kid") {
        None => None,
        Some(Value::String(id)) if !id.is_empty() && id.len() <= MAX_ID_BYTES => Some(id.clone()),
        Some(_) => return None,
    };
    let (shape, key) = match (text("kty")?, text("crv")) {
        ("RSA", None) => (Shape::Rsa, rsa(text("n")?, text("e")?)?),
        ("EC", Some("P-256")) => (Shape::P256, point(text("x")?, text("y")?, 32)?),
        ("EC", Some("P-384")) => (Shape::P384, point(text("x")?, text("y")?, 48)?),
        ("OKP", Some("Ed25519")) => {
            let x = bytes(text("x")?).filter(|x| x.len() == 32)?;
            (Shape::Ed25519, Key::Point(x))
        }
        _ => return None,
    };
    Some(Listed { id, shape, only: text("alg").map(str::to_owned), key })
}

fn rsa(n: &str, e: &str) -> Option<Key> {
    let (n, e) = (bytes(n)?, bytes(e)?);
    let bits = n.len() * 8;
    let leading = n.first().copied()?;
    // The exponent: odd, more than one, and no larger than everybody's is.
    let odd = e.last().is_some_and(|last| last % 2 == 1);
    let sound = leading != 0 && (2048..=8192).contains(&bits) && leading >= 0x80;
    let small = e.len() <= 4 && e.first().is_some_and(|first| *first != 0) && e != [1];
    (sound && odd && small).then_some(Key::Rsa(RsaPublicKeyComponents { n, e }))
}

fn point(x: &str, y: &str, width: usize) -> Option<Key> {
    let (x, y) = (bytes(x)?, bytes(y)?);
    (x.len() == width && y.len() == width).then(|| Key::Point([vec![4], x, y].concat()))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}
