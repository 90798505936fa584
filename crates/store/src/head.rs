//! The head row: size, root and time of the journal, sealed with a key.
//!
//! The seal is made with a secret derived from the signing key, so that whoever can write the
//! database but not sign cannot add entries while the server is stopped. It is not a signature:
//! checkpoints are signed only after what was committed has been read back.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use sluice_ledger::{Hash, SigningKey};

use crate::error::ReadError;
use crate::readers::Head;

/// The secret that seals the head row.
#[derive(Clone)]
pub(crate) struct HeadKey([u8; 32]);

/// The head row with its seal, which may or may not hold.
pub(crate) struct StoredHead {
    pub(crate) head: Head,
    /// Counts the commits that were acknowledged, those without entries too.
    pub(crate) commits: u64,
    seal: Vec<u8>,
}

impl HeadKey {
    /// Derives the secret. Ed25519 signatures are deterministic, and this one is never shown.
    pub(crate) fn derive(key: &SigningKey, origin: &str) -> Self {
        let signature = key.sign(format!("sluice head seal v1\n{origin}\n").as_bytes());
        Self(Sha256::digest(signature).into())
    }

    fn mac(&self, head: &Head, commits: u64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(&head.size.to_be_bytes());
        mac.update(head.root.as_bytes());
        mac.update(&head.last_time_us.to_be_bytes());
        mac.update(&commits.to_be_bytes());
        Some(mac)
    }

    fn seal(&self, head: &Head, commits: u64) -> Vec<u8> {
        self.mac(head, commits).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
    }

    /// Whether the row was written by somebody with the key.
    pub(crate) fn sealed(&self, stored: &StoredHead) -> bool {
        self.mac(&stored.head, stored.commits)
            .is_some_and(|mac| mac.verify_slice(&stored.seal).is_ok())
    }
}

/// Reads the head row.
pub(crate) fn read(connection: &Connection) -> Result<StoredHead, ReadError> {
    let mut statement = connection
        .prepare_cached("SELECT size, root, last_time_us, commits, seal FROM head WHERE id = 1")?;
    let mut rows = statement.query([])?;
    let row = rows.next()?.ok_or_else(|| ReadError::damaged("the head row".to_owned()))?;
    let head = Head { size: row.get(0)?, root: Hash::new(row.get(1)?), last_time_us: row.get(2)? };
    Ok(StoredHead { head, commits: row.get(3)?, seal: row.get(4)? })
}

/// Writes the head row.
pub(crate) fn write(
    connection: &Connection,
    head: &Head,
    commits: u64,
    key: &HeadKey,
) -> rusqlite::Result<()> {
    let (size, root, seal) = (head.size, head.root.as_bytes(), key.seal(head, commits));
    connection
        .prepare_cached(
            "INSERT INTO head (id, size, root, last_time_us, commits, seal)
             VALUES (1, ?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET size = excluded.size, root = excluded.root,
               last_time_us = excluded.last_time_us, commits = excluded.commits,
               seal = excluded.seal",
        )?
        .execute(params![size, root, head.last_time_us, commits, seal])?;
    Ok(())
}
