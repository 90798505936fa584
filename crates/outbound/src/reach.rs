//! What one link may reach.

use std::collections::BTreeSet;

use url::Host;

use crate::address::is_private;
use crate::network::{BadNetwork, Network};

/// The hosts, ports and networks of one link. Everything else is out of its reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    hosts: BTreeSet<String>,
    plain: BTreeSet<String>,
    ports: BTreeSet<u16>,
    opened: Vec<Network>,
}

/// Why something cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReach {
    /// Not the name of a host, or an address.
    #[error("`{0}` is not the name of a host")]
    Host(String),
    /// Not a range that can be opened.
    #[error(transparent)]
    Network(#[from] BadNetwork),
}

impl Reach {
    /// Reaches nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reaches the host and port of one `https` address, with these private networks opened.
    pub fn of_url<'n>(
        url: &str,
        networks: impl IntoIterator<Item = &'n String>,
    ) -> Result<Self, BadReach> {
        let bad = || BadReach::Host(url.chars().take(200).collect());
        let parsed = url::Url::parse(url).map_err(|_| bad())?;
        let mut reach = Self::new().host(parsed.host_str().ok_or_else(bad)?)?;
        reach.ports.extend(parsed.port());
        for network in networks {
            reach = reach.open(network)?;
        }
        Ok(reach)
    }

    /// Lists a host, by its exact name. Names outside of ASCII are taken as IDNA (UTS 46).
    pub fn host(mut self, name: &str) -> Result<Self, BadReach> {
        self.hosts.insert(listed(name)?);
        Ok(self)
    }

    /// Lists a host for `http` too. It need not be listed a second time for `https`.
    pub fn plain_host(mut self, name: &str) -> Result<Self, BadReach> {
        let name = listed(name)?;
        self.plain.insert(name.clone());
        self.hosts.insert(name);
        Ok(self)
    }

    /// Lists every host for `http` too.
    pub fn and_plain(mut self) -> Self {
        self.plain.clone_from(&self.hosts);
        self
    }

    /// Lists a port beside 443 and 8443 (and 80, where a host is listed for `http`).
    pub fn port(mut self, port: u16) -> Self {
        self.ports.insert(port);
        self
    }

    /// Opens a range of private addresses: a part of 10/8, 172.16/12, 192.168/16, 100.64/10,
    /// 127/8, fc00::/7 or ::1.
    pub fn open(mut self, range: &str) -> Result<Self, BadReach> {
        let network: Network = range.parse()?;
        if !is_private(&network) {
            return Err(BadNetwork::NotPrivate(range.to_owned()).into());
        }
        self.opened.push(network);
        Ok(self)
    }

    pub(crate) fn lists(&self, host: &str) -> bool {
        self.hosts.contains(host)
    }

    pub(crate) fn lists_plain(&self, host: &str) -> bool {
        self.plain.contains(host)
    }

    pub(crate) fn lists_port(&self, port: u16, plain: bool) -> bool {
        matches!(port, 443 | 8443) || (plain && port == 80) || self.ports.contains(&port)
    }

    pub(crate) fn opened(&self) -> &[Network] {
        &self.opened
    }
}

fn listed(name: &str) -> Result<String, BadReach> {
    let bad = || BadReach::Host(name.to_owned());
    if name.is_empty() || name.contains(['/', '@', ':', '?', '#', '%', '\\', '*', ' ']) {
        // An IPv6 address has colons; it is listed in its brackets.
        let inside = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let six = inside.and_then(|text| text.parse::<std::net::Ipv6Addr>().ok());
        return six.map(|six| Host::<String>::Ipv6(six).to_string()).ok_or_else(bad);
    }
    let host = Host::parse(name).map_err(|_| bad())?.to_string();
    if host.ends_with('.') { Err(bad()) } else { Ok(host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_listed_by_its_name_alone() {
        assert!(Reach::new().host("Example.COM").unwrap().lists("example.com"));
        assert!(Reach::new().host("bücher.example").unwrap().lists("xn--bcher-kva.example"));
        assert!(Reach::new().host("[::1]").unwrap().lists("[::1]"));
        for name in ["", "*", "*.example.com", "a/b", "a:443", "a@b", "example.com.", "a b"] {
            assert!(Reach::new().host(name).is_err(), "{name}");
        }
    }

    #[test]
    fn only_private_ranges_can_be_opened() {
        assert!(Reach::new().open("10.20.0.0/16").is_ok());
        assert!(Reach::new().open("127.0.0.1").is_ok());
        for range in ["0.0.0.0/0", "8.0.0.0/6", "169.254.0.0/16", "::/0", "2001:db8::/32", "x"] {
            assert!(Reach::new().open(range).is_err(), "{range}");
        }
    }
}
