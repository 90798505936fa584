//! Where the server finds the secrets that links name.

use std::path::Path;

use sluice_core::organisation::SecretRef;
use sluice_engine::Secrets;

/// Secrets from the environment and from files, read anew each time, so that they can be rotated.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PlainSecrets;

/// The longest secret.
const MAX_BYTES: u64 = 64 * 1024;

impl Secrets for PlainSecrets {
    fn find(&self, name: &SecretRef) -> Option<Vec<u8>> {
        let bytes = match name {
            SecretRef::Env(name) => super::variable(name)?.into_bytes(),
            // The engine has those.
            SecretRef::Stored(_) => return None,
            SecretRef::File(path) => {
                let mut bytes =
                    crate::commands::values::read_file(Path::new(path), MAX_BYTES).ok()?;
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                }
                bytes
            }
        };
        Some(bytes).filter(|bytes| !bytes.is_empty())
    }
}
