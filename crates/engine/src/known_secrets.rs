//! Secrets of tokens that were looked up already, by their hashes: a pipeline shows the same one many times.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use sluice_core::ids::TokenId;

/// How many are remembered; where there are more, all are looked up again.
const KEPT: usize = 10_000;

/// Hashes of good secrets, and the tokens that they are of. Whether a token is in force is not said here.
#[derive(Debug, Default)]
pub(crate) struct KnownSecrets {
    tokens: Mutex<BTreeMap<[u8; 32], TokenId>>,
}

impl KnownSecrets {
    /// Whether the secret of this hash was found to be of this token.
    pub(crate) fn is_of(&self, hash: &[u8; 32], id: &TokenId) -> bool {
        self.tokens.lock().get(hash) == Some(id)
    }

    pub(crate) fn remember(&self, hash: [u8; 32], id: TokenId) {
        let mut tokens = self.tokens.lock();
        if tokens.len() >= KEPT {
            tokens.clear();
        }
        tokens.insert(hash, id);
    }
}
