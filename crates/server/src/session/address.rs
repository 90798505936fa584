//! Where a request comes from, for holding up those who try passwords.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::{HeaderMap, request};

use crate::app::App;
use crate::options::ServerOptions;

/// The address at the other end of the connection. Made by the listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The address of whoever asks; absent where a test calls without a socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From(pub(crate) Option<IpAddr>);

impl FromRequestParts<App> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut request::Parts,
        app: &App,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<Peer>().copied();
        Ok(Self(address_of(&app.options, &parts.headers, peer)))
    }
}

/// The address of whoever asks. A header counts only where the options name it: the last value is the one that our own
/// proxy added.
pub(crate) fn address_of(
    options: &ServerOptions,
    headers: &HeaderMap,
    peer: Option<Peer>,
) -> Option<IpAddr> {
    let named = options.address_header.as_deref().and_then(|name| {
        let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse().ok()
    });
    named.or(peer.map(|peer| peer.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_counts_only_where_it_is_named_and_only_its_last_value() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse().expect("a value"));
        let peer = Some(Peer([127, 0, 0, 1].into()));
        let plain = ServerOptions::default();
        assert_eq!(address_of(&plain, &headers, peer), Some([127, 0, 0, 1].into()));
        let behind = ServerOptions { address_header: Some("x-forwarded-for".to_owned()), ..plain };
        assert_eq!(address_of(&behind, &headers, peer), Some([198, 51, 100, 7].into()));
        assert_eq!(address_of(&behind, &HeaderMap::new(), peer), Some([127, 0, 0, 1].into()));
    }
}
