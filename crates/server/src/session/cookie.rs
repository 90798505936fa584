//! The cookie of a session.
//!
//! It is a `__Host-` cookie: `Secure`, for this host and path `/` only, out of reach of scripts, and not sent along from
//! other sites. Over plain HTTP on a loopback address, where browsers refuse such a cookie, it has another name and is
//! not `Secure`; that name counts nowhere else.

use http::header::{COOKIE, HOST, HeaderMap, HeaderValue};
use sluice_engine::OpenedSession;

use crate::options::ServerOptions;

/// Its name wherever connections are encrypted.
const SECURE: &str = "__Host-sluice";
/// Its name on a loopback address without encryption.
const LOOPBACK: &str = "sluice-loopback";

/// The secret in the cookie. Two cookies of the name are none.
pub(crate) fn secret_of<'a>(options: &ServerOptions, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = name(options, headers);
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let secret = found.next().filter(|secret| !secret.is_empty());
    if found.next().is_some() { None } else { secret }
}

/// The header that sets the cookie. It lives as long as the browser does; the server ends it earlier.
pub(crate) fn set(
    options: &ServerOptions,
    headers: &HeaderMap,
    opened: &OpenedSession,
) -> Option<HeaderValue> {
    value(options, headers, &opened.secret, "")
}

/// The header that takes the cookie away.
pub(crate) fn clear(options: &ServerOptions, headers: &HeaderMap) -> Option<HeaderValue> {
    value(options, headers, "", "; Max-Age=0")
}

fn value(
    options: &ServerOptions,
    headers: &HeaderMap,
    secret: &str,
    more: &str,
) -> Option<HeaderValue> {
    let name = name(options, headers);
    let secure = if name == SECURE { "; Secure" } else { "" };
    let text = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn name(options: &ServerOptions, headers: &HeaderMap) -> &'static str {
    if options.public_url.is_none() && is_loopback(headers) { LOOPBACK } else { SECURE }
}

/// Whether a request was sent to a name that means this machine.
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    address || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a value"));
        headers.insert(COOKIE, cookie.parse().expect("a value"));
        headers
    }

    #[test]
    fn each_name_counts_only_where_it_belongs() {
        let here = ServerOptions::default();
        let there = ServerOptions {
            public_url: Some("https://sluice.example".to_owned()),
            ..ServerOptions::default()
        };
        for (options, host, cookie, secret) in [
            (&here, "127.0.0.1:7171", "a=b; sluice-loopback=x", Some("x")),
            (&here, "[::1]:7171", "sluice-loopback=x", Some("x")),
            (&here, "localhost", "__Host-sluice=x", None),
            (&here, "sluice.example", "sluice-loopback=x", None),
            (&here, "sluice.example", "__Host-sluice=x", Some("x")),
            (&here, "localhost.evil.example", "sluice-loopback=x", None),
            (&there, "127.0.0.1:7171", "sluice-loopback=x", None),
            (&here, "sluice.example", "__Host-sluice=x; __Host-sluice=y", None),
            (&here, "sluice.example", "__Host-sluice=", None),
        ] {
            assert_eq!(secret_of(options, &headers(host, cookie)), secret, "{host} {cookie}");
        }
    }
}
