//! Coming in as a pipeline without a secret: the token of the pipeline's own system is exchanged
//! for a session of five minutes.
//!
//! GitHub signs a new token whenever it is asked, so a session that is over is simply got anew. GitLab
//! and Jenkins give a job one token, which is good for one exchange: the session lies in a private
//! file of the job's machine, named by what only the job knows, for the commands that follow.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;

use super::{Client, Reply, Trouble, bearer, encode, failure_of};
use crate::exit;
use crate::failure::Failure;
use crate::settings::IdTokenSource;

/// How long a session in a file is used: a little less than it is good for.
const KEPT: Duration = Duration::from_secs(270);
const LIMIT_BYTES: usize = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(20);
const HELP: &str = "check `trust` in the organisation's files, or give a token with SLUICE_TOKEN";

impl Client {
    /// Gets a session for the pipeline that this runs in, where it runs in one.
    pub(super) fn come_in(&self, source: &IdTokenSource) -> Result<(), Failure> {
        let secret = match source {
            IdTokenSource::Request { url, token } => {
                let signed = self.ask_for_token(url, token, &self.audience()?)?;
                self.exchange_token(&signed)?
            }
            IdTokenSource::Given(signed) => match kept(signed) {
                Some(secret) => secret,
                None => {
                    let secret = self.exchange_token(signed)?;
                    keep(signed, &secret);
                    secret
                }
            },
        };
        self.token.replace(Some(bearer(&secret)?));
        Ok(())
    }

    /// Whom the token has to be for. A server that names another service's audience would get a token for that
    /// service, so only names of ours are asked for.
    fn audience(&self) -> Result<String, Failure> {
        let keys = self.get("/api/v1/keys")?;
        let audience = keys.get("audience").and_then(Value::as_str).unwrap_or_default();
        if !audience.starts_with("sluice:") {
            let why = "it does not say whom a pipeline's token has to be for".to_owned();
            return Err(self.trouble(&Trouble::Nonsense(why)));
        }
        Ok(audience.to_owned())
    }

    fn ask_for_token(&self, url: &str, token: &str, audience: &str) -> Result<String, Failure> {
        if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1:") {
            return Err(Failure::usage("ACTIONS_ID_TOKEN_REQUEST_URL is not `https://`", HELP));
        }
        let joint = if url.contains('?') { '&' } else { '?' };
        let address = format!("{url}{joint}audience={}", encode(audience));
        let building = self
            .http
            .get(address)
            .header(AUTHORIZATION, bearer(token)?)
            .header(ACCEPT, "application/json");
        let reply = self.finish(building).map_err(|trouble| match trouble {
            Trouble::Unreachable(why) | Trouble::Nonsense(why) => {
                let why = format!("the pipeline's system gave no ID token: {why}");
                Failure::new(why, "try again in a moment").with_exit(exit::UNAVAILABLE)
            }
            door @ Trouble::Door(_) => self.trouble(&door),
        })?;
        let body: Value = reply.json().unwrap_or_default();
        let signed = body.get("value").and_then(Value::as_str).filter(|_| reply.status == 200);
        signed.map(str::to_owned).ok_or_else(|| {
            let status = reply.status;
            let why = format!("the pipeline's system gave no ID token (status {status})");
            let exit = match status {
                429 | 500..=599 => exit::UNAVAILABLE,
                200..=299 => exit::NOT_UNDERSTOOD,
                _ => exit::NOT_LET_IN,
            };
            Failure::new(why, "give the job `permissions: id-token: write`").with_exit(exit)
        })
    }

    fn exchange_token(&self, signed: &str) -> Result<String, Failure> {
        let form = format!(
            "grant_type={}&subject_token={}&subject_token_type={}",
            encode("urn:ietf:params:oauth:grant-type:token-exchange"),
            encode(signed),
            encode("urn:ietf:params:oauth:token-type:id_token"),
        );
        let building = self
            .http
            .post(format!("{}/api/v1/token/exchange", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json, application/problem+json")
            .body(form);
        let reply = self.finish(building).map_err(|trouble| self.trouble(&trouble))?;
        if !reply.is_success() {
            let failure = failure_of(&reply, &self.base);
            // Whatever the reason is, the token was understood, and is not believed.
            let refused = failure.exit == exit::FAILED;
            return Err(if refused { failure.with_exit(exit::NOT_LET_IN) } else { failure });
        }
        let body: Value = reply.json().unwrap_or_default();
        let secret = body.get("access_token").and_then(Value::as_str).map(str::to_owned);
        secret.ok_or_else(|| {
            self.trouble(&Trouble::Nonsense("the exchange gave no session".to_owned()))
        })
    }

    fn finish(&self, building: reqwest::RequestBuilder) -> Result<Reply, Trouble> {
        self.runtime.block_on(async {
            let response = building.timeout(TIMEOUT).send().await;
            let response = response.map_err(|error| Trouble::of(&error))?;
            Reply::read(response, LIMIT_BYTES).await
        })
    }
}

/// The file of a session: nobody who does not have the token can know its name.
fn file(signed: &str) -> PathBuf {
    let name = sluice_core::ids::Digest::of(signed.as_bytes());
    let name = name.as_str().trim_start_matches("sha256:").to_owned();
    std::env::temp_dir().join(format!("sluice-session-{name}"))
}

fn kept(signed: &str) -> Option<String> {
    let path = file(signed);
    let written =
        fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?.modified().ok()?;
    let age = written.elapsed().unwrap_or(Duration::MAX);
    (age < KEPT).then(|| fs::read_to_string(&path).ok())?
}

/// Kept where it can be; where it cannot, the next command has to be given a token.
fn keep(signed: &str, secret: &str) {
    let path = file(signed);
    if fs::remove_file(&path).is_ok() || !path.exists() {
        let _ = crate::commands::values::write_private(&path, secret);
    }
}
