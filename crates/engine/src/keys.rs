//! The installation's own keys: one signs checkpoints, one signs passes, one makes people opaque.
//!
//! They lie in `<data>/keys`, readable by their owner only; a key that others can read is refused. They are made at
//! the first start, and never again: a folder with a ledger and without a key is not opened. What belongs together is
//! written down in `made`, signed by the log's key, so that a key that was damaged or exchanged is noticed before it
//! is used.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::SigningKey as PassSigner;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sluice_core::ids::{IdentityKey, PersonId};
use sluice_ledger::{SigningKey, note};

use crate::error::OpenError;
use crate::rng::Rng;

/// The file that says which keys were made together.
const MADE: &str = "made";

/// The installation's own keys.
pub(crate) struct Keys {
    /// Signs checkpoints.
    pub(crate) log: Arc<SigningKey>,
    /// Signs passes.
    pub(crate) pass: PassSigner,
    /// Makes names and addresses of people opaque.
    people: [u8; 32],
    /// The public halves.
    pub(crate) public: PublicKeys,
}

/// What outsiders need in order to verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeys {
    /// Origin of the log.
    pub origin: String,
    /// The log's key as C2SP verifier key.
    pub log_key: String,
    /// The pass key: base64url of the raw Ed25519 public key.
    pub pass_key: String,
    /// Id of the pass key, in the header of every pass.
    pub pass_kid: String,
}

impl Keys {
    /// Reads the keys of `dir`, making those that are not there. `origin` is taken at the first start and kept.
    pub(crate) fn open(dir: &Path, origin: Option<&str>, rng: &dyn Rng) -> Result<Self, OpenError> {
        let folder = dir.join("keys");
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        restrict(&folder, 0o700)?;
        let has_ledger = fs::metadata(dir.join("sluice.db")).is_ok_and(|found| found.len() > 0);
        if has_ledger {
            refuse_missing(&folder)?;
        }
        let origin_file = folder.join("origin");
        let kept = fs::read_to_string(&origin_file).ok().map(|text| text.trim().to_owned());
        let origin = match (kept, origin) {
            (Some(kept), Some(wanted)) if kept != wanted => {
                return Err(OpenError::Keys {
                    message: format!(
                        "this folder is of the log `{kept}`, but `{wanted}` is configured: leave the origin out, or choose another folder"
                    ),
                });
            }
            (Some(kept), _) => kept,
            (None, wanted) => {
                let made = wanted
                    .map_or_else(|| format!("sluice.local/{}", rng.opaque_id()), str::to_owned);
                write_new(&origin_file, made.as_bytes())?;
                made
            }
        };
        let log_seed = seed(&folder.join("log.key"), rng)?;
        let log = SigningKey::from_seed(&origin, &log_seed).map_err(|error| OpenError::Keys {
            message: format!("the origin `{origin}` cannot name a log: {error}"),
        })?;
        let pass = PassSigner::from_bytes(&seed(&folder.join("pass.key"), rng)?);
        let people = seed(&folder.join("people.key"), rng)?;
        let raw = pass.verifying_key().to_bytes();
        let public = PublicKeys {
            origin,
            log_key: log.verifying_key().to_string(),
            pass_key: data_encoding::BASE64URL_NOPAD.encode(&raw),
            pass_kid: base32(&raw)[..16].to_owned(),
        };
        let keys = Self { log: Arc::new(log), pass, people, public };
        keys.belong_together(&folder.join(MADE))?;
        Ok(keys)
    }

