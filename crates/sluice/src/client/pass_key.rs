//! The public key that passes are checked with.

use std::path::Path;

use ed25519_dalek::VerifyingKey;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sluice_engine::clock::{Clock, SystemClock};
use sluice_engine::pass_token::{self, Expected, PassProblem, TokenClaims};

use super::Client;
use crate::exit;
use crate::failure::Failure;
use crate::output;

/// The most bytes of a file with a key.
const MAX_FILE_BYTES: u64 = 1 << 16;
/// How far the clock here may stand behind the server's.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// A public key of passes.
#[derive(Debug, Clone)]
pub(crate) struct PassKey(VerifyingKey);

impl PassKey {
    /// Reads a key: base64, a JWK, or the path of a file with either.
    pub(crate) fn read(given: &str) -> Result<Self, Failure> {
        let text = if Path::new(given).is_file() {
            crate::commands::values::read_text(Path::new(given), MAX_FILE_BYTES)?
        } else {
            given.to_owned()
        };
        Self::of_text(text.trim()).ok_or_else(|| {
            Failure::usage(
                "this is no public key of passes",
                "give the pass key from `GET /api/v1/keys`, or a file with it",
            )
        })
    }

    fn of_text(text: &str) -> Option<Self> {
        let encoded = match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(jwk)) => {
                let is = |name: &str, value: &str| {
                    jwk.get(name).and_then(Value::as_str).is_some_and(|found| found == value)
                };
                if !(is("kty", "OKP") && is("crv", "Ed25519")) {
                    return None;
                }
                jwk.get("x")?.as_str()?.to_owned()
            }
            _ => text.to_owned(),
        };
        let url_safe = encoded.trim_end_matches('=').replace('+', "-").replace('/', "_");
        pass_token::parse_key(&url_safe).map(Self)
    }

    /// Asks the server for its key, and says that this proves less than a key that was pinned.
    pub(crate) fn fetch(client: &Client) -> Result<Self, Failure> {
        let nonsense = |message: String| {
            Failure::new(
                message,
                "check `--server`, or pin the key with `--pass-key` or SLUICE_PASS_KEY",
            )
            .with_exit(exit::NOT_UNDERSTOOD)
        };
        let keys = client.get("/api/v1/keys").map_err(|failure| match failure.exit {
            exit::FAILED => nonsense(format!("the key of passes: {}", failure.message)),
            _ => failure,
        })?;
        let text = ["/pass_key/x", "/pass_key"]
            .iter()
            .find_map(|pointer| keys.pointer(pointer).and_then(Value::as_str));
        let Some((text, key)) = text.and_then(|text| Some((text, Self::of_text(text)?))) else {
            return Err(nonsense(format!("`{}` gives no public key of passes", client.base())));
        };
        output::note(&format!(
            "{}: the pass is checked with the key that this server itself gives, {}; pin it with \
             SLUICE_PASS_KEY",
            output::attention("warning"),
            output::clean(text)
        ));
        Ok(key)
    }

    /// Checks form, signature, time and bindings of a pass.
    ///
    /// A clock that is up to a minute behind the server's does no harm; one that is ahead ends the pass
    /// early, never late.
    pub(crate) fn verify(
        &self,
        token: &str,
        expected: &Expected,
    ) -> Result<TokenClaims, PassProblem> {
        let now: Timestamp = SystemClock::default().now();
        match pass_token::verify(token, &self.0, expected, now) {
            Err(PassProblem::OutOfTime { from, .. })
                if now < from && from.duration_since(now) <= SKEW =>
            {
                pass_token::verify(token, &self.0, expected, from)
            }
            result => result,
        }
    }
}
