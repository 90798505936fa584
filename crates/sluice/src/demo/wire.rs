//! The demonstration's own client: plain requests, answers as JSON.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde_json::Value;

use crate::failure::{Failure, chain};

/// A way to the demonstration's server.
pub(super) struct Wire {
    http: reqwest::Client,
    base: String,
    keys: AtomicU64,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answered {
    /// The text at a JSON pointer, or nothing.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Wire {
    #[expect(clippy::disallowed_methods, reason = "it speaks to the demo's own server")]
    pub(super) fn to(address: SocketAddr) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(30))
            .build()
            .map_err(|error| {
                Failure::new(chain(&error), "check the certificates that this system trusts")
            })?;
        Ok(Self { http, base: format!("http://{address}"), keys: AtomicU64::new(0) })
    }

    pub(super) async fn get(&self, token: &str, path: &str) -> Result<Answered, Failure> {
        self.send(self.http.request(Method::GET, format!("{}{path}", self.base)).bearer_auth(token))
            .await
    }

    /// Sends JSON with an idempotency key of its own.
    pub(super) async fn post(
        &self,
        token: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answered, Failure> {
        self.post_if(token, path, body, None).await
    }

    /// The same for a record that was seen at a version.
    pub(super) async fn post_if(
        &self,
        token: &str,
        path: &str,
        body: &Value,
        version: Option<&str>,
    ) -> Result<Answered, Failure> {
        let key = format!("demo-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        let mut request = self
            .http
            .request(Method::POST, format!("{}{path}", self.base))
            .bearer_auth(token)
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(body.to_string());
        if let Some(version) = version {
            request = request.header("if-match", version);
        }
        self.send(request).await
    }

    /// Sends a delivery to a hook, its headers and bytes as they are.
    pub(super) async fn deliver(
        &self,
        hook: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Result<Answered, Failure> {
        let mut request =
            self.http.request(Method::POST, format!("{}{hook}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answered, Failure> {
        let lost = |error: reqwest::Error| {
            Failure::new(chain(&error), "check that nothing else uses the port")
        };
        let response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(lost)?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Answered { status, body })
    }
}

impl Wire {
    /// The server's address.
    pub(super) fn base(&self) -> &str {
        &self.base
    }
}