    /// Compares the keys with what was written down when they were made; writes it down then.
    fn belong_together(&self, path: &Path) -> Result<(), OpenError> {
        let statement = format!(
            "sluice keys\n{}\n{}\n{}\n",
            self.public.origin,
            self.public.pass_key,
            self.opaque("keys", "made")
        );
        let altered = |what: String| OpenError::OtherKeys {
            message: format!(
                "{what}: restore the folder `keys` from a copy; without it the ledger cannot be continued"
            ),
        };
        if !path.exists() {
            let signed =
                note::sign(&statement, &[&self.log]).map_err(|e| altered(e.to_string()))?;
            return write_new(path, signed.as_bytes());
        }
        let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
        let made = String::from_utf8_lossy(&bytes);
        match note::open(&made, &[self.log.verifying_key()]) {
            Ok(opened) if opened.text == statement => Ok(()),
            Ok(_) => Err(altered(format!(
                "the keys are not those that `{}` names: one of them was exchanged or damaged",
                path.display()
            ))),
            Err(error) => Err(altered(format!(
                "`{}` is not signed by the log's key ({error}): one of them was exchanged or damaged",
                path.display()
            ))),
        }
    }

    /// A key for one purpose, which only the holder of the installation's own keys can make.
    pub(crate) fn derive(&self, what: &str, value: &str) -> [u8; 32] {
        // A key of 32 bytes fits every HMAC.
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.people) {
            Ok(mac) => mac,
            Err(_) => unreachable!("an HMAC takes a key of any length"),
        };
        mac.update(what.as_bytes());
        mac.update(b"\0");
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn opaque(&self, what: &str, value: &str) -> String {
        let mut text = base32(&self.derive(what, value));
        text.truncate(26);
        text
    }
}

impl sluice_organisation::Keys for Keys {
    fn person(&self, handle: &str) -> PersonId {
        let id = format!("person/{}", self.opaque("person", &handle.trim().to_lowercase()));
        match PersonId::parse(&id) {
            Ok(id) => id,
            Err(_) => unreachable!("26 letters and digits"),
        }
    }

    fn identity(&self, kind: &str, value: &str) -> IdentityKey {
        let id = format!("identity/{}", self.opaque(kind, &value.trim().to_lowercase()));
        match IdentityKey::parse(&id) {
            Ok(id) => id,
            Err(_) => unreachable!("26 letters and digits"),
        }
    }
}

/// Lower-case base32 without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    data_encoding::BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

fn seed(path: &Path, rng: &dyn Rng) -> Result<[u8; 32], OpenError> {
    if !path.exists() {
        let mut bytes = [0; 32];
        rng.fill(&mut bytes);
        write_new(path, data_encoding::BASE64.encode(&bytes).as_bytes())?;
    }
    refuse_open(path)?;
    let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
    let bytes = data_encoding::BASE64.decode(text.trim().as_bytes()).unwrap_or_default();
    <[u8; 32]>::try_from(bytes).map_err(|_| OpenError::OtherKeys {
        message: format!(
            "`{}` is not a key: restore it from a copy; without it the ledger cannot be continued",
            path.display()
        ),
    })
}

/// A key that the ledger was made with is never made anew.
fn refuse_missing(folder: &Path) -> Result<(), OpenError> {
    for name in ["origin", "log.key", "pass.key", "people.key", MADE] {
        let path = folder.join(name);
        if !path.exists() {
            return Err(OpenError::OtherKeys {
                message: format!(
                    "`{}` is missing, and there is a ledger that was made with it: restore it from a copy",
                    path.display()
                ),
            });
        }
    }
    Ok(())
}

/// Writes a file that is whole or not there at all, whatever happens meanwhile.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let write = || -> std::io::Result<()> {
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = options.open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    };
    write().map_err(|error| failed(path, &error))
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| failed(path, &error))
}

#[cfg(unix)]
fn refuse_open(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(|error| failed(path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(OpenError::Keys {
            message: format!(
                "others can read `{}`: run `chmod 600` on it, and make a new key if they may have",
                path.display()
            ),
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_: &Path, _: u32) -> Result<(), OpenError> {
    Ok(())
}

#[cfg(not(unix))]
fn refuse_open(_: &Path) -> Result<(), OpenError> {
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> OpenError {
    OpenError::Keys { message: format!("`{}` cannot be used: {error}", path.display()) }
}
