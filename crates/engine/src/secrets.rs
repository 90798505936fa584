//! Secrets by reference: what names them is configuration, what finds them is handed in.

use sluice_core::organisation::SecretRef;

/// Finds the secret behind a reference.
pub trait Secrets: Send + Sync {
    /// The secret's bytes; `None` where there is none.
    fn find(&self, reference: &SecretRef) -> Option<Vec<u8>>;
}

/// Finds nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn find(&self, _: &SecretRef) -> Option<Vec<u8>> {
        None
    }
}
