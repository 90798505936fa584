//! Secrets at rest: each under a key of its own, which lies beside it under the master key.
//!
//! The master key is never stored with the data: it comes from a file, the environment or a command when the server
//! starts. Whoever has the database alone has nothing. AES-256-GCM twice; the name of a secret is bound to both, so that
//! one cannot be put in the place of another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::rng::Rng;

const FORM: u8 = 1;
const ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const WRAPPED_BYTES: usize = KEY_BYTES + TAG_BYTES;

/// The master key, and the one before it until everything is under the new one.
pub struct Vault {
    current: MasterKey,
    previous: Option<MasterKey>,
}

struct MasterKey {
    id: [u8; ID_BYTES],
    key: LessSafeKey,
}

impl Vault {
    /// A vault with these keys. `None` where a key cannot be used.
    pub fn new(current: &[u8; 32], previous: Option<&[u8; 32]>) -> Option<Self> {
        let previous = match previous {
            Some(previous) => Some(MasterKey::new(previous)?),
            None => None,
        };
        Some(Self { current: MasterKey::new(current)?, previous })
    }

    /// What names the key that secrets are put under now; says nothing about it.
    pub(crate) fn key_id(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.current.id)
    }

    /// The bytes that are stored for a secret.
    pub(crate) fn seal(&self, name: &str, secret: &[u8], rng: &dyn Rng) -> Option<Vec<u8>> {
        let mut own = Zeroizing::new([0_u8; KEY_BYTES]);
        rng.fill(own.as_mut());
        let mut stored = self.wrap(name, &own, rng)?;
        stored.extend(encrypt(&key(own.as_ref())?, &about("value", name), secret, rng)?);
        Some(stored)
    }

    /// The secret behind stored bytes, where they are whole and under one of the keys.
    pub(crate) fn open(&self, name: &str, stored: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (own, sealed) = self.unwrap(name, stored)?;
        decrypt(&key(&own)?, &about("value", name), sealed)
    }

    /// The same secret under the current master key.
    pub(crate) fn rewrap(&self, name: &str, stored: &[u8], rng: &dyn Rng) -> Option<Vec<u8>> {
        let (own, sealed) = self.unwrap(name, stored)?;
        let own: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(own.as_slice().try_into().ok()?);
        let mut again = self.wrap(name, &own, rng)?;
        again.extend_from_slice(sealed);
        Some(again)
    }

    fn wrap(&self, name: &str, own: &[u8; KEY_BYTES], rng: &dyn Rng) -> Option<Vec<u8>> {
        let mut stored = vec![FORM];
        stored.extend_from_slice(&self.current.id);
        stored.extend(encrypt(&self.current.key, &about("key", name), own, rng)?);
        Some(stored)
    }

    /// A secret's own key, and what is under it.
    fn unwrap<'s>(&self, name: &str, stored: &'s [u8]) -> Option<(Zeroizing<Vec<u8>>, &'s [u8])> {
        let (form, rest) = stored.split_first()?;
        let (id, rest) = rest.split_at_checked(ID_BYTES)?;
        let (wrapped, sealed) = rest.split_at_checked(NONCE_BYTES + WRAPPED_BYTES)?;
        let mut keys = [Some(&self.current), self.previous.as_ref()].into_iter().flatten();
        let master = keys.find(|key| *form == FORM && key.id == id)?;
        Some((decrypt(&master.key, &about("key", name), wrapped)?, sealed))
    }
}

impl MasterKey {
    fn new(bytes: &[u8; KEY_BYTES]) -> Option<Self> {
        let hash = Sha256::digest([b"sluice master key\0".as_slice(), bytes].concat());
        Some(Self { id: hash.get(..ID_BYTES)?.try_into().ok()?, key: key(bytes)? })
    }
}

fn key(bytes: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes).ok().map(LessSafeKey::new)
}

fn about(what: &str, name: &str) -> Vec<u8> {
    format!("sluice secret {what}\0{name}").into_bytes()
}

fn encrypt(key: &LessSafeKey, about: &[u8], plain: &[u8], rng: &dyn Rng) -> Option<Vec<u8>> {
    let mut nonce = [0_u8; NONCE_BYTES];
    rng.fill(&mut nonce);
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(about),
        &mut sealed,
    )
    .ok()?;
    Some([nonce.as_slice(), &sealed].concat())
}

fn decrypt(key: &LessSafeKey, about: &[u8], stored: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = stored.split_at_checked(NONCE_BYTES)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    let length = key.open_in_place(nonce, Aad::from(about), plain.as_mut_slice()).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn a_secret_comes_back_under_its_own_name_and_key_only() {
        let vault = Vault::new(&[7; 32], None).expect("a vault");
        let stored = vault.seal("a", b"canary", &SystemRng).expect("sealed");
        assert!(!stored.windows(6).any(|window| window == b"canary"));
        assert_eq!(vault.open("a", &stored).expect("opened").as_slice(), b"canary");
        assert!(vault.open("b", &stored).is_none());
        assert!(Vault::new(&[8; 32], None).expect("a vault").open("a", &stored).is_none());
        for at in 0..stored.len() {
            let mut changed = stored.clone();
            changed[at] ^= 1;
            assert!(vault.open("a", &changed).is_none(), "byte {at}");
            assert!(vault.open("a", &stored[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn a_new_master_key_takes_over_without_a_gap() {
        let old = Vault::new(&[7; 32], None).expect("a vault");
        let stored = old.seal("a", b"canary", &SystemRng).expect("sealed");
        let both = Vault::new(&[8; 32], Some(&[7; 32])).expect("a vault");
        assert_eq!(both.open("a", &stored).expect("opened").as_slice(), b"canary");
        let again = both.rewrap("a", &stored, &SystemRng).expect("put under the new key");
        let new = Vault::new(&[8; 32], None).expect("a vault");
        assert_eq!(new.open("a", &again).expect("opened").as_slice(), b"canary");
        assert!(old.open("a", &again).is_none());
        assert_ne!(old.key_id(), new.key_id());
    }
}
