//! Logins that were begun at a provider: kept in memory until the person comes back, each used once.
//!
//! What ties an answer to the browser that asked is a cookie of its own; the provider sees nothing of it.

use std::collections::BTreeMap;

use http::header::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use sluice_engine::StartedLogin;

use super::cookie;
use crate::options::ServerOptions;

/// Logins under way at the same time; the oldest gives way.
const MOST: usize = 10_000;
/// How long one may take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// The logins, by what is in the browser's cookie.
#[derive(Default)]
pub(crate) struct Logins {
    begun: Mutex<BTreeMap<String, (StartedLogin, String)>>,
}

impl Logins {
    /// Keeps a login with the page that the person wanted.
    pub(crate) fn keep(&self, key: String, started: StartedLogin, then: String) {
        let now = started.at;
        let mut begun = self.begun.lock();
        begun.retain(|_, (other, _)| now.duration_since(other.at) <= PATIENCE);
        if begun.len() >= MOST {
            let oldest = begun.iter().min_by_key(|(_, (other, _))| other.at);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                begun.remove(&key);
            }
        }
        begun.insert(key, (started, then));
    }

    /// Takes a login out: it is used once, whatever becomes of it.
    pub(crate) fn take(&self, key: &str, now: Timestamp) -> Option<(StartedLogin, String)> {
        let taken = self.begun.lock().remove(key);
        taken.filter(|(started, _)| now.duration_since(started.at) <= PATIENCE)
    }
}

/// The header that sets the cookie of a login.
pub(crate) fn set_login(
    options: &ServerOptions,
    headers: &HeaderMap,
    key: &str,
) -> Option<HeaderValue> {
    cookie::login_value(options, headers, key)
}
