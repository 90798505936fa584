//! Secrets that are no secrets.

use sluice_core::organisation::SecretRef;
use sluice_engine::Secrets;

/// The secret named `{env: NAME}` is `secret-of-NAME`, that of a file its content; there are no others.
#[derive(Debug, Clone, Copy, Default)]
pub struct NamedSecrets;

impl NamedSecrets {
    /// The secret of a name.
    pub fn of(name: &str) -> Vec<u8> {
        format!("secret-of-{name}").into_bytes()
    }
}

impl Secrets for NamedSecrets {
    fn find(&self, reference: &SecretRef) -> Option<Vec<u8>> {
        match reference {
            SecretRef::Env(name) => Some(Self::of(name)),
            SecretRef::File(path) => std::fs::read(path).ok(),
            SecretRef::Stored(_) => None,
        }
    }
}
