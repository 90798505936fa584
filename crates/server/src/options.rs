//! What can be chosen about the server.

use std::time::Duration;

use sluice_engine::LoginProvider;

/// What can be chosen about the server. The defaults are those of the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// The address at which people reach the server, `https://sluice.example.org`. With it the cookie of sessions is
    /// always `Secure`, and only this origin may change something by it. Without it the `Host` of each request counts.
    pub public_url: Option<String>,
    /// The header in which our own proxy says who asks, such as `x-forwarded-for`; only where one stands before.
    pub address_header: Option<String>,
    /// Providers of identities that people can come in by.
    pub providers: Vec<LoginProvider>,
    /// Whether `/metrics` answers without a token.
    pub public_metrics: bool,
    /// Whether the published log (`/log/...`) answers without a token. Without it, verifying
    /// from outside needs a token with `ledger.read`.
    pub public_log: bool,
    /// The largest delivery, in bytes; at most 25 MiB.
    pub hook_body_bytes: usize,
    /// Bytes of deliveries that may be in memory at the same time.
    pub hook_budget_bytes: usize,
    /// How long a request may take; long polls and event streams have their own times.
    pub request_timeout: Duration,
    /// How long the headers of a request may take.
    pub header_timeout: Duration,
    /// Connections at the same time; further ones wait to be accepted.
    pub connections: usize,
    /// How long running requests are waited for when the server stops.
    pub drain: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            public_url: None,
            address_header: None,
            providers: Vec::new(),
            public_metrics: true,
            public_log: true,
            hook_body_bytes: 5 << 20,
            hook_budget_bytes: 64 << 20,
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            connections: 2_000,
            drain: Duration::from_secs(20),
        }
    }
}
