//! Where a request goes, read once.
//!
//! A text that two readers could read differently is refused before anybody reads it; what is
//! checked, resolved, connected to and written into the request are then parts of one value.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::failure::Why;
use crate::reach::Reach;

/// The longest address.
const MAX_BYTES: usize = 4 << 10;

/// An address that a link may send to, as far as its text says.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: Host<String>,
    port: u16,
}

impl Target {
    /// Reads an address and checks all that can be checked without the network. The order of
    /// checks is fixed: form, scheme, user, host, port, list.
    pub fn read(text: &str, reach: &Reach) -> Result<Self, Why> {
        let authority = authority_of(text)?;
        let url = Url::parse(text).map_err(|_| Why::OddHost)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Why::UserInfo);
        }
        let host = url.host().ok_or(Why::Malformed)?.to_owned();
        if !is_plain(authority, &host) {
            return Err(Why::OddHost);
        }
        let name = host.to_string();
        let plain = match url.scheme() {
            "https" => false,
            "http" if reach.lists_plain(&name) => true,
            _ => return Err(Why::Scheme),
        };
        let port = url.port_or_known_default().ok_or(Why::Port)?;
        if !reach.lists_port(port, plain) {
            return Err(Why::Port);
        }
        if !reach.lists(&name) {
            return Err(Why::Host);
        }
        Ok(Self { url, host, port })
    }

    /// The host's name or address; an IPv6 address has its brackets.
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The name to ask for its addresses.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// The address, where the host is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Domain(_) => None,
            Host::Ipv4(four) => Some(IpAddr::V4(*four)),
            Host::Ipv6(six) => Some(IpAddr::V6(*six)),
        }
    }

    /// What stands in the request's first line.
    pub(crate) fn path_and_query(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// What stands in the header `Host`.
    pub(crate) fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Where a relative reference leads from here.
    pub(crate) fn join(&self, reference: &str) -> Option<String> {
        self.url.join(reference).ok().map(String::from)
    }
}

/// Paths and queries hold secrets of some systems, so they are not shown.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/..", self.url.scheme(), self.authority())
    }
}

/// The part between `//` and the next `/`, `?` or `#` of a text that has only one reading.
fn authority_of(text: &str) -> Result<&str, Why> {
    let strange = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.len() > MAX_BYTES || text.contains(strange) {
        return Err(Why::Malformed);
    }
    let (scheme, rest) = text.split_once("://").ok_or(Why::Malformed)?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return Err(Why::Scheme);
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    if authority.contains('@') {
        return Err(Why::UserInfo);
    }
    if authority.is_empty() || authority.contains(['%', ',', ';', '"', '\'', '`', '<', '>']) {
        return Err(Why::OddHost);
    }
    Ok(authority)
}

/// Whether the host in the text is written as everybody writes it: an address in its usual form,
/// a name of letters, digits and hyphens in labels (after IDNA, where it was not ASCII).
fn is_plain(authority: &str, host: &Host<String>) -> bool {
    let written = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(inside, _)| inside),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    match host {
        Host::Ipv4(four) => written == four.to_string(),
        Host::Ipv6(six) => written.parse() == Ok(*six),
        Host::Domain(name) => {
            // Characters that IDNA drops or that look like a slash have no place in a name.
            let letters = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            let same = if written.is_ascii() {
                written.eq_ignore_ascii_case(name)
            } else {
                written.chars().all(letters)
            };
            same && name.len() <= 253 && name.split('.').all(is_label) && !ends_in_number(name)
        }
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn ends_in_number(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}
