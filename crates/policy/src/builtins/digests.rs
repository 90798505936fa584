//! SHA-256 and its HMAC, which the engine lacks. The broken digests (MD5, SHA-1) are left out on purpose.

use anyhow::Result;
use data_encoding::HEXLOWER;
use regorus::Value;
use sha2::{Digest as _, Sha256};

use super::{Builtin, cannot, text};

pub(super) const TABLE: &[(&str, u8, Builtin)] = &[
    ("crypto.sha256", 1, sha256),
    ("crypto.hmac.sha256", 2, hmac_sha256),
    ("crypto.hmac.equal", 2, equal),
];

fn sha256(args: &[Value]) -> Result<Value> {
    match text(args, 0) {
        Some(text) => Ok(Value::from(HEXLOWER.encode(&Sha256::digest(text)))),
        None => cannot("`crypto.sha256` takes a text"),
    }
}

/// RFC 2104 over SHA-256, whose block is 64 bytes long.
fn hmac_sha256(args: &[Value]) -> Result<Value> {
    let (Some(message), Some(key)) = (text(args, 0), text(args, 1)) else {
        return cannot("`crypto.hmac.sha256` takes two texts");
    };
    let mut block = [0u8; 64];
    let short = if key.len() > block.len() {
        Sha256::digest(key).to_vec()
    } else {
        key.as_bytes().to_vec()
    };
    block.iter_mut().zip(short).for_each(|(byte, key)| *byte = key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    Ok(Value::from(HEXLOWER.encode(&outer)))
}

/// Compares without telling by its time where two texts differ.
fn equal(args: &[Value]) -> Result<Value> {
    let (Some(left), Some(right)) = (text(args, 0), text(args, 1)) else {
        return cannot("`crypto.hmac.equal` takes two texts");
    };
    let differ = left
        .bytes()
        .zip(right.bytes())
        .fold(left.len() ^ right.len(), |seen, (left, right)| seen | usize::from(left ^ right));
    Ok(Value::from(differ == 0))
}
