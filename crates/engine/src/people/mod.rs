//! People: their accounts, how they prove who they are, and their sessions.
//!
//! What is secret (hashes of passwords, of recovery codes and of the secrets of sessions) lies in tables beside the
//! ledger. That an account was made, a factor was changed, a person came in or left: that is in the ledger.

mod accounts;
mod devices;
mod emergency;
mod erase;
mod login;
mod oidc;
mod password;
mod provision;
mod refuse;
mod resets;
mod roles;
mod sessions;
mod throttle;
mod totp;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::Mutex;
use sluice_core::ids::TokenId;
use tokio::sync::Semaphore;

pub use accounts::{Enrolment, TotpStart};
pub use devices::DeviceStart;
pub use login::{LoginAttempt, Proof};
pub use oidc::{GroupMap, LoginProvider, LoginReturn, StartedLogin};
pub use provision::{GroupWish, UserRecord, UserWish};
pub use roles::{Explained, Object, RoleWish};
pub use sessions::{NewSession, OpenedSession};
use throttle::Throttle;

/// Passwords that are hashed at the same time: each takes 19 MiB and a core.
const HASHES: usize = 2;

/// What the engine remembers of people in memory only.
pub(crate) struct People {
    /// Places for hashing.
    hashing: Semaphore,
    /// Attempts that failed.
    throttle: Mutex<Throttle>,
    /// One at a time changes credentials: no code is good twice.
    credentials: Arc<tokio::sync::Mutex<()>>,
    /// When sessions were last used, in microseconds: as seen, and as stored.
    seen: Mutex<BTreeMap<TokenId, Seen>>,
    /// Command lines that wait to be confirmed.
    devices: Mutex<Vec<devices::Device>>,
    /// Whether it is known that no provider of identities confirms roles.
    unconfirmed: AtomicBool,
    /// How often a password was hashed.
    hashed: AtomicU64,
    /// What unknown names are compared with, so that they take as long as known ones.
    dummy: std::sync::OnceLock<String>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at_us: i64,
    stored_us: i64,
}

impl Default for People {
    fn default() -> Self {
        Self {
            hashing: Semaphore::new(HASHES),
            throttle: Mutex::default(),
            credentials: Arc::default(),
            seen: Mutex::default(),
            devices: Mutex::default(),
            unconfirmed: AtomicBool::new(false),
            hashed: AtomicU64::new(0),
            dummy: std::sync::OnceLock::new(),
        }
    }
}
