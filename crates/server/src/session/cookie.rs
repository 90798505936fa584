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
    only(headers, name(options, headers))
}

/// What is in the cookie of a login that was begun.
pub(crate) fn login_of<'a>(options: &ServerOptions, headers: &'a HeaderMap) -> Option<&'a str> {
    only(headers, login_name(options, headers))
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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

/// The header that sets the cookie of a login for as long as it may take. It is sent along when the provider sends the
/// person back, since that is a page they go to.
pub(crate) fn login_value(
    options: &ServerOptions,
    headers: &HeaderMap,
    key: &str,
) -> Option<HeaderValue> {
    built(login_name(options, headers), key, "; Max-Age=600")
}

/// The header that takes the cookie of a login away.
pub(crate) fn clear_login(options: &ServerOptions, headers: &HeaderMap) -> Option<HeaderValue> {
    built(login_name(options, headers), "", "; Max-Age=0")
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
    built(name(options, headers), secret, more)
}

fn built(name: &str, secret: &str, more: &str) -> Option<HeaderValue> {
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    let text = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn login_name(options: &ServerOptions, headers: &HeaderMap) -> &'static str {
    if name(options, headers) == SECURE { "__Host-sluice-login" } else { "sluice-loopback-login" }
}

fn name(options: &ServerOptions, headers: &HeaderMap) -> &'static str {
    if options.public_url.is_none() && is_loopback(headers) { LOOPBACK } else { SECURE }
}

/// Whether a request was sent to a name that means this machine.
pub(crate) fn is_loopback(headers: &HeaderMap) -> bool {
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
