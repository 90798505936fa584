//! Idempotency keys, blobs, snapshots, declared items, cursors and cosigned heads.

use data_encoding::HEXLOWER;
use rusqlite::{Row, params};
use sha2::{Digest, Sha256};

use super::{Readers, sealed};
use crate::error::ReadError;
use crate::rows::{BlobRow, CosignedRow, IdempotencyRow, ItemRow, SnapshotRow};

/// The most declared items of one kind that are read at once.
const MAX_ITEMS: u32 = 100_000;

impl Readers {
    /// The recorded answer to an idempotency key.
    pub fn idempotency(&self, scope: &str, key: &str) -> Result<Option<IdempotencyRow>, ReadError> {
        let sql = "SELECT * FROM idempotency WHERE scope = ?1 AND key = ?2";
        self.one(sql, [scope, key], |row| {
            sealed(row, || format!("idempotency key `{key}` of `{scope}`"))?;
            Ok(IdempotencyRow {
                scope: row.get(0)?,
                key: row.get(1)?,
                body_hash: row.get(2)?,
                seq: row.get(3)?,
                at_us: row.get(4)?,
            })
        })
    }

    /// Evidence by its digest.
    pub fn blob(&self, digest: &str) -> Result<Option<BlobRow>, ReadError> {
        self.one("SELECT * FROM blobs WHERE digest = ?1", [digest], |row| {
            let damaged = || format!("blob `{digest}`");
            sealed(row, damaged)?;
            let bytes: Vec<u8> = row.get(2)?;
            if !digest_holds(digest, &bytes) {
                return Err(ReadError::damaged(damaged()));
            }
            let (media_type, created_us) = (row.get(1)?, row.get(3)?);
            Ok(BlobRow { digest: digest.to_owned(), media_type, bytes, created_us })
        })
    }

    /// The newest snapshot of this name.
    pub fn snapshot(&self, name: &str) -> Result<Option<SnapshotRow>, ReadError> {
        let sql = "SELECT * FROM snapshots WHERE name = ?1 ORDER BY size DESC LIMIT 1";
        self.one(sql, [name], |row| {
            sealed(row, || format!("snapshot `{name}`"))?;
            Ok(SnapshotRow {
                name: row.get(0)?,
                size: row.get(1)?,
                bytes: row.get(2)?,
                note: row.get(3)?,
            })
        })
    }

    /// One declared item.
    pub fn item(&self, kind: &str, name: &str) -> Result<Option<ItemRow>, ReadError> {
        self.one("SELECT * FROM items WHERE kind = ?1 AND name = ?2", [kind, name], item)
    }

    /// All declared items of one kind, by name.
    pub fn items(&self, kind: &str) -> Result<Vec<ItemRow>, ReadError> {
        let sql = "SELECT * FROM items WHERE kind = ?1 ORDER BY name LIMIT ?2";
        self.all(sql, params![kind, MAX_ITEMS], item)
    }

    /// The heads that witnesses have cosigned, by name.
    pub fn cosigned(&self) -> Result<Vec<CosignedRow>, ReadError> {
        self.all(COSIGNED, [], cosigned)
    }

    /// How far a following view has read.
    pub fn cursor(&self, name: &str) -> Result<Option<u64>, ReadError> {
        self.one("SELECT * FROM cursors WHERE name = ?1", [name], |row| {
            sealed(row, || format!("cursor `{name}`"))?;
            Ok(row.get(1)?)
        })
    }
}

/// All that were cosigned: as many as there ever were witnesses in the configuration.
pub(crate) const COSIGNED: &str = "SELECT * FROM cosigned ORDER BY name";

/// Reads a cosigned head whose seal holds.
pub(crate) fn cosigned(row: &Row<'_>) -> Result<CosignedRow, ReadError> {
    let name: String = row.get(0)?;
    sealed(row, || format!("the head cosigned by `{name}`"))?;
    Ok(CosignedRow { size: row.get(1)?, at_us: row.get(2)?, note: row.get(3)?, name })
}

/// Whether bytes have this digest, `sha256:<64 hex>` or the bare hex digits.
pub(crate) fn digest_holds(digest: &str, bytes: &[u8]) -> bool {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    HEXLOWER.encode(&Sha256::digest(bytes)) == hex
}

fn item(row: &Row<'_>) -> Result<ItemRow, ReadError> {
    Ok(ItemRow { kind: row.get(0)?, name: row.get(1)?, digest: row.get(2)?, body: row.get(3)? })
}
